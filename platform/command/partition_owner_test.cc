#include "platform/command/partition_owner.h"

#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/errors/errors.h"
#include "platform/log/simulated/simulated_log.h"
#include "platform/runtime/simulated_runtime.h"
#include "platform/text/text.h"
#include "platform/view/times.h"
#include "rocksdb/env.h"
#include "trialog/event/v1/value.pb.h"

namespace trialog {
namespace {

using event::v1::Decimal;
using event::v1::Value;
using testing::ElementsAre;

constexpr int kPartition = 5;
const std::string kTopic = "test";

// A counter that holds at most 100; its event is a Value whose decimal is added.
const view::Table kCounters{1, "counters/*", &Decimal::default_instance(), nullptr};
const Domain kDomain{
    "test", &Value::default_instance(), {&kCounters}, [](view::ChangeSet& state, const auto& event) {
      const auto before = state.Get<Decimal>(kCounters, "counters/main");
      auto after = std::make_shared<Decimal>();
      after->set_units((before ? before->units() : 0) + static_cast<const Value&>(event).decimal().units());
      state.Put(kCounters, "counters/main", after);
    }};

absl::StatusOr<Decision> Add(int64_t units, const view::State& state) {
  const auto before = state.Get<Decimal>(kCounters, "counters/main");
  if ((before ? before->units() : 0) + units > 100) return BrokenRule("FULL", "counters/main", "take less");
  Value event;
  event.mutable_decimal()->set_units(units);
  Decision decision{.events = {}, .names = {"counters/main"}};
  decision.Add("counters/main", std::move(event));
  return decision;
}

// What becomes of the next groups; without a word all is well.
class ScriptedLog final : public log::Log {
 public:
  explicit ScriptedLog(log::Log& log) : log_(log) {}

  std::set<size_t> lose;           // Records of the next group that never land.
  bool fail_after_append = false;  // The next group lands and is reported as an error.
  bool hide_offsets = false;       // The next group is reported without offsets.
  int fail_reads = 0;              // So many reads answer UNAVAILABLE.

  std::unique_ptr<log::Appender> NewAppender(const std::string& topic, int partition) override {
    return std::make_unique<ScriptedAppender>(*this, log_.NewAppender(topic, partition));
  }
  absl::StatusOr<std::vector<log::StoredRecord>> Read(const std::string& topic, int partition, int64_t from,
                                                      size_t max_bytes) override {
    if (fail_reads > 0 && fail_reads--) return absl::UnavailableError("scripted");
    return log_.Read(topic, partition, from, max_bytes);
  }
  absl::StatusOr<int64_t> EndOffset(const std::string& topic, int partition) override {
    return log_.EndOffset(topic, partition);
  }
  std::unique_ptr<log::Tail> Follow(const std::string& topic, int partition, std::function<void()> wake) override {
    return log_.Follow(topic, partition, std::move(wake));
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
      target_->Append(std::move(records), [=](std::vector<log::Report> landed) {
        std::vector<log::Report> reports;
        for (size_t i = 0, next = 0; i < count; ++i) {
          reports.push_back(lost.count(i) || failed ? log::Report{absl::UnavailableError("scripted"), -1}
                                                    : landed[next]);
          if (!lost.count(i)) ++next;
          if (hidden) reports.back().offset = -1;
        }
        done(std::move(reports));
      });
    }

   private:
    ScriptedLog& script_;
    const std::unique_ptr<log::Appender> target_;
  };

  log::Log& log_;
};

// A process of its own: store, executor, owner loop.
struct Node {
  Node(SimulatedRuntime& runtime, log::Log& log, OwnerOptions options = {})
      : env(rocksdb::NewMemEnv(rocksdb::Env::Default())), executor(runtime.NewExecutor("node")) {
    store = *view::Store::Open(kDomain, {.path = "/store", .env = env.get()});
    owner = std::make_unique<PartitionOwner>(runtime, *executor, log, *store, kPartition, options);
    tail = log.Follow(kTopic, kPartition, [this] { executor->Post([this] { owner->Wake(); }); });
  }
  ~Node() { executor.reset(); }

  int64_t Counter() const {
    const auto counter = store->partition(kPartition).Get<Decimal>(kCounters, "counters/main");
    return counter ? counter->units() : 0;
  }

