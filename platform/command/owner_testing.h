// What the tests of the partition owner share: a counter as domain, a log that does as it is told, processes.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "platform/command/partition_owner.h"
#include "platform/errors/errors.h"
#include "platform/log/simulated/simulated_log.h"
#include "platform/log/wrapped_log.h"
#include "platform/runtime/simulated_runtime.h"
#include "platform/text/text.h"
#include "rocksdb/env.h"
#include "trialog/event/v1/value.pb.h"

namespace trialog {

using event::v1::Decimal;
using event::v1::Value;

inline constexpr int kPartition = 5;
inline const std::string kTopic = "test";

// A counter that holds at most 100; its event is a Value whose decimal is added.
inline const view::Table kCounters{1, "counters/*", &Decimal::default_instance(), nullptr};
inline const Domain kDomain{
    "test", &Value::default_instance(), {&kCounters}, [](view::ChangeSet& state, const auto& event) {
      const auto before = state.Get<Decimal>(kCounters, "counters/main");
      auto after = std::make_shared<Decimal>();
      after->set_units((before ? before->units() : 0) + static_cast<const Value&>(event).decimal().units());
      state.Put(kCounters, "counters/main", after);
    }};

inline absl::StatusOr<Decision> Add(int64_t units, const view::State& state) {
  const auto before = state.Get<Decimal>(kCounters, "counters/main");
  if ((before ? before->units() : 0) + units > 100) return BrokenRule("FULL", "counters/main", "take less");
  Value event;
  event.mutable_decimal()->set_units(units);
  Decision decision{.events = {}, .names = {"counters/main"}};
  decision.Add("counters/main", std::move(event));
  return decision;
}

// What becomes of the next groups; without a word all is well.
class ScriptedLog final : public log::WrappedLog {
 public:
  using WrappedLog::WrappedLog;

  std::set<size_t> lose;           // Records of the next group that never land.
  bool fail_after_append = false;  // The next group lands and is reported as an error.
  bool hide_offsets = false;       // The next group is reported without offsets.
  bool hold = false;               // Groups are reported only by LetGo.
  int fail_reads = 0;              // So many reads answer UNAVAILABLE.
  std::optional<int64_t> asleep;   // Nobody is woken, and this is what is known of the end.

  std::unique_ptr<log::Appender> NewAppender(const std::string& topic, int partition) override {
    return std::make_unique<ScriptedAppender>(*this, WrappedLog::NewAppender(topic, partition));
  }
  // Reports the groups that were held so far.
  void LetGo() {
    for (const auto& report : std::exchange(held_, {})) report();
  }
  absl::StatusOr<std::vector<log::StoredRecord>> Read(const std::string& topic, int partition, int64_t from,
                                                      size_t max_bytes) override {
    if (fail_reads > 0 && fail_reads--) return absl::UnavailableError("scripted");
    return WrappedLog::Read(topic, partition, from, max_bytes);
  }
  absl::StatusOr<int64_t> EndOffset(const std::string& topic, int partition) override {
    return asleep ? absl::StatusOr<int64_t>(*asleep) : WrappedLog::EndOffset(topic, partition);
  }
  int64_t KnownEnd(const std::string& topic, int partition) override {
    return asleep ? *asleep : WrappedLog::KnownEnd(topic, partition);
  }
  std::unique_ptr<log::Tail> Follow(const std::string& topic, int partition, std::function<void()> wake) override {
    return WrappedLog::Follow(topic, partition, [this, wake = std::move(wake)] {
      if (!asleep) wake();
    });
  }

 private:
  class ScriptedAppender final : public log::Appender {
   public:
    ScriptedAppender(ScriptedLog& script, std::unique_ptr<log::Appender> target)
        : script_(script), target_(std::move(target)) {}
    void Append(std::vector<std::string> records, std::function<void(std::vector<log::Report>)> done) override {
      const size_t count = records.size();
      const auto lost = std::exchange(script_.lose, {});
      const bool failed = std::exchange(script_.fail_after_append, false);
      const bool hidden = std::exchange(script_.hide_offsets, false);
      for (auto it = lost.rbegin(); it != lost.rend(); ++it) records.erase(records.begin() + static_cast<int64_t>(*it));
      target_->Append(std::move(records), [=, this](std::vector<log::Report> landed) {
        std::vector<log::Report> reports;
        for (size_t i = 0, next = 0; i < count; ++i) {
          reports.push_back(lost.count(i) || failed ? log::Report{absl::UnavailableError("scripted"), -1}
                                                    : landed[next]);
          if (!lost.count(i)) ++next;
          if (hidden) reports.back().offset = -1;
        }
        if (script_.hold) {
          script_.held_.push_back([=] { done(reports); });
        } else {
          done(std::move(reports));
        }
      });
    }

