// Several processes beside each other: who says who owns a partition, and who claims it when.
#include "gmock/gmock.h"
#include "platform/command/owner_testing.h"
#include "platform/text/text.h"

namespace trialog {
namespace {

using testing::ElementsAre;

class ReplicasTest : public OwnerFixture {
 protected:
  using Role = PartitionOwner::Role;

  static OwnerOptions At(std::string address) {
    return {.address = std::move(address), .replicated = true, .rivals = true};
  }
  std::string OwnerNamedBy(const Answer& answer) {
    return answer->has_value() ? OwnerAddressOf(answer->value().status()) : "not answered";
  }

  Node one_{runtime_, scripted_, At("one:1")};
  Node two_{runtime_, scripted_, At("two:1")};
};

TEST_F(ReplicasTest, WhoDoesNotOwnThePartitionSaysWhoDoesAndClaimsNothing) {
  StartOwning(one_);
  ASSERT_TRUE(two_.owner->Start(false).ok());
  const Answer answer = Submit(two_, 2);
  Settle();
  EXPECT_EQ(OwnerNamedBy(answer), "one:1");
  EXPECT_EQ(ReasonOfAnswer(answer), "OWNER_CHANGED");
  EXPECT_EQ(one_.owner->role(), Role::kOwner);
  EXPECT_EQ(two_.Counter(), 1) << "it folds all the same";
  EXPECT_THAT(Kinds(), ElementsAre("claim", "data"));
}

TEST_F(ReplicasTest, WhatAnOwnerReleasesIsClaimedAtOnceThoughNobodyAsks) {
  StartOwning(one_);
  ASSERT_TRUE(two_.owner->Start(false).ok());
  one_.owner->Release([] {});
  Settle(absl::Milliseconds(200));
  EXPECT_EQ(two_.owner->role(), Role::kOwner);
  const Answer answer = Submit(two_, 2);
  Settle();
  EXPECT_EQ(ReasonOfAnswer(answer), "OK");
  EXPECT_EQ(one_.owner->role(), Role::kStandby);
}

TEST_F(ReplicasTest, AHintMovesThePartitionFromALivingOwner) {
  StartOwning(one_);
  ASSERT_TRUE(two_.owner->Start(false).ok());
  one_.owner->Hint(false);
  two_.owner->Hint(true);
  Settle(absl::Milliseconds(200));
  EXPECT_EQ(two_.owner->role(), Role::kOwner);
  EXPECT_THAT(Kinds(), ElementsAre("claim", "data", "release", "claim"));
  const Answer answer = Submit(one_, 2);
  Settle();
  EXPECT_EQ(OwnerNamedBy(answer), "two:1");
}

TEST_F(ReplicasTest, AHintTakesThePartitionFromAnOwnerThatDoesNotGiveItUp) {
  StartOwning(one_);
  ASSERT_TRUE(two_.owner->Start(false).ok());
  two_.owner->Hint(true);
  runtime_.RunFor(absl::Milliseconds(900));
  EXPECT_EQ(one_.owner->role(), Role::kOwner) << "it may yet give it up";
  Settle(absl::Milliseconds(300));
  EXPECT_EQ(two_.owner->role(), Role::kOwner);
  EXPECT_EQ(one_.owner->role(), Role::kStandby);
  EXPECT_EQ(two_.store->fold(kPartition).alarms(), 0u);
}

TEST_F(ReplicasTest, APartitionThatNobodyWantsIsKeptByWhoeverIsThere) {
  two_.owner->Stop();
  StartOwning(one_);
  one_.owner->Hint(false);
  Settle();
  EXPECT_EQ(one_.owner->role(), Role::kOwner) << "after it abstained for another";
  const Answer answer = Submit(one_, 2);
  Settle();
  EXPECT_EQ(ReasonOfAnswer(answer), "OK");
}

TEST_F(ReplicasTest, OneThatIsStartedAgainClaimsWhatItOwnedBefore) {
  two_.owner->Stop();
  StartOwning(one_);
  one_.owner->Stop();
  Node again(runtime_, scripted_, At("one:1"));  // At the same address, after a crash.
  ASSERT_TRUE(again.owner->Start(false).ok());
  Settle();
  EXPECT_EQ(again.owner->role(), Role::kOwner);
}

TEST_F(ReplicasTest, WhatTheLogDoesNotAnswerIsSaidBeforeTheDeadlineAndWrittenAllTheSame) {
  StartOwning(one_);
  scripted_.hold = true;
  auto command = Adding(5, "a");
  command->deadline = runtime_.Now() + absl::Seconds(2);
  const Answer late = Submit(one_, std::move(command));
  const Answer patient = Submit(one_, 7, "b");
  runtime_.RunFor(absl::Milliseconds(1700));
  EXPECT_FALSE(late->has_value());
  runtime_.RunFor(absl::Milliseconds(250));
  EXPECT_EQ(ReasonOfAnswer(late), "OWNER_CHANGED");
  EXPECT_FALSE(patient->has_value());
  scripted_.hold = false;
  scripted_.LetGo();
  const Answer again = Submit(one_, 5, "a");
  Settle();
  EXPECT_EQ(ReasonOfAnswer(patient), "OK");
  EXPECT_EQ(ReasonOfAnswer(again), "OK");
  EXPECT_EQ(one_.Counter(), 13) << "once";
}

TEST_F(ReplicasTest, CommandsThatWaitWhileAClaimIsLostAreToldWhoWonIt) {
  const Answer first = Submit(one_, 1), second = Submit(two_, 2);  // Nobody owns it: both claim.
  Settle();
  EXPECT_NE(one_.owner->role() == Role::kOwner, two_.owner->role() == Role::kOwner);
  const bool one_won = one_.owner->role() == Role::kOwner;
  EXPECT_EQ(ReasonOfAnswer(one_won ? first : second), "OK");
  EXPECT_EQ(OwnerNamedBy(one_won ? second : first), one_won ? "one:1" : "two:1");
}

}  // namespace
}  // namespace trialog
