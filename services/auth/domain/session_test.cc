#include "services/auth/domain/session.h"

#include "services/auth/domain/testing.h"
#include "trialog/auth/v1/credential.pb.h"

namespace trialog::auth {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

absl::StatusOr<Decision> Refresh(World& world, const std::string& session, std::string_view family,
                                 std::string_view token, std::string_view next) {
  return RefreshToken(world.state, world.Call(""), {session, Secrets(family, token), Secrets("", next).token_sha256});
}

v1::Session SessionAt(World& world, const std::string& name) { return *world.state.Get<v1::Session>(kSessions, name); }

TEST(Login, BeginsASessionWithTheDefaultEnds) {
  World world;
  const auto decision = world.Must(world.TryLogin("root"));
  EXPECT_THAT(KindsOf(decision), ElementsAre("SessionStarted"));
  ASSERT_EQ(decision.names.size(), 2u);
  EXPECT_EQ(decision.names[1], World::User("root"));
  const v1::Session session = SessionAt(world, decision.names[0]);
  EXPECT_EQ(session.expire_time(), Later(world.now, absl::Hours(24 * 30)));
  EXPECT_EQ(session.idle_expire_time(), Later(world.now, absl::Hours(24 * 7)));
}

TEST(Login, FollowsTheOrganisationsSettings) {
  World world;
  v1::UpdateOrganizationRequest request;
  request.mutable_organization()->set_name("organizations/o");
  request.mutable_organization()->set_etag("\"1\"");
  *request.mutable_organization()->mutable_session_lifetime() = ToProto(absl::Hours(2));
  *request.mutable_organization()->mutable_session_idle_timeout() = ToProto(absl::Hours(1));
  request.mutable_update_mask()->add_paths("session_lifetime");
  request.mutable_update_mask()->add_paths("session_idle_timeout");
  world.Must(UpdateOrganization(world.state, world.Call("root"), request, {}));
  const std::string name = world.Must(world.TryLogin("root")).names[0];
  EXPECT_EQ(SessionAt(world, name).expire_time(), Later(world.now, absl::Hours(2)));
  EXPECT_EQ(SessionAt(world, name).idle_expire_time(), Later(world.now, absl::Hours(1)));
}

TEST(Login, OfAnotherOrganisationsUserIsRefused) {
  World world;
  EXPECT_THAT(Login(world.state, world.Call(""), {"organizations/p/users/x", {true, 1}, Secrets("f")}),
              Refuses("SIGN_IN_FAILED"));
}

TEST(Login, EndsTheOldestSessionWhenThereAreTooMany) {
  World world;
  const std::string first = world.Must(world.TryLogin("root")).names[0];
  for (int i = 1; i < kMaxSessions; ++i) {
    world.Pass(absl::Minutes(1));
    world.Must(world.TryLogin("root"));
  }
  world.Pass(absl::Minutes(1));
  EXPECT_THAT(KindsOf(world.Must(world.TryLogin("root"))), ElementsAre("SessionRevoked", "SessionStarted"));
  EXPECT_EQ(SessionAt(world, first).end_reason(), v1::Session::END_REASON_SUPERSEDED);
  EXPECT_EQ(world.state.Count(kActiveSessions, World::User("root")), kMaxSessions);
}

TEST(RefreshToken, SpendsTheTokenAndMovesTheIdleEnd) {
  World world;
  const std::string session = world.Must(world.TryLogin("root")).names[0];
  world.Pass(absl::Hours(24 * 6));
  const auto decision = world.Must(Refresh(world, session, "rootlogin", "1", "2"));
  EXPECT_THAT(decision.names, ElementsAre(session, World::User("root")));
  EXPECT_EQ(SessionAt(world, session).idle_expire_time(), Later(world.now, kSessionIdleTimeout));
  EXPECT_THAT(world.Must(Refresh(world, session, "rootlogin", "2", "3")).names, testing::SizeIs(2));
}

TEST(RefreshToken, SpentEndsTheSessionHoweverOldItIs) {
  for (const int rounds : {1, 2, 50}) {
    World world;
    const std::string session = world.Must(world.TryLogin("root")).names[0];
    for (int i = 1; i <= rounds; ++i) world.Must(Refresh(world, session, "rootlogin", Cat(i), Cat(i + 1)));
    const auto reuse = world.Must(Refresh(world, session, "rootlogin", "1", "stolen"));
    EXPECT_THAT(reuse.names, IsEmpty()) << "the handler would answer with tokens";
    EXPECT_THAT(KindsOf(reuse), ElementsAre("SessionRevoked"));
    EXPECT_EQ(SessionAt(world, session).end_reason(), v1::Session::END_REASON_REUSE);
    // The one who held the current token is out as well.
    EXPECT_THAT(Refresh(world, session, "rootlogin", Cat(rounds + 1), "next"), Refuses("SESSION_ENDED"));
  }
}

TEST(RefreshToken, OfNoFamilyIsRefusedAndEndsNothing) {
  World world;
  const std::string session = world.Must(world.TryLogin("root")).names[0];
  EXPECT_THAT(Refresh(world, session, "made up", "1", "2"), Refuses("SESSION_ENDED"));
  EXPECT_THAT(Refresh(world, session + "x", "rootlogin", "1", "2"), Refuses("SESSION_ENDED"));
  EXPECT_THAT(Refresh(world, "organizations/p/users/u/sessions/s", "f", "1", "2"), Refuses("SESSION_ENDED"));
  EXPECT_TRUE(Refresh(world, session, "rootlogin", "1", "2").ok());
}

TEST(RefreshToken, IsRefusedAtTheIdleEndAndNotBefore) {
  World world;
  const std::string session = world.Must(world.TryLogin("root")).names[0];
  world.Pass(kSessionIdleTimeout - absl::Nanoseconds(1));
  EXPECT_TRUE(Refresh(world, session, "rootlogin", "1", "2").ok());
  world.Pass(absl::Nanoseconds(1));
  EXPECT_THAT(Refresh(world, session, "rootlogin", "1", "2"), Refuses("SESSION_ENDED"));
}

TEST(RefreshToken, IsRefusedAtTheAbsoluteEndHoweverOftenItWasUsed) {
  World world;
  const std::string session = world.Must(world.TryLogin("root")).names[0];
  for (int day = 0; day < 29; ++day) {
    world.Pass(absl::Hours(24));
    world.Must(Refresh(world, session, "rootlogin", Cat(day + 1), Cat(day + 2)));
  }
  EXPECT_EQ(SessionAt(world, session).idle_expire_time(), SessionAt(world, session).expire_time());
  world.Pass(absl::Hours(24));
  EXPECT_THAT(Refresh(world, session, "rootlogin", "30", "31"), Refuses("SESSION_ENDED"));
}

TEST(Logout, EndsTheCallersSessionOnce) {
  World world;
  const std::string session = world.Must(world.TryLogin("root")).names[0];
  const std::string id(IdOf(session));
  EXPECT_THAT(KindsOf(world.Must(Logout(world.state, world.Call("root", id)))), ElementsAre("SessionRevoked"));
  EXPECT_EQ(SessionAt(world, session).end_reason(), v1::Session::END_REASON_LOGOUT);
  EXPECT_THAT(world.Must(Logout(world.state, world.Call("root", id))).events, IsEmpty());
  EXPECT_THAT(Refresh(world, session, "rootlogin", "1", "2"), Refuses("SESSION_ENDED"));
  EXPECT_THAT(Logout(world.state, world.Call("root", "none")), Refuses("NO_SESSION"));
}

TEST(RevokeSession, IsForTheUserAndAdministratorsAndASecretToOthers) {
  World world;
  const std::string session = world.Join("anna");
  world.Join("bert", {ROLE_INVESTIGATOR});
  v1::RevokeSessionRequest request;
  request.set_name(session);
  EXPECT_THAT(RevokeSession(world.state, world.Call("bert"), request), Refuses("NOT_FOUND"));
  EXPECT_TRUE(RevokeSession(world.state, world.Call("root"), request).ok());
  world.Must(RevokeSession(world.state, world.Call("anna"), request));
  EXPECT_EQ(SessionAt(world, session).end_reason(), v1::Session::END_REASON_REVOKED);
  EXPECT_THAT(world.Must(RevokeSession(world.state, world.Call("anna"), request)).events, IsEmpty());
}

TEST(PrincipalOf, EndsWithTheSession) {
  World world;
  const std::string session = world.Join("anna", {ROLE_PROVIDER});
  const auto caller = world.Call("anna", IdOf(session)).principal.caller;
  const auto principal = PrincipalOf(world.state, caller, world.now);
  ASSERT_TRUE(principal.has_value());
  EXPECT_EQ(principal->organization, "o");
  EXPECT_TRUE(principal->HasAnywhere(ROLE_PROVIDER));
  EXPECT_FALSE(PrincipalOf(world.state, world.Call("anna").principal.caller, world.now).has_value());
  world.Must(Logout(world.state, world.Call("anna", IdOf(session))));
  EXPECT_FALSE(PrincipalOf(world.state, caller, world.now).has_value());
}

}  // namespace
}  // namespace trialog::auth
