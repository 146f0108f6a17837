#include "services/auth/domain/password.h"

#include "services/auth/domain/testing.h"
#include "trialog/auth/v1/credential.pb.h"

namespace trialog::auth {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

void FailTimes(World& world, std::string_view user, uint32_t times) {
  for (uint32_t i = 0; i < times; ++i) {
    const auto decision = world.Must(world.TryLogin(user, false));
    EXPECT_THAT(decision.names, IsEmpty()) << "the handler would answer with tokens";
  }
}

TEST(Login, WithAWrongPasswordIsCountedAndOpensNothing) {
  World world;
  const auto decision = world.Must(world.TryLogin("root", false));
  EXPECT_THAT(KindsOf(decision), ElementsAre("LoginFailed"));
  EXPECT_THAT(decision.names, IsEmpty());
}

TEST(Login, IsLockedAtTheTenthWrongPasswordInARow) {
  World world;
  FailTimes(world, "root", kMaxFailures - 1);
  EXPECT_EQ(world.StateOf("root"), v1::User::STATE_ACTIVE);
  EXPECT_THAT(KindsOf(world.Must(world.TryLogin("root", false))), ElementsAre("LoginFailed", "AccountLocked"));
  EXPECT_EQ(world.StateOf("root"), v1::User::STATE_LOCKED);
  EXPECT_THAT(world.TryLogin("root", true), Refuses("SIGN_IN_FAILED"));
  EXPECT_THAT(world.TryLogin("root", false), Refuses("SIGN_IN_FAILED"));
}

TEST(Login, CountsAnewAfterASignIn) {
  World world;
  FailTimes(world, "root", kMaxFailures - 1);
  world.Must(world.TryLogin("root"));
  FailTimes(world, "root", kMaxFailures - 1);
  EXPECT_EQ(world.StateOf("root"), v1::User::STATE_ACTIVE);
}

TEST(Login, CountsAnewAfterTheWindow) {
  World world;
  FailTimes(world, "root", kMaxFailures - 1);
  world.Pass(kFailureWindow);
  FailTimes(world, "root", 1);
  EXPECT_EQ(world.StateOf("root"), v1::User::STATE_ACTIVE);
}

TEST(Login, OpensAgainWhenTheLockHasEnded) {
  World world;
  FailTimes(world, "root", kMaxFailures);
  world.Pass(kFirstLock - absl::Nanoseconds(1));
  EXPECT_THAT(world.TryLogin("root"), Refuses("SIGN_IN_FAILED"));
  world.Pass(absl::Nanoseconds(1));
  EXPECT_THAT(KindsOf(world.Must(world.TryLogin("root"))), ElementsAre("AccountUnlocked", "SessionStarted"));
  EXPECT_EQ(world.StateOf("root"), v1::User::STATE_ACTIVE);
}

TEST(Login, LocksTwiceAsLongTheSecondTime) {
  World world;
  FailTimes(world, "root", kMaxFailures);
  world.Pass(kFirstLock);
  FailTimes(world, "root", kMaxFailures);
  EXPECT_EQ(world.StateOf("root"), v1::User::STATE_LOCKED);
  world.Pass(2 * kFirstLock - absl::Nanoseconds(1));
  EXPECT_THAT(world.TryLogin("root"), Refuses("SIGN_IN_FAILED"));
  world.Pass(absl::Nanoseconds(1));
  EXPECT_TRUE(world.TryLogin("root").ok());
}

TEST(LockDuration, DoublesUpToTheLongest) {
  EXPECT_EQ(LockDuration(0), kFirstLock);
  EXPECT_EQ(LockDuration(1), 2 * kFirstLock);
  EXPECT_EQ(LockDuration(2), 4 * kFirstLock);
  for (const uint32_t locks : {7u, 60u, 4'000'000'000u}) EXPECT_EQ(LockDuration(locks), kLongestLock);
}

TEST(ALock, LeavesSessionsAndGrantsAsTheyAre) {
  World world;
  const std::string session = world.Must(world.TryLogin("root")).names[0];
  FailTimes(world, "root", kMaxFailures);
  EXPECT_EQ(GrantsInForce(world.state, World::User("root"), world.now).size(), 1u);
  EXPECT_TRUE(
      RefreshToken(world.state, world.Call(""), {session, Secrets("rootlogin"), Secrets("", "2").token_sha256}).ok());
}

TEST(Login, OfAnUnknownInvitedOrClosedAccountIsOneRefusal) {
  World world;
  v1::CreateUserRequest create;
  create.set_user_id("invited");
  world.Must(CreateUser(world.state, world.Call("root"), create, Person("invited")));
  world.Join("closed");
  v1::DeactivateUserRequest close;
  close.set_name(World::User("closed"));
  world.Must(DeactivateUser(world.state, world.Call("root"), close, {}));
  for (const char* user : {"nobody", "invited", "closed"}) {
    EXPECT_THAT(world.TryLogin(user), Refuses("SIGN_IN_FAILED")) << user;
  }
}

TEST(Login, OnAVerdictAboutAFormerPasswordIsTriedAgain) {
  World world;
  EXPECT_THAT(Login(world.state, world.Call(""), {World::User("root"), {true, 7}, Secrets("f")}),
              Refuses("PASSWORD_CHANGED"));
}

TEST(ChangePassword, SetsItAndEndsTheOtherSessions) {
  World world;
  const std::string here = world.Join("anna");
  const std::string elsewhere = world.Must(world.TryLogin("anna")).names[0];
  const auto context = world.Call("anna", IdOf(here));
  const auto decision = world.Must(ChangePassword(world.state, context, {{true, 1}, Hash("new")}));
  EXPECT_THAT(decision.names, ElementsAre(World::User("anna")));
  EXPECT_EQ(world.state.Get<v1::Session>(kSessions, here)->state(), v1::Session::STATE_ACTIVE);
  EXPECT_EQ(world.state.Get<v1::Session>(kSessions, elsewhere)->end_reason(), v1::Session::END_REASON_PASSWORD_CHANGED);
  const auto candidate = FindByName(world.state, World::User("anna"));
  ASSERT_TRUE(candidate.has_value());
  EXPECT_EQ(candidate->password_hash.ciphertext(), "sealed hash of new");
  EXPECT_EQ(candidate->generation, 2u);
}

TEST(ChangePassword, WithAWrongPresentOneCountsAsAFailedSignIn) {
  World world;
  const std::string session = world.Join("anna");
  for (uint32_t i = 0; i < kMaxFailures; ++i) {
    const auto decision =
        world.Must(ChangePassword(world.state, world.Call("anna", IdOf(session)), {{false, 1}, Hash("new")}));
    EXPECT_THAT(decision.names, IsEmpty());
  }
  EXPECT_EQ(world.StateOf("anna"), v1::User::STATE_LOCKED);
  EXPECT_EQ(FindByName(world.state, World::User("anna"))->password_hash.ciphertext(), "sealed hash of anna");
}

TEST(ChangePassword, IsForUsersOnly) {
  World world;
  EXPECT_THAT(ChangePassword(world.state, world.Call(""), {{true, 1}, Hash("new")}), Refuses("SIGN_IN_FAILED"));
}

}  // namespace
}  // namespace trialog::auth
