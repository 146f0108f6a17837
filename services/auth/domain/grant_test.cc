#include "services/auth/domain/grant.h"

#include "services/auth/domain/service_account.h"
#include "services/auth/domain/testing.h"

namespace trialog::auth {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

absl::StatusOr<Decision> Revoke(World& world, std::string_view by, std::string_view grant) {
  v1::RevokeRoleRequest request;
  request.set_name(std::string(grant));
  return RevokeRole(world.state, world.Call(by), request, {});
}

TEST(GrantRole, IsInForceWithinItsScope) {
  World world;
  world.Join("anna");
  world.Must(world.TryGrant("root", World::User("anna"), ROLE_LAB_TECHNICIAN, "organizations/o/biobanks/b"));
  const auto call = world.Call("anna");
  EXPECT_TRUE(call.principal.Has(ROLE_LAB_TECHNICIAN, "organizations/o/biobanks/b/samples/s"));
  EXPECT_FALSE(call.principal.Has(ROLE_LAB_TECHNICIAN, "organizations/o/biobanks/c"));
}

TEST(GrantRole, IsInForceFromItsStartToItsEnd) {
  World world;
  world.Join("anna");
  v1::GrantRoleRequest request;
  request.set_parent(World::User("anna"));
  request.set_grant_id("g");
  request.mutable_grant()->set_role(ROLE_MONITOR);
  request.mutable_grant()->set_scope("organizations/o");
  *request.mutable_grant()->mutable_start_time() = Later(world.now, absl::Hours(1));
  *request.mutable_grant()->mutable_end_time() = Later(world.now, absl::Hours(2));
  world.Must(GrantRole(world.state, world.Call("root"), request, {}));
  const auto in_force = [&](absl::Duration after) {
    return GrantsInForce(world.state, World::User("anna"), Later(world.now, after)).size();
  };
  EXPECT_EQ(in_force(absl::Hours(1) - absl::Nanoseconds(1)), 0u);
  EXPECT_EQ(in_force(absl::Hours(1)), 1u);
  EXPECT_EQ(in_force(absl::Hours(2) - absl::Nanoseconds(1)), 1u);
  EXPECT_EQ(in_force(absl::Hours(2)), 0u);
}

TEST(GrantRole, IsNeverForOneself) {
  World world;
  EXPECT_THAT(world.TryGrant("root", World::User("root"), ROLE_INVESTIGATOR), Refuses("SELF_GRANT"));
}

TEST(GrantRole, IsForAdministratorsOfTheOrganisation) {
  World world;
  world.Join("anna", {ROLE_DATA_MANAGER});
  world.Join("bert");
  EXPECT_THAT(world.TryGrant("anna", World::User("bert"), ROLE_PROVIDER), Refuses("ROLE_REQUIRED"));
  EXPECT_THAT(world.TryGrant("", World::User("bert"), ROLE_PROVIDER), Refuses("ROLE_REQUIRED"));
  EXPECT_THAT(world.TryGrant("root", "organizations/p/users/bert", ROLE_PROVIDER), Refuses("NOT_FOUND"));
  EXPECT_THAT(world.TryGrant("root", World::User("nobody"), ROLE_PROVIDER), Refuses("NOT_FOUND"));
  EXPECT_THAT(world.TryGrant("root", "organizations/o", ROLE_PROVIDER), Refuses("NOT_FOUND"));
}

TEST(GrantRole, IsRefusedForRolesAndScopesThatDoNotFit) {
  World world;
  world.Join("anna");
  const std::string anna = World::User("anna");
  EXPECT_THAT(world.TryGrant("root", anna, ROLE_UNSPECIFIED), Refuses("ROLE_UNKNOWN"));
  EXPECT_THAT(world.TryGrant("root", anna, static_cast<Role>(99)), Refuses("ROLE_UNKNOWN"));
  for (const char* scope : {"", "organizations/p", "organizations/o/biobanks", "organizations/o/biobanks/", "o"}) {
    EXPECT_THAT(world.TryGrant("root", anna, ROLE_LAB_TECHNICIAN, scope), Refuses("SCOPE_MALFORMED")) << scope;
  }
  for (const Role role : {ROLE_SYSTEM_ADMINISTRATOR, ROLE_PARTICIPANT}) {
    EXPECT_THAT(world.TryGrant("root", anna, role, "organizations/o/trials/t"), Refuses("SCOPE_TOO_NARROW"));
  }
  EXPECT_THAT(world.TryGrant("root", anna, ROLE_NOTIFIER), Refuses("ROLE_NOT_FOR_HOLDER"));
}

TEST(GrantRole, GivesServiceAccountsOnlyWhatAProgramMayDo) {
  World world;
  v1::CreateServiceAccountRequest create;
  create.set_service_account_id("mailer");
  create.mutable_service_account()->set_display_name("Mailer");
  const std::string mailer = world.Must(CreateServiceAccount(world.state, world.Call("root"), create, {})).names.at(0);
  for (const Role role : {ROLE_SYSTEM_ADMINISTRATOR, ROLE_INVESTIGATOR, ROLE_PARTICIPANT}) {
    EXPECT_THAT(world.TryGrant("root", mailer, role), Refuses("ROLE_NOT_FOR_HOLDER"));
  }
  world.Must(world.TryGrant("root", mailer, ROLE_NOTIFIER));
  EXPECT_THAT(GrantsInForce(world.state, mailer, world.now), SizeIs(1));
}

TEST(GrantRole, IsRefusedForTimesThatDoNotFit) {
  World world;
  world.Join("anna");
  v1::GrantRoleRequest request;
  request.set_parent(World::User("anna"));
  request.set_grant_id("g");
  request.mutable_grant()->set_role(ROLE_MONITOR);
  request.mutable_grant()->set_scope("organizations/o");
  *request.mutable_grant()->mutable_start_time() = Later(world.now, -absl::Seconds(1));
  EXPECT_THAT(GrantRole(world.state, world.Call("root"), request, {}), Refuses("TIMES_INVALID"));
  request.mutable_grant()->clear_start_time();
  *request.mutable_grant()->mutable_end_time() = world.now;
  EXPECT_THAT(GrantRole(world.state, world.Call("root"), request, {}), Refuses("TIMES_INVALID"));
}

TEST(GrantRole, IsRefusedTwiceAtATimeAndToClosedAccounts) {
  World world;
  world.Join("anna");
  const std::string anna = World::User("anna");
  world.Must(world.TryGrant("root", anna, ROLE_PROVIDER));
  EXPECT_THAT(world.TryGrant("root", anna, ROLE_PROVIDER, "organizations/o", "h"), Refuses("GRANT_EXISTS"));
  EXPECT_THAT(world.TryGrant("root", anna, ROLE_ANALYST), Refuses("GRANT_EXISTS")) << "the id is taken";
  EXPECT_THAT(world.TryGrant("root", anna, ROLE_ANALYST, "organizations/o", "a b"), Refuses("ID_MALFORMED"));
  v1::DeactivateUserRequest close;
  close.set_name(anna);
  world.Must(DeactivateUser(world.state, world.Call("root"), close, {}));
  EXPECT_THAT(world.TryGrant("root", anna, ROLE_ANALYST, "organizations/o", "h"), Refuses("ACCOUNT_DISABLED"));
}

TEST(GrantRole, HasABoundAnAccount) {
  World world;
  world.Join("anna");
  for (int i = 0; i < kMaxStandingGrants; ++i) {
    world.Must(
        world.TryGrant("root", World::User("anna"), ROLE_PROVIDER, Cat("organizations/o/sites/s", i), Cat("g", i)));
  }
  EXPECT_THAT(world.TryGrant("root", World::User("anna"), ROLE_PROVIDER), Refuses("TOO_MANY_GRANTS"));
  world.Must(Revoke(world, "root", World::User("anna") + "/grants/g0"));
  EXPECT_TRUE(world.TryGrant("root", World::User("anna"), ROLE_PROVIDER).ok());
}

TEST(GrantRole, HasABoundOnAdministrators) {
  World world;
  for (int i = 1; i < kMaxAdministrators; ++i) world.Join(Cat("admin", i), {ROLE_SYSTEM_ADMINISTRATOR});
  world.Join("anna");
  EXPECT_THAT(world.TryGrant("root", World::User("anna"), ROLE_SYSTEM_ADMINISTRATOR),
              Refuses("TOO_MANY_ADMINISTRATORS"));
}

TEST(RevokeRole, EndsTheGrantAtOnceAndKeepsItsRow) {
  World world;
  world.Join("anna", {ROLE_PROVIDER});
  const std::string grant = world.GrantOf("anna");
  EXPECT_THAT(KindsOf(world.Must(Revoke(world, "root", grant))), ElementsAre("RoleRevoked"));
  EXPECT_THAT(GrantsInForce(world.state, World::User("anna"), world.now), IsEmpty());
  EXPECT_EQ(world.state.Get<v1::Grant>(kUserGrants, grant)->revoke_time(), world.now);
  EXPECT_EQ(world.state.Count(kGrantsByHolder, World::User("anna")), 1);
  EXPECT_THAT(world.Must(Revoke(world, "root", grant)).events, IsEmpty());
}

TEST(RevokeRole, KeepsTheLastAdministrator) {
  World world;
  EXPECT_THAT(Revoke(world, "root", world.GrantOf("root")), Refuses("LAST_ADMINISTRATOR"));
  world.Join("anna", {ROLE_SYSTEM_ADMINISTRATOR});
  world.Must(Revoke(world, "anna", world.GrantOf("root")));
  EXPECT_THAT(Revoke(world, "anna", world.GrantOf("anna")), Refuses("LAST_ADMINISTRATOR"));
  EXPECT_THAT(Revoke(world, "root", world.GrantOf("anna")), Refuses("ROLE_REQUIRED"));
}

TEST(RevokeRole, OfAnUnknownGrantIsNotFound) {
  World world;
  EXPECT_THAT(Revoke(world, "root", World::User("root") + "/grants/none"), Refuses("NOT_FOUND"));
  EXPECT_THAT(Revoke(world, "root", "organizations/p/users/u/grants/g"), Refuses("NOT_FOUND"));
  EXPECT_THAT(Revoke(world, "root", "grants"), Refuses("NOT_FOUND"));
}

// The monitor's role, for one who joins; the grant's name.
std::string GrantForAnHour(World& world) {
  world.Join("anna");
  v1::GrantRoleRequest request;
  request.set_parent(World::User("anna"));
  request.set_grant_id("g");
  request.mutable_grant()->set_role(ROLE_MONITOR);
  request.mutable_grant()->set_scope("organizations/o");
  *request.mutable_grant()->mutable_end_time() = Later(world.now, absl::Hours(1));
  return world.Must(GrantRole(world.state, world.Call("root"), request, {})).names.at(0);
}

TEST(EndGrant, TakesOnlyAnEndedGrantOffTheStandingOnes) {
  World world;
  const std::string grant = GrantForAnHour(world);
  EXPECT_THAT(EndGrant(world.state, world.Internal(), grant)->events, IsEmpty());
  world.Pass(absl::Hours(1));
  ASSERT_THAT(world.state.Scan(kGrantsByEnd, "", 2), SizeIs(1));
  EXPECT_THAT(KindsOf(world.Must(EndGrant(world.state, world.Internal(), grant))), ElementsAre("RoleEnded"));
  EXPECT_EQ(world.state.Count(kStandingGrants, World::User("anna")), 0);
  EXPECT_THAT(world.state.Scan(kGrantsByEnd, "", 1), IsEmpty()) << "it is due once";
  const auto ended = world.state.Get<v1::Grant>(kUserGrants, grant);
  EXPECT_EQ(ended->end_record_time(), world.now);
  EXPECT_FALSE(ended->has_revoke_time());
  EXPECT_THAT(EndGrant(world.state, world.Internal(), grant)->events, IsEmpty());
  EXPECT_THAT(EndGrant(world.state, world.Internal(), "none")->events, IsEmpty());
}

TEST(EndGrant, OfARevokedOneIsNotDue) {
  World world;
  const std::string grant = GrantForAnHour(world);
  world.Must(Revoke(world, "root", grant));
  EXPECT_THAT(world.state.Scan(kGrantsByEnd, "", 1), IsEmpty());
  world.Pass(absl::Hours(1));
  EXPECT_THAT(EndGrant(world.state, world.Internal(), grant)->events, IsEmpty());
}

}  // namespace
}  // namespace trialog::auth
