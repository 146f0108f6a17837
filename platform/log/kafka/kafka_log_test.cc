#include "platform/log/kafka/kafka_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "platform/errors/errors.h"
#include "platform/log/kafka/topics.h"
#include "platform/log/testing/kafka_brokers.h"
#include "platform/log/testing/log_client.h"
#include "platform/text/text.h"

namespace trialog::log {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using trialog::testing::ReadWhole;

class KafkaLogTest : public ::testing::Test {
 protected:
  KafkaLogTest() {
    EXPECT_EQ(kafka::CreateTopics(options_, kafka::PrivateTopics(options_, {"auth", "inventory", "audit"})),
              absl::OkStatus());
    log_ = Open();
  }

  std::unique_ptr<KafkaLog> Open() {
    auto opened = KafkaLog::Open(options_);
    EXPECT_TRUE(opened.ok()) << opened.status();
    return *std::move(opened);
  }

  static std::vector<Report> Await(Appender& appender, std::vector<std::string> records) {
    std::promise<std::vector<Report>> reports;
    appender.Append(std::move(records), [&](std::vector<Report> got) { reports.set_value(std::move(got)); });
    return reports.get_future().get();
  }
  // Offsets that one record got each; -1 for an error.
  std::vector<int64_t> Append(std::vector<std::string> records, int partition = 0) {
    std::vector<int64_t> offsets;
    for (const Report& report : Await(*log_->NewAppender("inventory", partition), std::move(records))) {
      EXPECT_EQ(report.status, absl::OkStatus());
      offsets.push_back(report.offset);
    }
    return offsets;
  }
  static std::vector<std::string> Bytes(const absl::StatusOr<std::vector<StoredRecord>>& records) {
    std::vector<std::string> bytes;
    if (!records.ok()) return {std::string(records.status().message())};
    for (const StoredRecord& record : *records) bytes.push_back(record.bytes);
    return bytes;
  }

