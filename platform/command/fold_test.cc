#include "platform/command/fold.h"

#include <unistd.h>

#include <filesystem>

#include "gtest/gtest.h"
#include "platform/errors/errors.h"
#include "platform/log/embedded/embedded_log.h"
#include "platform/runtime/real_runtime.h"
#include "platform/text/text.h"
#include "rocksdb/env.h"
#include "trialog/event/v1/value.pb.h"

namespace trialog {
namespace {

using event::v1::Value;

constexpr int kPartition = 5;
const std::string kTopic = "test";
constexpr view::Index kByText{1, "by_text"};
constexpr view::Index kUnique{2, "unique"};

// Each event is a row's new text; a row is found by its text, and by name and text.
const view::Table kThings{1, "things/*", &Value::default_instance(),
                          [](const view::Row& row, std::string_view name, view::IndexSink& sink) {
                            sink.Add(kByText, row.As<Value>().text());
                            sink.AddUnique(kUnique, Cat(name, "=", row.As<Value>().text()));
                          }};
const Domain kDomain{"test", &Value::default_instance(), {&kThings}, [](view::ChangeSet& state, const auto& event) {
                       const auto& value = static_cast<const Value&>(event);
                       const std::string name = Cat("things/", value.decimal().units());
                       auto after = std::make_shared<Value>();
                       const auto before = state.Get<Value>(kThings, name);
                       after->set_text(Cat(value.decimal().scale(), before ? before->text().size() % 3 : 9));
                       state.Put(kThings, name, after);
                     }};

class FoldTest : public testing::Test {
 protected:
  FoldTest() {
    folder_ = testing::TempDir() + Cat("fold_test_", ::getpid());
    std::filesystem::remove_all(folder_);
    log_ = *log::EmbeddedLog::Open({.path = folder_});
    appender_ = log_->NewAppender(kTopic, kPartition);
    event::v1::LogRecord record;
    record.mutable_claim()->set_term(1);
    record.mutable_claim()->set_owner("owner");
    Append({record.SerializeAsString()});
  }
  ~FoldTest() override {
    appender_.reset();
    log_.reset();
    std::filesystem::remove_all(folder_);
  }

  void Append(std::vector<std::string> records) {
    bool written = true;
    appender_->Append(std::move(records), [&](const std::vector<log::Report>& reports) {
      for (const auto& report : reports) written = written && report.status.ok();
    });
    ASSERT_TRUE(written);
  }

  // The next record of a term that its writer claimed, with one event.
  std::string Next(uint64_t term, uint64_t seq, const event::v1::Event& event) {
    event::v1::LogRecord record;
    auto& data = *record.mutable_data();
    data.set_term(term);
    data.set_owner("owner");
    data.set_seq(seq);
    data.set_prev(last_);
    data.set_command_id(Cat("command-", term, "-", seq));
    data.set_request_key(data.command_id());
    *data.add_events() = event;
    std::string bytes = record.SerializeAsString();
    last_ = log::RecordHash(bytes);
    return bytes;
  }
  static event::v1::Event Sets(int row) {
    Value value;
    value.mutable_decimal()->set_units(row);
    event::v1::Event event;
    value.SerializeToString(event.mutable_domain());
    return event;
  }
  // An event of a later build.
  static event::v1::Event Unknown() {
    event::v1::Event event;
    Value::default_instance().SerializeToString(event.mutable_domain());
    return event;
  }
  static event::v1::Event Skips(int64_t offset, std::string_view bytes) {
    event::v1::Event event;
    event.mutable_skip()->set_offset(offset);
    event.mutable_skip()->set_record_hash(log::RecordHash(bytes));
    return event;
  }
  static std::string ClaimOf(uint64_t term, std::string_view owner = "owner") {
    event::v1::LogRecord record;
    record.mutable_claim()->set_term(term);
    record.mutable_claim()->set_owner(std::string(owner));
    return record.SerializeAsString();
  }
  // Why a fold of all of it stops; "" when it does not.
  std::string StopsFor(view::Store& store) { return ReasonOf(CatchUp(kDomain, store, *log_, kPartition)); }