   private:
    ScriptedLog& script_;
    const std::unique_ptr<log::Appender> target_;
  };

  std::vector<std::function<void()>> held_;
};

// A process of its own: store, executor, owner loop.
struct Node {
  Node(SimulatedRuntime& runtime, log::Log& log, OwnerOptions options = {})
      : env(rocksdb::NewMemEnv(rocksdb::Env::Default())),
        executor(runtime.NewExecutor("node")),
        appending(runtime.NewExecutor("log")) {
    options.appending = appending.get();
    store = *view::Store::Open(kDomain, {.path = "/store", .env = env.get()});
    owner = std::make_unique<PartitionOwner>(runtime, *executor, log, *store, kPartition, options);
    tail = log.Follow(kTopic, kPartition, [this] { executor->Post([this] { owner->Wake(); }); });
  }
  ~Node() {
    appending.reset();
    executor.reset();
  }

  int64_t Counter() const {
    const auto counter = store->partition(kPartition).Get<Decimal>(kCounters, "counters/main");
    return counter ? counter->units() : 0;
  }

  std::unique_ptr<rocksdb::Env> env;
  std::unique_ptr<Executor> executor, appending;
  std::unique_ptr<view::Store> store;
  std::unique_ptr<PartitionOwner> owner;
  std::unique_ptr<log::Tail> tail;
};

class OwnerFixture : public testing::Test {
 protected:
  using Answer = std::shared_ptr<std::optional<absl::StatusOr<Outcome>>>;

  std::unique_ptr<Command> Adding(int64_t units, std::string request = "", std::string content = "") {
    auto command = std::make_unique<Command>();
    command->organization = "demo";
    command->request_key = std::move(request);
    command->request_mac = std::move(content);
    command->decide = [units](const view::State& state, const Context&) { return Add(units, state); };
    return command;
  }
  Answer Submit(Node& node, std::unique_ptr<Command> command) {
    auto answer = std::make_shared<std::optional<absl::StatusOr<Outcome>>>();
    command->done = [this, answer, number = next_++](absl::StatusOr<Outcome> outcome) {
      EXPECT_FALSE(answer->has_value()) << "answered twice";
      *answer = std::move(outcome);
      order_.push_back(number);
    };
    node.owner->Submit(std::move(command));
    return answer;
  }
  Answer Submit(Node& node, int64_t units, std::string request = "", std::string content = "") {
    return Submit(node, Adding(units, std::move(request), std::move(content)));
  }
  void Settle(absl::Duration time = absl::Minutes(1)) { runtime_.RunFor(time); }

  // A node that owns the partition and has folded one command.
  void StartOwning(Node& node) {
    ASSERT_TRUE(node.owner->Start(true).ok());
    const Answer first = Submit(node, 1);
    Settle();
    ASSERT_TRUE(first->has_value() && first->value().ok());
    order_.clear();
    next_ = 0;
  }
  static std::string ReasonOfAnswer(const Answer& answer) {
    if (!answer->has_value()) return "not answered";
    return answer->value().ok() ? "OK" : ReasonOf(answer->value().status());
  }
  // Writes a record past the owner loop.
  void AppendRaw(const event::v1::LogRecord& record) {
    auto appender = scripted_.NewAppender(kTopic, kPartition);
    appender->Append({record.SerializeAsString()}, [](auto) {});
    Settle();
  }
  std::vector<std::string> Kinds() {
    std::vector<std::string> kinds;
    for (const auto& stored : log_.Landed(kTopic, kPartition)) {
      const auto record = log::ParseRecord(stored.bytes, stored.offset);
      kinds.push_back(record->has_claim() ? "claim" : record->has_release() ? "release" : "data");
    }
    return kinds;
  }

  SimulatedRuntime runtime_{1};
  log::SimulatedLog log_{runtime_, {}};
  ScriptedLog scripted_{log_};
  std::vector<int> order_;  // In which commands were answered.
  int next_ = 0;
};

}  // namespace trialog