  std::unique_ptr<rocksdb::Env> env;
  std::unique_ptr<Executor> executor;
  std::unique_ptr<view::Store> store;
  std::unique_ptr<PartitionOwner> owner;
  std::unique_ptr<log::Tail> tail;
};

class PartitionOwnerTest : public testing::Test {
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

TEST_F(PartitionOwnerTest, TheFirstCommandMakesAStandbyClaimAndIsVisibleWhenAcknowledged) {
  Node node(runtime_, scripted_);
  ASSERT_TRUE(node.owner->Start(false).ok());
  Settle();
  EXPECT_EQ(node.owner->role(), PartitionOwner::Role::kStandby);
  auto command = Adding(7);
  int64_t seen = 0;
  command->done = [&](absl::StatusOr<Outcome> outcome) {
    ASSERT_TRUE(outcome.ok());
    EXPECT_EQ(outcome->offset, 1);
    EXPECT_THAT(outcome->names, ElementsAre("counters/main"));
    seen = node.Counter();
  };
  node.owner->Submit(std::move(command));
  Settle();
  EXPECT_EQ(seen, 7);
  EXPECT_THAT(Kinds(), ElementsAre("claim", "data"));
}

TEST_F(PartitionOwnerTest, AnotherProcessTakesOverAndTheFormerOwnerStepsDown) {
  Node former(runtime_, scripted_), later(runtime_, scripted_);
  StartOwning(former);
  ASSERT_TRUE(later.owner->Start(false).ok());
  const Answer answer = Submit(later, 2);
  runtime_.RunFor(absl::Milliseconds(15));
  EXPECT_EQ(ReasonOfAnswer(answer), "OK");
  EXPECT_EQ(later.owner->role(), PartitionOwner::Role::kOwner);
  EXPECT_EQ(former.owner->role(), PartitionOwner::Role::kStandby);
  EXPECT_EQ(former.Counter(), 3);
  EXPECT_EQ(later.Counter(), 3);
}

TEST_F(PartitionOwnerTest, OfTwoClaimsOfOneTermTheSecondLosesAndClaimsAgain) {
  Node one(runtime_, scripted_), other(runtime_, scripted_);
  const Answer first = Submit(one, 1), second = Submit(other, 2);
  Settle();
  EXPECT_EQ(ReasonOfAnswer(second), "OK");
  Submit(one, 4);  // Whoever lost before.
  Settle();
  EXPECT_EQ(one.store->ContentHash(), other.store->ContentHash());
  EXPECT_EQ(one.store->fold(kPartition).alarms(), 0u);
}

TEST_F(PartitionOwnerTest, ARecordLostWithinAGroupEndsTheTermAndARetryFindsEachCommandOnce) {
  Node node(runtime_, scripted_);
  StartOwning(node);
  scripted_.lose = {1};
  const Answer a = Submit(node, 10, "a"), b = Submit(node, 20, "b"), c = Submit(node, 30, "c");
  runtime_.RunFor(absl::Milliseconds(15));
  EXPECT_EQ(ReasonOfAnswer(a), "OK");
  EXPECT_EQ(ReasonOfAnswer(b), "OWNER_CHANGED");
  EXPECT_EQ(ReasonOfAnswer(c), "OWNER_CHANGED");
  const Answer a2 = Submit(node, 10, "a"), b2 = Submit(node, 20, "b"), c2 = Submit(node, 30, "c");
  Settle();
  EXPECT_EQ((*a2)->value().offset, (*a)->value().offset);
  EXPECT_TRUE((*a2)->value().repeated);
  EXPECT_FALSE((*b2)->value().repeated);
  EXPECT_FALSE((*c2)->value().repeated);
  EXPECT_EQ(node.Counter(), 61);
  EXPECT_EQ(node.store->fold(kPartition).alarms(), 0u);
}

TEST_F(PartitionOwnerTest, AFailureAfterTheAppendIsUnknownAndARetryGetsTheFirstOutcome) {
  Node node(runtime_, scripted_);
  StartOwning(node);
  scripted_.fail_after_append = true;
  const Answer unknown = Submit(node, 10, "a");
  runtime_.RunFor(absl::Milliseconds(15));
  EXPECT_EQ(ReasonOfAnswer(unknown), "OWNER_CHANGED");
  const Answer again = Submit(node, 10, "a");
  Settle();
  ASSERT_EQ(ReasonOfAnswer(again), "OK");
  EXPECT_TRUE((*again)->value().repeated);
  EXPECT_EQ(node.Counter(), 11);
}

TEST_F(PartitionOwnerTest, AReportWithoutOffsetIsReadBack) {
  Node node(runtime_, scripted_);
  StartOwning(node);
  scripted_.hide_offsets = true;
  const Answer a = Submit(node, 10, "a"), b = Submit(node, 20, "b");
  Settle();
  EXPECT_EQ((*a)->value().offset, 2);
  EXPECT_EQ((*b)->value().offset, 3);
  EXPECT_EQ(node.Counter(), 31);
}

TEST_F(PartitionOwnerTest, RecordsOfFencedWritersBetweenItsOwnDoNotStopAnOwner) {
  Node node(runtime_, scripted_);
  StartOwning(node);
  event::v1::LogRecord fenced;
  fenced.mutable_data()->set_term(0);
  fenced.mutable_data()->set_owner("somebody");
  AppendRaw(fenced);
  const Answer a = Submit(node, 10), b = Submit(node, 20);
  Settle();
  EXPECT_EQ(ReasonOfAnswer(a), "OK");
  EXPECT_EQ((*b)->value().offset, 4);
  EXPECT_EQ(node.Counter(), 31);
  EXPECT_EQ(node.store->fold(kPartition).ignored_stale(), 1u);
}

TEST_F(PartitionOwnerTest, AClaimThatComesBeforeItsGroupFencesIt) {
  Node node(runtime_, scripted_);
  StartOwning(node);
  event::v1::LogRecord claim;
  claim.mutable_claim()->set_term(node.store->fold(kPartition).term() + 1);
  claim.mutable_claim()->set_owner("a rival");
  auto rival = log_.NewAppender(kTopic, kPartition);
  rival->Append({claim.SerializeAsString()}, [](auto) {});
  while (Kinds().back() != "claim") ASSERT_TRUE(runtime_.Step());
  const Answer answer = Submit(node, 10, "a");  // Before it has heard of the claim.
  runtime_.RunFor(absl::Milliseconds(2));
  EXPECT_NE(ReasonOfAnswer(answer), "OK");
  Settle();
  const Answer again = Submit(node, 10, "a");
  Settle();
  EXPECT_EQ(ReasonOfAnswer(again), "OK");
  EXPECT_EQ(node.Counter(), 11);
}

TEST_F(PartitionOwnerTest, AReleaseFinishesWhatIsPendingThenGivesThePartitionUp) {
  Node node(runtime_, scripted_);
  StartOwning(node);
  const Answer pending = Submit(node, 10);
  runtime_.RunFor(absl::Milliseconds(1));
  bool released = false;
  node.owner->Release([&] { released = true; });
  const Answer late = Submit(node, 20);
  EXPECT_EQ(ReasonOfAnswer(late), "OWNER_CHANGED");
  Settle();
  EXPECT_TRUE(released);
  EXPECT_EQ(ReasonOfAnswer(pending), "OK");
  EXPECT_THAT(Kinds(), ElementsAre("claim", "data", "data", "release"));
  EXPECT_EQ(node.store->fold(kPartition).owner(), "");
}

TEST_F(PartitionOwnerTest, AReleaseIsDoneThoughThePendingGroupFails) {
  Node node(runtime_, scripted_);
  StartOwning(node);
  scripted_.fail_after_append = true;
  const Answer pending = Submit(node, 10);
  runtime_.RunFor(absl::Milliseconds(1));
  bool released = false;
  node.owner->Release([&] { released = true; });
  Settle();
  EXPECT_TRUE(released);
  EXPECT_EQ(ReasonOfAnswer(pending), "OWNER_CHANGED");
  EXPECT_THAT(Kinds(), ElementsAre("claim", "data", "data"));  // It does not claim again.
}

TEST_F(PartitionOwnerTest, AFullQueueIsSaidAtOnce) {
  Node node(runtime_, scripted_, {.max_waiting = 2});
  StartOwning(node);
  const Answer a = Submit(node, 1), b = Submit(node, 1), c = Submit(node, 1);
  EXPECT_EQ(ReasonOfAnswer(c), "QUEUE_FULL");
  Settle();
  EXPECT_EQ(ReasonOfAnswer(a), "OK");
  EXPECT_EQ(ReasonOfAnswer(b), "OK");
}

TEST_F(PartitionOwnerTest, ACommandPastItsDeadlineIsNotDecided) {
  Node node(runtime_, scripted_);
  StartOwning(node);
  auto command = Adding(10);
  command->deadline = runtime_.Now();
  const Answer answer = Submit(node, std::move(command));
  Settle();
  EXPECT_EQ(ReasonOfAnswer(answer), "DEADLINE_PASSED");
  EXPECT_EQ(node.Counter(), 1);
}

TEST_F(PartitionOwnerTest, AJumpOfTheClockStopsWritesAndASmallStepBackIsClamped) {
  Node node(runtime_, scripted_);
  StartOwning(node);
  const absl::Time before = FromProto(node.store->fold(kPartition).record_time());
  runtime_.JumpClock(-(runtime_.Now() - before) - absl::Seconds(2));
  Node fresh(runtime_, scripted_);  // Has not seen the jump: only the log's time tells.
  const Answer clamped = Submit(fresh, 2);
  runtime_.RunFor(absl::Milliseconds(30));
  EXPECT_EQ(ReasonOfAnswer(clamped), "OK");
  EXPECT_GE(FromProto(fresh.store->fold(kPartition).record_time()), before);
  runtime_.JumpClock(absl::Seconds(6));
  const Answer refused = Submit(fresh, 3);
  runtime_.RunFor(absl::Milliseconds(30));
  EXPECT_EQ(ReasonOfAnswer(refused), "CLOCK_WRONG");
}

TEST_F(PartitionOwnerTest, AClockBehindItsLogWritesNothing) {
  Node node(runtime_, scripted_);
  StartOwning(node);
  runtime_.JumpClock(-absl::Hours(1));
  Node fresh(runtime_, scripted_);
  const Answer refused = Submit(fresh, 2);
  Settle();
  EXPECT_EQ(ReasonOfAnswer(refused), "CLOCK_WRONG");
  EXPECT_EQ(fresh.Counter(), 1);
}

TEST_F(PartitionOwnerTest, TheSameRequestGetsTheSameAnswerAndAnotherContentIsRefused) {
  Node node(runtime_, scripted_);
  StartOwning(node);
  const Answer first = Submit(node, 10, "a", "content");
  Settle();
  const Answer same = Submit(node, 10, "a", "content"), other = Submit(node, 20, "a", "other content");
  Settle();
  EXPECT_EQ((*same)->value().offset, (*first)->value().offset);
  EXPECT_EQ((*same)->value().names, (*first)->value().names);
  EXPECT_TRUE((*same)->value().repeated);
  EXPECT_EQ(ReasonOfAnswer(other), "REQUEST_ID_REUSED");
  EXPECT_EQ(node.Counter(), 11);
}

TEST_F(PartitionOwnerTest, ARetryJoinsTheSameRequestThatIsPending) {
  Node node(runtime_, scripted_);
  StartOwning(node);
  const Answer first = Submit(node, 10, "a", "content"), retry = Submit(node, 10, "a", "content"),
               other = Submit(node, 20, "a", "other content");
  Settle();
  EXPECT_FALSE((*first)->value().repeated);
  EXPECT_TRUE((*retry)->value().repeated);
  EXPECT_EQ((*retry)->value().offset, (*first)->value().offset);
  EXPECT_EQ(ReasonOfAnswer(other), "REQUEST_ID_REUSED");
  EXPECT_EQ(node.Counter(), 11);
}

TEST_F(PartitionOwnerTest, ARejectionDecidedOnPendingCommandsWaitsForThem) {
  Node node(runtime_, scripted_);
  StartOwning(node);
  const Answer full = Submit(node, 500), taken = Submit(node, 90), rejected = Submit(node, 20);
  Settle();
  EXPECT_EQ(ReasonOfAnswer(full), "FULL");
  EXPECT_EQ(ReasonOfAnswer(taken), "OK");
  EXPECT_EQ(ReasonOfAnswer(rejected), "FULL");
  EXPECT_THAT(order_, ElementsAre(0, 1, 2));
}

TEST_F(PartitionOwnerTest, ARejectionDecidedOnCommandsThatFailIsUnknown) {
  Node node(runtime_, scripted_);
  StartOwning(node);
  scripted_.lose = {0};
  const Answer lost = Submit(node, 90), rejected = Submit(node, 20);
  Settle();
  EXPECT_EQ(ReasonOfAnswer(lost), "OWNER_CHANGED");
  EXPECT_EQ(ReasonOfAnswer(rejected), "OWNER_CHANGED");
  EXPECT_EQ(node.Counter(), 1);
}

TEST_F(PartitionOwnerTest, ACommandTooLargeForARecordIsRefusedAndTheNextIsTaken) {
  Node node(runtime_, scripted_);
  StartOwning(node);
  auto large = Adding(10);
  large->trace = std::string(600 * 1024, 't');
  const Answer refused = Submit(node, std::move(large)), next = Submit(node, 20);
  Settle();
  EXPECT_EQ(ReasonOfAnswer(refused), "RECORD_TOO_LARGE");
  EXPECT_EQ(ReasonOfAnswer(next), "OK");
  EXPECT_EQ(node.Counter(), 21);
}

TEST_F(PartitionOwnerTest, AnEventOfANewerKindStopsThePartitionAndSaysSo) {
  std::vector<int> failed;
  OwnerOptions options;
  options.on_failure = [&](int partition, const absl::Status&) { failed.push_back(partition); };
  Node node(runtime_, scripted_), standby(runtime_, scripted_, options);
  StartOwning(node);
  const auto fold = node.store->fold(kPartition);
  node.owner->Stop();
  event::v1::LogRecord record;
  auto& data = *record.mutable_data();
  data.set_term(fold.term());
  data.set_owner(fold.owner());
  data.set_seq(fold.next_seq());
  data.set_prev(fold.last_hash());
  Value known;
  known.mutable_decimal()->set_units(5);
  known.SerializeToString(data.add_events()->mutable_domain());
  data.add_events()->set_domain("");
  AppendRaw(record);
  EXPECT_EQ(ReasonOf(standby.owner->failure()), "UNKNOWN_EVENT");
  EXPECT_THAT(failed, ElementsAre(kPartition));
  EXPECT_EQ(ReasonOfAnswer(Submit(standby, 1)), "UNKNOWN_EVENT");
  EXPECT_EQ(standby.Counter(), 1);  // None of the record.
}

TEST_F(PartitionOwnerTest, AStandbyThatCannotReadForAWhileCatchesUpByItself) {
  Node owner(runtime_, scripted_), standby(runtime_, scripted_);
  StartOwning(owner);
  Submit(owner, 10);
  runtime_.RunFor(absl::Milliseconds(1));
  scripted_.fail_reads = 5;
  Settle();
  EXPECT_EQ(standby.Counter(), 11);
  EXPECT_TRUE(standby.owner->failure().ok());
}

TEST_F(PartitionOwnerTest, WhatLandsWhileAGroupIsInFlightIsFoldedAfterwards) {
  Node node(runtime_, scripted_);
  StartOwning(node);
  event::v1::LogRecord fenced;
  fenced.mutable_data()->set_owner("somebody");
  auto other = log_.NewAppender(kTopic, kPartition);
  Submit(node, 10);
  while (Kinds().size() < 3) ASSERT_TRUE(runtime_.Step());
  other->Append({fenced.SerializeAsString()}, [](auto) {});
  Settle();
  EXPECT_EQ(node.store->next_offset(kPartition), 4);
}

TEST_F(PartitionOwnerTest, AClaimThatTheLogStampedWithAnotherTimeThanOursIsNotUsed) {
  Node node(runtime_, scripted_);
  ASSERT_TRUE(node.owner->Start(false).ok());
  const Answer refused = Submit(node, 1);
  runtime_.JumpClock(absl::Minutes(1));  // The log's clock, when the claim lands …
  while (Kinds().empty()) ASSERT_TRUE(runtime_.Step());
  runtime_.JumpClock(-absl::Minutes(1));  // … is not ours when it is reported.
  runtime_.RunFor(absl::Milliseconds(7));
  EXPECT_EQ(ReasonOfAnswer(refused), "CLOCK_WRONG");
  Settle();
  const Answer taken = Submit(node, 1);  // The next claim finds that the clocks agree.
  Settle();
  EXPECT_EQ(ReasonOfAnswer(taken), "OK");
}

TEST_F(PartitionOwnerTest, AStoppedOwnerAnswersEverythingOnce) {
  Node node(runtime_, scripted_);
  StartOwning(node);
  const Answer in_flight = Submit(node, 10);
  runtime_.RunFor(absl::Milliseconds(1));
  const Answer waiting = Submit(node, 20);
  node.owner->Stop();
  EXPECT_EQ(ReasonOfAnswer(in_flight), "OWNER_CHANGED");
  EXPECT_EQ(ReasonOfAnswer(waiting), "OWNER_CHANGED");
  Settle();
}

}  // namespace
}  // namespace trialog
