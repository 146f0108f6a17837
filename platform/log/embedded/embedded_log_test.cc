#include "platform/log/embedded/embedded_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "platform/errors/errors.h"
#include "platform/log/continuity.h"
#include "platform/log/testing/log_client.h"
#include "platform/log/testing/power_cut_fs.h"
#include "platform/text/text.h"

namespace trialog::log {
namespace {

using rocksdb::IOStatus;
using testing::AppendNow;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::PowerCutInMemory;
using testing::ReadWhole;

constexpr char kTopic[] = "trialog.inventory.log";

class EmbeddedLogTest : public ::testing::Test {
 protected:
  EmbeddedLogTest() { Reopen(); }

  void Reopen() {
    log_ = nullptr;
    auto opened = EmbeddedLog::Open({.path = "/log", .file_system = files_, .min_free_bytes = 1000});
    ASSERT_TRUE(opened.ok()) << opened.status();
    log_ = *std::move(opened);
  }

  // Offsets that one record got each; -1 for an error.
  std::vector<int64_t> Append(std::vector<std::string> records, int partition = 0) {
    std::vector<int64_t> offsets;
    for (const Report& report : AppendNow(*log_->NewAppender(kTopic, partition), std::move(records))) {
      offsets.push_back(report.status.ok() ? report.offset : -1);
    }
    return offsets;
  }

  std::vector<std::string> Records(int partition = 0) {
    std::vector<std::string> bytes;
    auto all = ReadWhole(*log_, kTopic, partition);
    EXPECT_TRUE(all.ok()) << all.status();
    for (const StoredRecord& record : all.value_or(std::vector<StoredRecord>{})) {
      EXPECT_EQ(record.offset, static_cast<int64_t>(bytes.size()));
      bytes.push_back(record.bytes);
    }
    return bytes;
  }

  const std::shared_ptr<testing::PowerCutFileSystem> files_ = PowerCutInMemory();
  std::unique_ptr<EmbeddedLog> log_;
};

TEST_F(EmbeddedLogTest, GivesDenseOffsetsFromZeroAndReadsBackWhatWasAppended) {
  EXPECT_EQ(*log_->EndOffset(kTopic, 0), 0);
  EXPECT_THAT(Append({"a", "b"}), ElementsAre(0, 1));
  EXPECT_THAT(Append({"c"}), ElementsAre(2));
  EXPECT_THAT(Records(), ElementsAre("a", "b", "c"));
  EXPECT_EQ(*log_->EndOffset(kTopic, 0), 3);
}

TEST_F(EmbeddedLogTest, KeepsTopicsAndPartitionsApart) {
  Append({"zero"}, 0);
  Append({"one", "one more"}, 1);
  AppendNow(*log_->NewAppender(Cat(kTopic, "2"), 0), {"other topic"});
  EXPECT_THAT(Records(0), ElementsAre("zero"));
  EXPECT_THAT(Records(1), ElementsAre("one", "one more"));
  EXPECT_EQ(*log_->EndOffset(Cat(kTopic, "2"), 0), 1);
  EXPECT_EQ(*log_->EndOffset("trialog", 0), 0);
}

TEST_F(EmbeddedLogTest, GoesOnWhereItEndedAfterARestart) {
  Append({"a", "b"});
  Reopen();
  EXPECT_EQ(*log_->EndOffset(kTopic, 0), 2);
  EXPECT_THAT(Append({"c"}), ElementsAre(2));
  EXPECT_THAT(Records(), ElementsAre("a", "b", "c"));
}

TEST_F(EmbeddedLogTest, ReadsAtLeastOneRecordAndStopsNearTheLimit) {
  Append({std::string(100, 'a'), std::string(100, 'b'), std::string(100, 'c')});
  EXPECT_EQ(log_->Read(kTopic, 0, 0, 1)->size(), 1u);
  EXPECT_EQ(log_->Read(kTopic, 0, 0, 150)->size(), 2u);
  EXPECT_EQ(log_->Read(kTopic, 0, 2, 1000)->front().offset, 2);
  EXPECT_TRUE(log_->Read(kTopic, 0, 3, 1000)->empty());
}

TEST_F(EmbeddedLogTest, RefusesAGroupWithATooLongRecordBeforeAnythingIsWritten) {
  auto appender = log_->NewAppender(kTopic, 0);
  const auto reports = AppendNow(*appender, {"short", std::string(kMaxRecordBytes + 1, 'x')});
  ASSERT_EQ(reports.size(), 2u);
  for (const Report& report : reports) EXPECT_EQ(ReasonOf(report.status), "RECORD_TOO_LONG");
  EXPECT_EQ(*log_->EndOffset(kTopic, 0), 0);
  EXPECT_TRUE(AppendNow(*appender, {std::string(kMaxRecordBytes, 'x')}).front().status.ok());
}

TEST_F(EmbeddedLogTest, RefusesASecondOpener) {
  const auto second = EmbeddedLog::Open({.path = "/log", .file_system = files_});
  EXPECT_EQ(ReasonOf(second.status()), "LOG_IN_USE");
  EXPECT_THAT(Append({"a"}), ElementsAre(0));  // The first one is not disturbed.
}

TEST_F(EmbeddedLogTest, ReadOnlyItIsReadBesideTheProcessThatHasIt) {
  Append({"one", "two"});
  auto beside = EmbeddedLog::Open({.path = "/log", .file_system = files_, .read_only = true});
  ASSERT_TRUE(beside.ok()) << beside.status();
  Append({"three"});
  const auto read = ReadWhole(**beside, kTopic, 0);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->size(), 2u) << "what stood there when it was opened";
  const auto refused = AppendNow(*(*beside)->NewAppender(kTopic, 0), {"mine"});
  EXPECT_EQ(ReasonOf(refused.front().status), "LOG_READ_ONLY");
  EXPECT_THAT(Records(), ElementsAre("one", "two", "three"));
  beside->reset();
  EXPECT_THAT(Append({"four"}), ElementsAre(3));

