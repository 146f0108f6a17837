#include "services/auth/domain/invitation.h"

#include "services/auth/domain/testing.h"

namespace trialog::auth {
namespace {

v1::CreateInvitationRequest Request() {
  v1::CreateInvitationRequest request;
  request.set_invitation_id("i");
  request.mutable_invitation()->add_roles()->set_role(ROLE_PROVIDER);
  return request;
}

absl::StatusOr<Decision> Try(World& world, const v1::CreateInvitationRequest& request, std::string_view by = "root") {
  return CreateInvitation(world.state, world.Call(by), request, {}, "t");
}

TEST(CreateInvitation, LastsSevenDaysInTheWholeOrganisationUnlessSaidOtherwise) {
  World world;
  const std::string name = world.Must(Try(world, Request())).names.at(0);
  auto invitation = world.state.Get<v1::Invitation>(kInvitations, name);
  EXPECT_EQ(invitation->expire_time(), Later(world.now, absl::Hours(24 * 7)));
  EXPECT_EQ(invitation->roles(0).scope(), "organizations/o");
  EXPECT_EQ(invitation->creator(), World::User("root"));
}

TEST(CreateInvitation, IsForAdministrators) {
  World world;
  world.Join("anna", {ROLE_PROVIDER});
  EXPECT_THAT(Try(world, Request(), "anna"), Refuses("ROLE_REQUIRED"));
  EXPECT_THAT(Try(world, Request(), ""), Refuses("ROLE_REQUIRED"));
}

TEST(CreateInvitation, IsRefusedForRolesThatCannotBeHeld) {
  World world;
  auto request = Request();
  request.mutable_invitation()->mutable_roles(0)->set_role(ROLE_UNSPECIFIED);
  EXPECT_THAT(Try(world, request), Refuses("ROLE_UNKNOWN"));
  request.mutable_invitation()->mutable_roles(0)->set_role(ROLE_NOTIFIER);
  EXPECT_THAT(Try(world, request), Refuses("ROLE_NOT_FOR_HOLDER"));
  request = Request();
  request.mutable_invitation()->mutable_roles(0)->set_scope("organizations/p");
  EXPECT_THAT(Try(world, request), Refuses("SCOPE_MALFORMED"));
  request = Request();
  *request.mutable_invitation()->add_roles() = request.invitation().roles(0);
  EXPECT_THAT(Try(world, request), Refuses("ROLE_TWICE"));
  request = Request();
  for (int i = 0; i < kMaxInvitedRoles; ++i) request.mutable_invitation()->add_roles()->set_role(ROLE_PROVIDER);
  EXPECT_THAT(Try(world, request), Refuses("TOO_MANY_ROLES"));
}

TEST(CreateInvitation, IsRefusedOutsideItsTimes) {
  World world;
  auto request = Request();
  *request.mutable_invitation()->mutable_expire_time() = world.now;
  EXPECT_THAT(Try(world, request), Refuses("TIMES_INVALID"));
  *request.mutable_invitation()->mutable_expire_time() = Later(world.now, kLongestInvitation + absl::Seconds(1));
  EXPECT_THAT(Try(world, request), Refuses("TIMES_INVALID"));
  request = Request();
  *request.mutable_invitation()->mutable_roles(0)->mutable_end_time() = world.now;
  EXPECT_THAT(Try(world, request), Refuses("TIMES_INVALID"));
}

TEST(CreateInvitation, IsRefusedForATakenOrMalformedId) {
  World world;
  world.Must(Try(world, Request()));
  EXPECT_THAT(Try(world, Request()), Refuses("INVITATION_EXISTS"));
  auto request = Request();
  request.set_invitation_id("a b");
  EXPECT_THAT(Try(world, request), Refuses("ID_MALFORMED"));
}

TEST(CreateInvitation, BindsOnlyToAnInvitedAccountAndAFreePatient) {
  World world;
  world.Join("anna");
  auto request = Request();
  request.mutable_invitation()->set_user(World::User("anna"));
  EXPECT_THAT(Try(world, request), Refuses("ILLEGAL_MOVE"));
  request.mutable_invitation()->set_user(World::User("nobody"));
  EXPECT_THAT(Try(world, request), Refuses("NOT_FOUND"));
  request = Request();
  request.mutable_invitation()->set_patient("organizations/p/patients/x");
  EXPECT_THAT(Try(world, request), Refuses("PATIENT_MALFORMED"));
  v1::LinkUserRequest link;
  link.set_name(World::User("anna"));
  link.set_patient("organizations/o/patients/x");
  world.Must(LinkUser(world.state, world.Call("root"), link, {}));
  request.mutable_invitation()->set_patient("organizations/o/patients/x");
  EXPECT_THAT(Try(world, request), Refuses("PATIENT_LINKED"));
}

}  // namespace
}  // namespace trialog::auth
