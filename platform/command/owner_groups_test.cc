#include "gmock/gmock.h"
#include "platform/command/owner_testing.h"
#include "platform/text/text.h"

namespace trialog {
namespace {

using testing::ElementsAre;

using OwnerGroupsTest = OwnerFixture;

// What the log was given, as the amounts of the records; "-" for the others.
std::string Amounts(log::SimulatedLog& log) {
  std::string amounts;
  for (const auto& stored : log.Landed(kTopic, kPartition)) {
    const auto record = log::ParseRecord(stored.bytes, stored.offset);
    Value event;
    const bool data = record->has_data() && event.ParseFromString(record->data().events(0).domain());
    amounts += data ? Cat(event.decimal().units(), " ") : "- ";
  }
  return amounts;
}

TEST_F(OwnerGroupsTest, WhatComesWhileAGroupIsInFlightIsDecidedOnItAndGoesNext) {
  Node node(runtime_, scripted_);
  StartOwning(node);
  scripted_.hold = true;
  const Answer first = Submit(node, 60);
  Settle();
  const Answer second = Submit(node, 30), rejected = Submit(node, 20);  // 1 + 60 + 30 + 20 is more than 100.
  Settle();
  EXPECT_EQ(Amounts(log_), "- 1 60 ");  // One append at a time.
  EXPECT_TRUE(order_.empty());
  scripted_.LetGo();
  runtime_.RunFor(absl::Milliseconds(1));
  EXPECT_EQ(ReasonOfAnswer(first), "OK");
  EXPECT_EQ(ReasonOfAnswer(second), "not answered");
  EXPECT_EQ(ReasonOfAnswer(rejected), "not answered");  // It follows from the second.
  Settle();
  EXPECT_EQ(Amounts(log_), "- 1 60 30 ");
  scripted_.LetGo();
  Settle();
  EXPECT_EQ(ReasonOfAnswer(second), "OK");
  EXPECT_EQ(ReasonOfAnswer(rejected), "FULL");
  EXPECT_THAT(order_, ElementsAre(0, 1, 2));
  EXPECT_EQ(node.Counter(), 91);
  EXPECT_EQ(node.store->fold(kPartition).alarms(), 0u);  // Each names the record before it.
}

TEST_F(OwnerGroupsTest, ARejectionThatFollowsFromTheGroupInFlightWaitsForIt) {
  Node node(runtime_, scripted_);
  StartOwning(node);
  scripted_.hold = true;
  const Answer first = Submit(node, 90);
  Settle();
  const Answer rejected = Submit(node, 20);
  Settle();
  EXPECT_EQ(ReasonOfAnswer(rejected), "not answered");
  scripted_.LetGo();
  Settle();
  EXPECT_EQ(ReasonOfAnswer(first), "OK");
  EXPECT_EQ(ReasonOfAnswer(rejected), "FULL");
}

// The group in flight landed before another process claimed; what was decided on it is decided on an old state by then.
TEST_F(OwnerGroupsTest, ARejectionIsNotGivenByWhoIsNoLongerTheOwner) {
  for (const bool leaving : {false, true}) {
    log::SimulatedLog log(runtime_, {});
    ScriptedLog scripted(log);
    Node node(runtime_, scripted), rival(runtime_, log);
    StartOwning(node);
    scripted.hold = true;
    const Answer first = Submit(node, 60);
    Settle();
    ASSERT_TRUE(rival.owner->Start(true).ok());
    const Answer taken_out = Submit(rival, -50);
    Settle();
    ASSERT_EQ(ReasonOfAnswer(taken_out), "OK");
    const Answer refused = Submit(node, 50);  // 1 + 60 + 50 would be too much; 1 + 60 - 50 + 50 is not.
    Settle();
    if (leaving) node.owner->Release([] {});
    scripted.hold = false;
    scripted.LetGo();
    runtime_.RunFor(absl::Milliseconds(1));
    EXPECT_EQ(ReasonOfAnswer(first), "OK");
    EXPECT_EQ(ReasonOfAnswer(refused), "OWNER_CHANGED");
  }
}

// Found by the check of histories: what an owner knew that stood still was true then, and is said now. What is asked of
// the log says the same.
TEST_F(OwnerGroupsTest, AnIdleOwnerThatWasReplacedUnseenRefusesNothingFromWhatItKnew) {
  Node node(runtime_, scripted_, {.replicated = true, .rivals = true}), rival(runtime_, log_);
  StartOwning(node);
  const Answer first = Submit(node, 90);
  Settle();
  ASSERT_EQ(ReasonOfAnswer(first), "OK");
  scripted_.asleep = node.store->next_offset(kPartition);
  ASSERT_TRUE(rival.owner->Start(true).ok());
  const Answer taken_out = Submit(rival, -50);
  Settle();
  ASSERT_EQ(ReasonOfAnswer(taken_out), "OK");
  const Answer refused = Submit(node, 50);  // 1 + 90 + 50 would be too much; 1 + 90 - 50 + 50 is not.
  Settle();
  EXPECT_EQ(ReasonOfAnswer(refused), "OWNER_CHANGED");
}

TEST_F(OwnerGroupsTest, BesideRivalsARejectionIsFollowedByAnEmptyRecordThatReplaysAlike) {
  Node node(runtime_, scripted_, {.replicated = true, .rivals = true});
  StartOwning(node);
  const Answer refused = Submit(node, 500), also = Submit(node, 600);
  Settle();
  EXPECT_EQ(ReasonOfAnswer(refused), "FULL");
  EXPECT_EQ(ReasonOfAnswer(also), "FULL");
  const auto& landed = log_.Landed(kTopic, kPartition);
  ASSERT_EQ(landed.size(), 3);  // Claim, the first command, one for both.
  EXPECT_EQ(log::ParseRecord(landed.back().bytes, 2)->data().events_size(), 0);
  const Answer next = Submit(node, 90);
  Settle();
  EXPECT_EQ(ReasonOfAnswer(next), "OK");
  Node standby(runtime_, log_);
  ASSERT_TRUE(standby.owner->Start(false).ok());
  Settle();
  EXPECT_EQ(standby.store->ContentHash(), node.store->ContentHash());
}

TEST_F(OwnerGroupsTest, WhatWasDecidedOnAGroupThatFailsIsUnknownAndNotAppended) {
  Node node(runtime_, scripted_);
  StartOwning(node);
  scripted_.hold = true;
  scripted_.lose = {0};
  const Answer lost = Submit(node, 90);
  Settle();
  const Answer on_top = Submit(node, 5, "a"), rejected = Submit(node, 20);
  Settle();
  scripted_.LetGo();
  scripted_.hold = false;
  runtime_.RunFor(absl::Milliseconds(1));
  for (const Answer& answer : {lost, on_top, rejected}) EXPECT_EQ(ReasonOfAnswer(answer), "OWNER_CHANGED");
  const Answer again = Submit(node, 5, "a");
  Settle();
  EXPECT_EQ(ReasonOfAnswer(again), "OK");
  EXPECT_FALSE((*again)->value().repeated);
  EXPECT_EQ(node.Counter(), 6);
}

TEST_F(OwnerGroupsTest, ARetryJoinsTheGroupInFlight) {
  Node node(runtime_, scripted_);
  StartOwning(node);
  scripted_.hold = true;
  const Answer first = Submit(node, 10, "a", "content");
  Settle();
  const Answer retry = Submit(node, 10, "a", "content"), other = Submit(node, 20, "a", "other content");
  Settle();
  EXPECT_TRUE(order_.empty());
  scripted_.LetGo();
  Settle();
  EXPECT_FALSE((*first)->value().repeated);
  EXPECT_TRUE((*retry)->value().repeated);
  EXPECT_EQ((*retry)->value().offset, (*first)->value().offset);
  EXPECT_EQ(ReasonOfAnswer(other), "REQUEST_ID_REUSED");
  EXPECT_EQ(node.Counter(), 11);
}

TEST_F(OwnerGroupsTest, AReleaseComesBehindTheGroupInFlightAndWhatWasDecidedOnIt) {
  Node node(runtime_, scripted_);
  StartOwning(node);
  scripted_.hold = true;
  const Answer first = Submit(node, 10);
  Settle();
  const Answer second = Submit(node, 20);
  Settle();
  bool released = false;
  node.owner->Release([&] { released = true; });
  scripted_.hold = false;
  scripted_.LetGo();
  Settle();
  EXPECT_TRUE(released);
  EXPECT_EQ(ReasonOfAnswer(first), "OK");
  EXPECT_EQ(ReasonOfAnswer(second), "OK");
  EXPECT_THAT(Kinds(), ElementsAre("claim", "data", "data", "data", "release"));
}

TEST_F(OwnerGroupsTest, MoreThanAGroupHoldsWaitsForTheNext) {
  Node node(runtime_, scripted_, {.max_group_records = 2});
  StartOwning(node);
  scripted_.hold = true;
  std::vector<Answer> answers;
  answers.push_back(Submit(node, 1));
  Settle();
  for (int i = 0; i < 5; ++i) answers.push_back(Submit(node, 1));
  Settle();
  EXPECT_EQ(node.owner->waiting(), 3u);
  scripted_.hold = false;
  scripted_.LetGo();
  Settle();
  for (const Answer& answer : answers) EXPECT_EQ(ReasonOfAnswer(answer), "OK");
  EXPECT_THAT(order_, ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_EQ(node.Counter(), 7);
}

TEST_F(OwnerGroupsTest, ARecordLostWithinAGroupEndsTheTermAndARetryFindsEachCommandOnce) {
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

TEST_F(OwnerGroupsTest, AFailureAfterTheAppendIsUnknownAndARetryGetsTheFirstOutcome) {
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

TEST_F(OwnerGroupsTest, AReportWithoutOffsetIsReadBack) {
  Node node(runtime_, scripted_);
  StartOwning(node);
  scripted_.hide_offsets = true;
  const Answer a = Submit(node, 10, "a"), b = Submit(node, 20, "b");
  Settle();
  EXPECT_EQ((*a)->value().offset, 2);
  EXPECT_EQ((*b)->value().offset, 3);
  EXPECT_EQ(node.Counter(), 31);
}

TEST_F(OwnerGroupsTest, RecordsOfFencedWritersBetweenItsOwnDoNotStopAnOwner) {
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

TEST_F(OwnerGroupsTest, TheSameRequestGetsTheSameAnswerAndAnotherContentIsRefused) {
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

TEST_F(OwnerGroupsTest, ARetryJoinsTheSameRequestThatIsPending) {
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

TEST_F(OwnerGroupsTest, ARejectionDecidedOnPendingCommandsWaitsForThem) {
  Node node(runtime_, scripted_);
  StartOwning(node);
  const Answer full = Submit(node, 500), taken = Submit(node, 90), rejected = Submit(node, 20);
  Settle();
  EXPECT_EQ(ReasonOfAnswer(full), "FULL");
  EXPECT_EQ(ReasonOfAnswer(taken), "OK");
  EXPECT_EQ(ReasonOfAnswer(rejected), "FULL");
  EXPECT_THAT(order_, ElementsAre(0, 1, 2));
}

TEST_F(OwnerGroupsTest, ARejectionDecidedOnCommandsThatFailIsUnknown) {
  Node node(runtime_, scripted_);
  StartOwning(node);
  scripted_.lose = {0};
  const Answer lost = Submit(node, 90), rejected = Submit(node, 20);
  Settle();
  EXPECT_EQ(ReasonOfAnswer(lost), "OWNER_CHANGED");
  EXPECT_EQ(ReasonOfAnswer(rejected), "OWNER_CHANGED");
  EXPECT_EQ(node.Counter(), 1);
}

TEST_F(OwnerGroupsTest, ACommandTooLargeForARecordIsRefusedAndTheNextIsTaken) {
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

TEST_F(OwnerGroupsTest, WhatLandsWhileAGroupIsInFlightIsFoldedAfterwards) {
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

}  // namespace
}  // namespace trialog
