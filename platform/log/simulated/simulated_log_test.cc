#include "platform/log/simulated/simulated_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "platform/text/text.h"

namespace trialog::log {
namespace {

using ::testing::ElementsAre;

constexpr char kTopic[] = "trialog.trials.log";

struct Sent {
  std::string bytes;
  std::optional<Report> report;
};

// Appends groups one after the other, and now and then drops its appender in the middle of one, as an owner that steps
// down.
class Writer {
 public:
  Writer(SimulatedRuntime& runtime, SimulatedLog& log, std::string name, int groups)
      : runtime_(runtime), log_(log), name_(std::move(name)), groups_(groups), executor_(runtime.NewExecutor(name_)) {
    executor_->Post([this] { Next(); });
  }

  std::vector<Sent> sent;
  int64_t lives = 0;

 private:
  void Next() {
    if (groups_-- == 0) return;
    if (!appender_) appender_ = log_.NewAppender(kTopic, 0), ++lives;
    const size_t first = sent.size();
    std::vector<std::string> records;
    for (uint64_t i = 0; i <= runtime_.random().Below(4); ++i) {
      records.push_back(Cat(name_, ".", sent.size()));
      sent.push_back({records.back(), std::nullopt});
    }
    auto reported = std::make_shared<bool>(false);
    appender_->Append(std::move(records), [this, first, reported](std::vector<Report> reports) {
      *reported = true;
      ASSERT_EQ(reports.size(), sent.size() - first);
      bool failed = false;
      for (size_t i = 0; i < reports.size(); ++i) {
        failed |= !reports[i].status.ok();
        sent[first + i].report = reports[i];
      }
      executor_->Post([this, failed] {
        if (failed) appender_ = nullptr;
        Next();
      });
    });
    if (!runtime_.random().OneIn(8)) return;
    executor_->After(runtime_.random().UpTo(absl::Milliseconds(5)), [this, reported] {
      if (*reported) return;
      appender_ = nullptr;  // No report comes any more.
      Next();
    });
  }