  const kafka::Options options_ = trialog::testing::FreshKafka();
  std::unique_ptr<KafkaLog> log_;
};

TEST_F(KafkaLogTest, GivesDenseOffsetsFromZeroAndReadsBackWhatWasAppended) {
  EXPECT_EQ(*log_->EndOffset("inventory", 0), 0);
  EXPECT_THAT(Append({"a", "b"}), ElementsAre(0, 1));
  EXPECT_THAT(Append({"c"}), ElementsAre(2));
  EXPECT_THAT(Bytes(ReadWhole(*log_, "inventory", 0)), ElementsAre("a", "b", "c"));
  EXPECT_EQ(*log_->EndOffset("inventory", 0), 3);
  EXPECT_EQ(log_->KnownEnd("inventory", 0), 3);
}

TEST_F(KafkaLogTest, KeepsTopicsAndPartitionsApart) {
  Append({"zero"}, 0);
  Append({"one", "one more"}, 1);
  Await(*log_->NewAppender("auth", 0), {"other topic"});
  EXPECT_THAT(Bytes(ReadWhole(*log_, "inventory", 0)), ElementsAre("zero"));
  EXPECT_THAT(Bytes(ReadWhole(*log_, "inventory", 1)), ElementsAre("one", "one more"));
  EXPECT_THAT(Bytes(ReadWhole(*log_, "inventory", 2)), IsEmpty());
  EXPECT_THAT(Bytes(ReadWhole(*log_, "auth", 0)), ElementsAre("other topic"));
}

TEST_F(KafkaLogTest, WhatWasReportedIsInTheNextReadOfEveryProcess) {
  const std::unique_ptr<KafkaLog> other = Open();
  EXPECT_THAT(Bytes(other->Read("inventory", 0, 0, 1 << 20)), IsEmpty());
  for (int64_t i = 0; i < 50; ++i) {
    ASSERT_THAT(Append({Cat("record ", i)}), ElementsAre(i));
    EXPECT_THAT(Bytes(log_->Read("inventory", 0, i, 1 << 20)), ElementsAre(Cat("record ", i)));
    ASSERT_EQ(*other->EndOffset("inventory", 0), i + 1);
    EXPECT_THAT(Bytes(other->Read("inventory", 0, i, 1 << 20)), ElementsAre(Cat("record ", i)));
  }
}

TEST_F(KafkaLogTest, ReadsFromAnyOffsetAndAtMostWhatWasAskedFor) {
  std::vector<std::string> records;
  for (int i = 0; i < 300; ++i) records.push_back(Cat(i, std::string(10'000, '.')));
  const std::unique_ptr<Appender> appender = log_->NewAppender("inventory", 3);
  Await(*appender, records);
  EXPECT_THAT(*log_->Read("inventory", 3, 250, 1 << 20), SizeIs(50));
  // Behind what is kept, ahead again, and in between: each reader gets what it asked for.
  for (const int64_t from : {int64_t{0}, int64_t{299}, int64_t{150}, int64_t{0}, int64_t{298}}) {
    const auto some = log_->Read("inventory", 3, from, 25'000);
    ASSERT_TRUE(some.ok()) << some.status();
    ASSERT_THAT(*some, SizeIs(std::min<int64_t>(3, 300 - from))) << from;
    EXPECT_EQ((*some)[0].offset, from);
    EXPECT_EQ((*some)[0].bytes, records[from]);
  }
  EXPECT_THAT(*ReadWhole(*log_, "inventory", 3, 1), SizeIs(300));
}

TEST_F(KafkaLogTest, TheBrokerStampsEachRecord) {
  const absl::Time before = absl::Now();
  Append({"a"});
  const auto records = ReadWhole(*log_, "inventory", 0);
  ASSERT_TRUE(records.ok() && records->size() == 1) << records.status();
  EXPECT_GE((*records)[0].append_time, absl::FromUnixMillis(absl::ToUnixMillis(before)));
  EXPECT_LE((*records)[0].append_time, absl::Now() + absl::Milliseconds(1));
}

TEST_F(KafkaLogTest, WakesWhoFollowsWhateverProcessAppended) {
  const std::unique_ptr<KafkaLog> other = Open();
  absl::Mutex mutex;
  int woken = 0;
  const auto tail = other->Follow("inventory", 0, [&] {
    absl::MutexLock lock(&mutex);
    ++woken;
  });
  int64_t next = 0;
  for (int round = 0; round < 5; ++round) {
    {
      absl::MutexLock lock(&mutex);
      woken = 0;
    }
    Append({"a", "b"});
    const auto heard = [&] { return woken > 0; };
    {
      absl::MutexLock lock(&mutex);
      // The first may come before the library has found the end; what it left out is read below.
      EXPECT_TRUE(round == 0 || mutex.AwaitWithTimeout(absl::Condition(&heard), absl::Seconds(10))) << round;
    }
    while (next < 2 * (round + 1)) {
      ASSERT_TRUE(other->EndOffset("inventory", 0).ok());
      const auto some = other->Read("inventory", 0, next, 1 << 20);
      ASSERT_TRUE(some.ok()) << some.status();
      next += static_cast<int64_t>(some->size());
    }
  }
}

// As after a restart: the first read is of an old claim, and the store stands far behind it.
TEST_F(KafkaLogTest, WhoReadsFromFarBehindIsStillWokenAtTheEnd) {
  std::vector<std::string> records(200, std::string(1000, '.'));
  const auto appender = log_->NewAppender("inventory", 4);
  for (int i = 0; i < 80; ++i) Await(*appender, records);
  const std::unique_ptr<KafkaLog> other = Open();
  ASSERT_TRUE(other->Read("inventory", 4, 3, 1).ok());
  std::atomic<int> woken = 0;
  const auto tail = other->Follow("inventory", 4, [&] { ++woken; });
  int64_t next = 15'000;
  const auto read_on = [&](int64_t until) {  // To an empty answer, as every reader does.
    for (const absl::Time give_up = absl::Now() + absl::Seconds(30); absl::Now() < give_up;) {
      const auto some = other->Read("inventory", 4, next, 1 << 20);
      ASSERT_TRUE(some.ok()) << some.status();
      next += static_cast<int64_t>(some->size());
      if (some->empty() && next == until) break;
    }
    EXPECT_EQ(next, until);
  };
  read_on(16'000);
  for (int round = 1; round <= 30; ++round) {  // More than is fetched ahead.
    const int before = woken;
    Await(*appender, records);
    for (const absl::Time give_up = absl::Now() + absl::Seconds(10); woken == before && absl::Now() < give_up;) {
      absl::SleepFor(absl::Milliseconds(1));
    }
    EXPECT_GT(woken, before) << round;
    read_on(16'000 + 200 * round);
    EXPECT_EQ(other->KnownEnd("inventory", 4), next);
  }
}

TEST_F(KafkaLogTest, ReportsNothingAfterTheAppenderIsGone) {
  bool reported = false;
  for (int i = 0; i < 100; ++i) {
    auto appender = log_->NewAppender("inventory", 0);
    appender->Append({"a"}, [&](std::vector<Report>) { reported = true; });
    appender.reset();
    reported = false;  // Whatever was reported before it was gone.
    Append({"b"}, 1);
    EXPECT_FALSE(reported);
  }
}

TEST_F(KafkaLogTest, RefusesARecordThatIsTooLongBeforeAnythingIsWritten) {
  const auto reports = Await(*log_->NewAppender("inventory", 0), {"short", std::string(kMaxRecordBytes + 1, 'x')});
  ASSERT_THAT(reports, SizeIs(2));
  EXPECT_EQ(ReasonOf(reports[0].status), "RECORD_TOO_LONG");
  EXPECT_EQ(*log_->EndOffset("inventory", 0), 0);
  Append({std::string(kMaxRecordBytes, 'x')});
  EXPECT_THAT(*ReadWhole(*log_, "inventory", 0), SizeIs(1));
}

TEST_F(KafkaLogTest, ALogThatEndsBeforeAReaderIsDamaged) {
  Append({"a"});
  auto beyond = log_->Read("inventory", 0, 5, 1 << 20);
  // At first it may only be too far ahead; the broker says that it is out of range.
  for (int i = 0; i < 100 && beyond.ok(); ++i) {
    absl::SleepFor(absl::Milliseconds(20));
    beyond = log_->Read("inventory", 0, 5, 1 << 20);
  }
  EXPECT_TRUE(IsDamaged(beyond.status())) << beyond.status();
}

TEST(KafkaWithoutBrokers, IsUnavailableAndSaysSo) {
  kafka::Options options;
  options.brokers = "127.0.0.1:9";  // discard: nobody listens.
  options.patience = absl::Milliseconds(300);
  options.message_timeout = absl::Milliseconds(500);
  auto log = KafkaLog::Open(options);
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_EQ(ReasonOf((*log)->EndOffset("inventory", 0).status()), "LOG_UNAVAILABLE");
  EXPECT_EQ(ReasonOf((*log)->Read("inventory", 0, 0, 1).status()), "LOG_UNAVAILABLE");
  EXPECT_EQ((*log)->KnownEnd("inventory", 0), -1);
  std::promise<std::vector<Report>> reports;
  const auto appender = (*log)->NewAppender("inventory", 0);
  appender->Append({"a"}, [&](std::vector<Report> got) { reports.set_value(std::move(got)); });
  EXPECT_EQ(ReasonOf(reports.get_future().get()[0].status), "LOG_WRITE_FAILED");
}

TEST(KafkaOptions, ASettingThatTheLibraryDoesNotTakeIsSaid) {
  kafka::Options options;
  options.brokers = "127.0.0.1:9";
  options.security.roots = "/does/not/exist.pem";
  EXPECT_EQ(ReasonOf(KafkaLog::Open(options).status()), "KAFKA_SETTING");
}

TEST_F(KafkaLogTest, TopicsThatWouldNotKeepRecordsAreRefused) {
  const auto topics = kafka::PrivateTopics(options_, {"auth", "inventory", "audit"});
  EXPECT_EQ(kafka::CheckTopics(options_, topics), absl::OkStatus());
  // Three copies are the default.
  kafka::Options durable = options_;
  durable.durability = {};
  const absl::Status few = kafka::CheckTopics(durable, topics);
  EXPECT_EQ(ReasonOf(few), "TOPIC_SETTINGS");
  EXPECT_THAT(std::string(few.message()), HasSubstr("must have at least 3"));
  EXPECT_THAT(std::string(few.message()), HasSubstr("min.insync.replicas is 1, must be at least 2"));
  const absl::Status missing = kafka::CheckTopics(options_, kafka::PrivateTopics(options_, {"trials"}));
  EXPECT_THAT(std::string(missing.message()), HasSubstr("trials.log is missing"));
  // Made again, they stay as they are.
  EXPECT_EQ(kafka::CreateTopics(options_, topics), absl::OkStatus());
}

}  // namespace
}  // namespace trialog::log
