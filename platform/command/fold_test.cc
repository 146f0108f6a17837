#include "platform/command/fold.h"

#include <unistd.h>

#include <filesystem>

#include "gtest/gtest.h"
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

  std::string folder_;
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

}  // namespace
}  // namespace trialog