  SimulatedRuntime& runtime_;
  SimulatedLog& log_;
  const std::string name_;
  int groups_;
  const std::unique_ptr<Executor> executor_;
  std::unique_ptr<Appender> appender_;
};

struct Outcome {
  std::string bytes;  // Offsets, times and bytes of all that landed.
  FaultCounts counts;
  int64_t pauses = 0;
};

Outcome Simulate(uint64_t seed, const SimulatedLogOptions& options) {
  SimulatedRuntime runtime(seed, {.pause_one_in = 50, .longest_pause = absl::Seconds(1)});
  SimulatedLog log(runtime, options);
  Writer a(runtime, log, "a", 40), b(runtime, log, "b", 40);
  EXPECT_TRUE(runtime.RunUntilIdle(100'000)) << "seed " << seed;

  std::map<int64_t, std::string> landed;
  std::multiset<std::string> bytes;
  Outcome outcome{"", log.counts(), runtime.pauses()};
  for (const StoredRecord& record : log.Landed(kTopic, 0)) {
    landed[record.offset] = record.bytes;
    bytes.insert(record.bytes);
    Append(outcome.bytes, record.offset, "@", absl::ToUnixMicros(record.append_time), "=", record.bytes, "\n");
  }
  for (const Writer* writer : {&a, &b}) {
    for (const Sent& sent : writer->sent) {
      if (!sent.report || !sent.report->status.ok()) continue;
      EXPECT_GE(bytes.count(sent.bytes), 1u) << "seed " << seed;
      if (sent.report->offset < 0) continue;
      EXPECT_EQ(landed[sent.report->offset], sent.bytes) << "seed " << seed;
    }
  }
  return outcome;
}

TEST(SimulatedLog, WithoutFaultsAppendsInOrderAndReportsOffsets) {
  SimulatedRuntime runtime(1);
  SimulatedLog log(runtime, {});
  auto appender = log.NewAppender(kTopic, 3);
  std::vector<int64_t> offsets;
  int woken = 0;
  auto tail = log.Follow(kTopic, 3, [&] { ++woken; });
  appender->Append({"x", "y", "z"}, [&](std::vector<Report> reports) {
    for (const Report& report : reports) offsets.push_back(report.status.ok() ? report.offset : -1);
  });
  EXPECT_TRUE(log.Read(kTopic, 3, 0, 1000)->empty());  // Not yet landed.
  ASSERT_TRUE(runtime.RunUntilIdle(100));
  EXPECT_THAT(offsets, ElementsAre(0, 1, 2));
  EXPECT_GT(woken, 0);
  EXPECT_EQ(*log.EndOffset(kTopic, 3), 3);
  EXPECT_EQ(log.Read(kTopic, 3, 1, 1000)->front().bytes, "y");
  EXPECT_EQ(log.Read(kTopic, 3, 0, 1)->size(), 1u);
  EXPECT_EQ(*log.EndOffset(kTopic, 4), 0);
}

TEST(SimulatedLog, SameSeedGivesTheSameLogByteForByte) {
  const Outcome once = Simulate(42, ManyFaults()), again = Simulate(42, ManyFaults());
  EXPECT_EQ(once.bytes, again.bytes);
  EXPECT_EQ(once.counts.ToString(), again.counts.ToString());
  EXPECT_NE(once.bytes, Simulate(43, ManyFaults()).bytes);
}

TEST(SimulatedLog, GoodReportsAreTrueWhateverFaultsFireAndEachFaultFires) {
  FaultCounts total;
  int64_t pauses = 0;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    const Outcome outcome = Simulate(seed, ManyFaults());
    total += outcome.counts;
    pauses += outcome.pauses;
  }
  std::printf("200 seeds: %s, pauses %lld\n", total.ToString().c_str(), static_cast<long long>(pauses));
  for (const int64_t count : {total.lost, total.late, total.doubled, total.failed_after_append, total.no_offset,
                              total.abandoned, total.landed_after_death, total.reordered, total.holes, pauses}) {
    EXPECT_GT(count, 100);
  }
}

TEST(SimulatedLog, ReportsNothingAfterItsAppenderIsGoneThoughRecordsMayLand) {
  int64_t landed = 0;
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    SimulatedRuntime runtime(seed);
    SimulatedLog log(runtime, {.abandoned_one_in = 2});
    auto appender = log.NewAppender(kTopic, 0);
    appender->Append({"x"}, [&](std::vector<Report>) { ADD_FAILURE() << "seed " << seed; });
    appender = nullptr;
    ASSERT_TRUE(runtime.RunUntilIdle(100));
    landed += log.counts().landed_after_death;
    ASSERT_EQ(log.counts().landed + log.counts().abandoned, 1);
  }
  EXPECT_GT(landed, 10);
  EXPECT_LT(landed, 40);
}

TEST(SimulatedLog, EndsAndReadsMayFailUntilCalmAndNeverShowMoreThanLanded) {
  SimulatedRuntime runtime(5);
  SimulatedLog log(runtime, {.stale_end_one_in = 2, .read_failed_one_in = 2});
  auto appender = log.NewAppender(kTopic, 0);
  appender->Append(std::vector<std::string>(10, "x"), [](std::vector<Report>) {});
  ASSERT_TRUE(runtime.RunUntilIdle(100));
  for (int i = 0; i < 50; ++i) {
    EXPECT_LE(*log.EndOffset(kTopic, 0), 10);
    auto records = log.Read(kTopic, 0, 0, 1000);
    EXPECT_TRUE(!records.ok() || records->size() == 10u);
  }
  EXPECT_GT(log.counts().stale_ends, 10);
  EXPECT_GT(log.counts().reads_failed, 10);
  log.Calm();
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(*log.EndOffset(kTopic, 0), 10);
    EXPECT_TRUE(log.Read(kTopic, 0, 0, 1000).ok());
  }
}

TEST(SimulatedLog, EndsTheProgramWhenASecondGroupIsAppendedBeforeTheReport) {
  EXPECT_DEATH(
      {
        SimulatedRuntime runtime(1);
        SimulatedLog log(runtime, {});
        auto appender = log.NewAppender(kTopic, 0);
        appender->Append({"x"}, [](std::vector<Report>) {});
        appender->Append({"y"}, [](std::vector<Report>) {});
      },
      "a second group");
}

}  // namespace
}  // namespace trialog::log