  EXPECT_FALSE(EmbeddedLog::Open({.path = "/none", .file_system = files_, .read_only = true}).ok());
}

TEST_F(EmbeddedLogTest, WakesFollowersOfThePartitionUntilTheirTailIsGone) {
  int woken = 0, other = 0;
  auto tail = log_->Follow(kTopic, 0, [&] { ++woken; });
  auto other_tail = log_->Follow(kTopic, 1, [&] { ++other; });
  Append({"a"});
  EXPECT_EQ(woken, 1);
  EXPECT_EQ(other, 0);
  tail = nullptr;
  Append({"b"});
  EXPECT_EQ(woken, 1);
}

TEST_F(EmbeddedLogTest, AppenderMayBeDestroyedByItsOwnReport) {
  auto appender = log_->NewAppender(kTopic, 0);
  bool reported = false;
  appender->Append({"a"}, [&](std::vector<Report>) {
    appender = nullptr;
    reported = true;
  });
  EXPECT_TRUE(reported);
}

TEST_F(EmbeddedLogTest, GivesEachOffsetOnceUnderConcurrentAppenders) {
  constexpr int kThreads = 4, kGroups = 100;
  std::vector<std::thread> threads;
  std::vector<std::vector<int64_t>> offsets(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      auto appender = log_->NewAppender(kTopic, t % 2);  // Two appenders a partition.
      for (int i = 0; i < kGroups; ++i) {
        for (const Report& r : AppendNow(*appender, {Cat(t, ".", i), Cat(t, ".", i, "b")}))
          offsets[t].push_back(r.offset);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int partition = 0; partition < 2; ++partition) {
    const std::vector<std::string> records = Records(partition);
    ASSERT_EQ(records.size(), 2u * 2 * kGroups);
    for (int t = partition; t < kThreads; t += 2) {
      for (int i = 0; i < kGroups; ++i) {
        EXPECT_EQ(records[offsets[t][2 * i]], Cat(t, ".", i));
        EXPECT_EQ(records[offsets[t][2 * i + 1]], Cat(t, ".", i, "b"));
      }
    }
  }
}

TEST_F(EmbeddedLogTest, RefusesToStartBehindAStore) {
  Append({"a", "b"});
  EXPECT_TRUE(CheckNotBehind(*log_, kTopic, 0, 2).ok());
  EXPECT_TRUE(CheckNotBehind(*log_, kTopic, 0, 0).ok());
  const absl::Status behind = CheckNotBehind(*log_, kTopic, 0, 3);
  EXPECT_EQ(behind.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ReasonOf(behind), "LOG_ENDS_BEFORE_STORE");
  EXPECT_THAT(std::string(behind.message()), HasSubstr(Cat(kTopic, " ends in partition 0 at offset 2")));
}

TEST_F(EmbeddedLogTest, RefusesWritesBelowTheWatermarkWhileReadsGoOn) {
  Append({"a"});
  auto appender = log_->NewAppender(kTopic, 0);
  files_->SetFreeSpace(999);
  const Report refused = AppendNow(*appender, {"b"}).front();
  EXPECT_EQ(refused.status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(refused.status), "DISK_WATERMARK");
  EXPECT_THAT(Records(), ElementsAre("a"));
  files_->SetFreeSpace(1000);
  EXPECT_EQ(AppendNow(*appender, {"c"}).front().offset, 1);
  EXPECT_THAT(Records(), ElementsAre("a", "c"));
}

TEST_F(EmbeddedLogTest, FullDiskFailsTheAppenderForGoodButNotReadsAndTheLogRecoversWithTheSpace) {
  Append({"a"});
  auto appender = log_->NewAppender(kTopic, 0);
  auto idle = log_->NewAppender(kTopic, 1);
  files_->FailWritesAfter(0, IOStatus::NoSpace("disk full"));
  const Report lost = AppendNow(*appender, {"b"}).front();
  EXPECT_EQ(lost.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(lost.status), "LOG_WRITE_FAILED");
  EXPECT_THAT(Records(), ElementsAre("a"));
  const Report refused = AppendNow(*log_->NewAppender(kTopic, 0), {"still full"}).front();
  EXPECT_EQ(refused.status.code(), absl::StatusCode::kResourceExhausted);  // Nothing was written.
  EXPECT_EQ(ReasonOf(refused.status), "DISK_FULL");
  EXPECT_THAT(Records(), ElementsAre("a"));

  files_->ClearFaults();
  EXPECT_EQ(ReasonOf(AppendNow(*appender, {"c"}).front().status), "LOG_WRITE_FAILED");
  EXPECT_THAT(Append({"d"}), ElementsAre(1));
  EXPECT_THAT(AppendNow(*idle, {"e"}).front().offset, 0);
  EXPECT_THAT(Records(), ElementsAre("a", "d"));
  Reopen();
  EXPECT_THAT(Records(), ElementsAre("a", "d"));
}

TEST_F(EmbeddedLogTest, RecordWhoseSyncFailedMayStandInTheLogAndNeverSharesItsOffset) {
  Append({"a"});
  files_->FailSyncsAfter(0, IOStatus::IOError("input/output error"));
  EXPECT_THAT(Append({"unknown"}), ElementsAre(-1));
  EXPECT_THAT(Records(), ElementsAre("a"));  // Not shown before it is certain.
  files_->ClearFaults();
  EXPECT_THAT(Append({"b"}), ElementsAre(2));
  EXPECT_THAT(Records(), ElementsAre("a", "unknown", "b"));
  Reopen();
  EXPECT_THAT(Records(), ElementsAre("a", "unknown", "b"));
}

TEST_F(EmbeddedLogTest, KeepsWhatItAcknowledgedWhereverTheDiskFails) {
  for (uint64_t seed = 1; seed <= 25; ++seed) {
    std::mt19937_64 random(seed);
    const IOStatus error = random() % 2 ? IOStatus::NoSpace("disk full") : IOStatus::IOError("input/output error");
    std::vector<std::string> before = Records();
    (random() % 2 ? files_->FailWritesAfter(static_cast<int64_t>(random() % 12), error)
                  : files_->FailSyncsAfter(static_cast<int64_t>(random() % 12), error));
    std::map<int64_t, std::string> acknowledged;
    bool failed = false;
    for (int i = 0; i < 30 && !failed; ++i) {
      const std::string bytes = Cat(seed, ".", i);
      const int64_t offset = Append({bytes}).front();
      failed = offset < 0;
      if (!failed) acknowledged[offset] = bytes;
    }
    ASSERT_TRUE(failed) << "seed " << seed;
    files_->ClearFaults();
    if (random() % 4 == 0) Reopen();
    const std::string last = Cat(seed, ".last");
    acknowledged[Append({last}).front()] = last;
    const std::vector<std::string> after = Records();
    ASSERT_TRUE(std::equal(before.begin(), before.end(), after.begin())) << "seed " << seed;
    for (const auto& [offset, bytes] : acknowledged) {
      ASSERT_GE(offset, 0) << "seed " << seed;
      ASSERT_EQ(after[offset], bytes) << "seed " << seed;
    }
    ASSERT_EQ(after.back(), last) << "seed " << seed;
  }
}

TEST_F(EmbeddedLogTest, SurvivesADiskThatFillsDuringAFlush) {
  const std::string large(kMaxRecordBytes, 'x');
  auto appender = log_->NewAppender(kTopic, 0);
  for (int i = 0; i < 62; ++i) ASSERT_TRUE(AppendNow(*appender, {large}).front().status.ok());
  files_->FailWritesAfter(20, IOStatus::NoSpace("disk full"));  // The memtable (32 MiB) is full after a few more.
  int64_t acknowledged = 62;
  for (int i = 0; i < 20; ++i) acknowledged += AppendNow(*appender, {large}).front().status.ok();
  ASSERT_LT(acknowledged, 82);
  EXPECT_GE(*log_->EndOffset(kTopic, 0), acknowledged);
  files_->ClearFaults();
  ASSERT_GE(Append({"after"}).front(), acknowledged);
  EXPECT_EQ(Records().back(), "after");
}

}  // namespace
}  // namespace trialog::log
