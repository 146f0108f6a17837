#include "gmock/gmock.h"
#include "platform/command/owner_testing.h"
#include "platform/text/text.h"
#include "platform/view/times.h"

namespace trialog {
namespace {

using testing::ElementsAre;

using PartitionOwnerTest = OwnerFixture;

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