  // `count` records that change `rows` rows in turn, an hour after each thousandth.
  void Fill(int count, int rows) {
    std::vector<std::string> group;
    std::string last;
    for (int i = 1; i <= count; ++i) {
      event::v1::LogRecord record;
      auto& data = *record.mutable_data();
      data.set_term(1);
      data.set_owner("owner");
      data.set_seq(static_cast<uint64_t>(i));
      data.set_prev(last);
      data.set_command_id(Cat("command-", i));
      data.set_request_key(Cat("request-", i));
      data.mutable_result()->add_names("things/x");
      data.mutable_record_time()->set_seconds(1'700'000'000 + i / 1000 * 3600);
      Value event;
      event.mutable_decimal()->set_units(i * 7919 % rows);
      event.mutable_decimal()->set_scale(static_cast<uint32_t>(i % 5));
      auto& added = *data.add_events();
      added.set_entity(std::string(200, 'e'));
      event.SerializeToString(added.mutable_domain());
      group.push_back(record.SerializeAsString());
      last = log::RecordHash(group.back());
      if (group.size() == 1000 || i == count) Append(std::exchange(group, {}));
    }
  }

  std::unique_ptr<view::Store> NewStore() {
    envs_.push_back(std::unique_ptr<rocksdb::Env>(rocksdb::NewMemEnv(rocksdb::Env::Default())));
    // So few cached rows that most look-ups go to the disk.
    return *view::Store::Open(kDomain, {.path = "/store", .env = envs_.back().get(), .cached_rows = 64});
  }

  std::string folder_, last_;
  std::unique_ptr<log::EmbeddedLog> log_;
  std::unique_ptr<log::Appender> appender_;
  std::vector<std::unique_ptr<rocksdb::Env>> envs_;
};

TEST_F(FoldTest, TheContentDoesNotDependOnHowRecordsAreFoldedTogether) {
  Fill(30'000, 500);
  const auto in_batches = NewStore(), in_parallel = NewStore(), in_groups = NewStore();
  ASSERT_TRUE(CatchUp(kDomain, *in_batches, *log_, kPartition).ok());
  const auto assistant = RealRuntime().NewExecutor("assistant");
  ASSERT_TRUE(CatchUpInParallel(kDomain, *in_parallel, *log_, kPartition, *assistant).ok());
  for (int64_t end = 97; in_groups->next_offset(kPartition) < 30'001; end += 97) {
    ASSERT_TRUE(CatchUp(kDomain, *in_groups, *log_, kPartition, end).ok());
  }
  EXPECT_EQ(in_parallel->next_offset(kPartition), 30'001);
  EXPECT_EQ(in_parallel->fold(kPartition).alarms(), 0u);
  // Those of the last 24 hours, from the six thousandth on.
  EXPECT_EQ(in_parallel->fold(kPartition).requests(), 24'001u);
  EXPECT_EQ(in_parallel->ContentHash(), in_batches->ContentHash());
  EXPECT_EQ(in_groups->ContentHash(), in_batches->ContentHash());
}

TEST_F(FoldTest, AnEventThatIsNotKnownStopsUntilItIsSkipped) {
  const std::string first = Next(1, 1, Sets(1)), stops = Next(1, 2, Unknown()), third = Next(1, 3, Sets(2));
  Append({first, stops, third});
  const auto store = NewStore();
  EXPECT_EQ(StopsFor(*store), "UNKNOWN_EVENT");

  // Whoever does not own the partition skips nothing, and nobody skips another record than the one that stands there.
  const std::string last = last_, fenced = Next(1, 4, Skips(2, stops));
  last_ = last;
  Append({ClaimOf(2), fenced});
  const std::string other_bytes = Next(2, 1, Skips(2, "other bytes")), other_place = Next(2, 2, Skips(3, stops));
  Append({other_bytes, other_place});
  EXPECT_EQ(StopsFor(*store), "UNKNOWN_EVENT");

  const std::string skips = Next(2, 3, Skips(2, stops)), later = Next(2, 4, Sets(3));
  Append({skips, later});
  EXPECT_EQ(StopsFor(*store), "");
  const auto fold = store->fold(kPartition);
  EXPECT_EQ(fold.next_offset(), 10);
  EXPECT_EQ(fold.alarms(), 0u);
  EXPECT_EQ(fold.requests(), 7u) << "what was not understood was admitted, and is not done once more";
  for (const char* row : {"things/1", "things/2", "things/3"}) {
    EXPECT_NE(store->partition(kPartition).Find(kThings, row), nullptr) << row;
  }
  const auto again = NewStore(), in_parallel = NewStore();
  EXPECT_EQ(StopsFor(*again), "");
  const auto assistant = RealRuntime().NewExecutor("assistant");
  ASSERT_TRUE(CatchUpInParallel(kDomain, *in_parallel, *log_, kPartition, *assistant).ok());
  EXPECT_EQ(again->ContentHash(), store->ContentHash());
  EXPECT_EQ(in_parallel->ContentHash(), store->ContentHash());
}

TEST_F(FoldTest, BytesThatAreNoRecordStopUntilTheyAreSkipped) {
  const std::string noise = "\xff\xff no record", newer("\x2a\x00", 2);  // The second of a kind that is not known.
  Append({Next(1, 1, Sets(1)), noise, newer, Next(1, 2, Sets(2))});
  const auto store = NewStore();
  EXPECT_EQ(StopsFor(*store), "LOG_RECORD_UNREADABLE");
  Append({Next(1, 3, Skips(2, noise))});
  EXPECT_EQ(StopsFor(*store), "LOG_RECORD_KIND_UNKNOWN");
  Append({Next(1, 4, Skips(3, newer))});
  EXPECT_EQ(StopsFor(*store), "");
  const auto fold = store->fold(kPartition);
  EXPECT_EQ(fold.next_offset(), 7);
  EXPECT_EQ(fold.alarms(), 0u) << "they are no link of the chain";
  EXPECT_NE(store->partition(kPartition).Find(kThings, "things/2"), nullptr);
}

}  // namespace
}  // namespace trialog
