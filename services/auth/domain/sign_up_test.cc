#include "services/auth/domain/sign_up.h"

#include "services/auth/domain/testing.h"

namespace trialog::auth {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

void OpenSignUp(World& world) {
  v1::UpdateOrganizationRequest request;
  request.mutable_organization()->set_name("organizations/o");
  request.mutable_organization()->set_etag(world.Etag(kOrganizations, "organizations/o"));
  request.mutable_organization()->set_open_sign_up(true);
  request.mutable_update_mask()->add_paths("open_sign_up");
  world.Must(UpdateOrganization(world.state, world.Call("root"), request, {}));
}

TEST(SignUp, ByInvitationMakesAnAccountWithItsRolesAndASession) {
  World world;
  const auto decision = world.Must(world.TrySignUp("anna", world.Invite({ROLE_PROVIDER, ROLE_ANALYST})));
  EXPECT_THAT(KindsOf(decision), ElementsAre("UserCreated", "InvitationUsed", "PasswordSet", "RoleGranted",
                                             "RoleGranted", "SessionStarted"));
  EXPECT_EQ(decision.names.at(1), World::User("anna"));
  EXPECT_EQ(world.StateOf("anna"), v1::User::STATE_ACTIVE);
  EXPECT_EQ(GrantsInForce(world.state, World::User("anna"), world.now).size(), 2u);
  EXPECT_TRUE(world.TryLogin("anna").ok());
}

TEST(SignUp, OfSixtyFourWhoRaceWithOneInvitationLetsOneIn) {
  World world;
  const std::string invitation = world.Invite({ROLE_PROVIDER});
  int in = 0;
  for (int i = 0; i < 64; ++i) {
    const auto decision = world.TrySignUp(Cat("racer", i), invitation);
    if (decision.ok()) {
      ++in;
      world.Must(decision);
    } else {
      EXPECT_EQ(ReasonOf(decision.status()), "INVITATION_USED");
    }
  }
  EXPECT_EQ(in, 1);
  EXPECT_EQ(world.state.Count(kUsersByOrganization, "organizations/o"), 2);
}

TEST(SignUp, WithoutInvitationIsClosedByDefault) {
  World world;
  EXPECT_THAT(world.TrySignUp("anna", ""), Refuses("SIGN_UP_CLOSED"));
}

TEST(SignUp, InAnUnknownOrganisationIsRefusedLikeAClosedOne) {
  World world;
  Context context = world.Call("");
  context.organization = "nowhere";
  v1::SignUpRequest request;
  request.set_user_id("anna");
  EXPECT_THAT(SignUp(world.state, context, request, Person("anna"), {"", "", Hash("x"), Secrets("f")}),
              Refuses("SIGN_UP_CLOSED"));
}

TEST(SignUp, OpenGrantsParticipantAndNothingElse) {
  World world;
  OpenSignUp(world);
  world.Must(world.TrySignUp("anna", ""));
  const auto grants = GrantsInForce(world.state, World::User("anna"), world.now);
  ASSERT_EQ(grants.size(), 1u);
  EXPECT_EQ(grants[0].role, ROLE_PARTICIPANT);
}

TEST(SignUp, WithAWrongTokenLearnsNothing) {
  World world;
  const std::string invitation = world.Invite({ROLE_PROVIDER});
  EXPECT_THAT(world.TrySignUp("anna", invitation, "wrong"), Refuses("INVITATION_INVALID"));
  EXPECT_THAT(world.TrySignUp("anna", "organizations/o/invitations/none"), Refuses("INVITATION_INVALID"));
  EXPECT_THAT(world.TrySignUp("anna", "organizations/p/invitations/i"), Refuses("INVITATION_INVALID"));
  world.Must(world.TrySignUp("anna", invitation));
  EXPECT_THAT(world.TrySignUp("bert", invitation, "wrong"), Refuses("INVITATION_INVALID"));
}

TEST(SignUp, AfterTheInvitationsEndIsRefused) {
  World world;
  const std::string invitation = world.Invite({ROLE_PROVIDER});
  world.Pass(kInvitationLifetime - absl::Nanoseconds(1));
  EXPECT_TRUE(world.TrySignUp("anna", invitation).ok());
  world.Pass(absl::Nanoseconds(1));
  EXPECT_THAT(world.TrySignUp("anna", invitation), Refuses("INVITATION_EXPIRED"));
}

TEST(SignUp, ByABoundInvitationNeedsItsEmailAddress) {
  World world;
  const std::string invitation = world.Invite({ROLE_PROVIDER}, "bound", Person("", "anna@x"));
  EXPECT_THAT(world.TrySignUp("bert", invitation), Refuses("INVITATION_INVALID"));
  EXPECT_TRUE(world.TrySignUp("anna", invitation).ok());
}

TEST(SignUp, NeedsAFreeIdentifierAndId) {
  World world;
  world.Join("anna");
  const std::string invitation = world.Invite({}, "next");
  EXPECT_THAT(world.TrySignUp("anna", invitation), Refuses("USER_EXISTS"));
  v1::SignUpRequest request;
  request.set_user_id("other");
  const SignUpInput input{invitation, "t", Hash("x"), Secrets("f")};
  EXPECT_THAT(SignUp(world.state, world.Call(""), request, Person("anna"), input), Refuses("IDENTIFIER_TAKEN"));
  EXPECT_THAT(SignUp(world.state, world.Call(""), request, Person("", "anna@x"), input), Refuses("IDENTIFIER_TAKEN"));
  EXPECT_THAT(SignUp(world.state, world.Call(""), request, {}, input), Refuses("IDENTIFIER_REQUIRED"));
  request.set_user_id("not/an/id");
  EXPECT_THAT(SignUp(world.state, world.Call(""), request, Person("x"), input), Refuses("ID_MALFORMED"));
}

v1::CreateInvitationRequest InviteToClaim(std::string_view user, std::string_view id) {
  v1::CreateInvitationRequest request;
  request.set_invitation_id(std::string(id));
  request.mutable_invitation()->set_user(World::User(user));
  request.mutable_invitation()->set_patient("organizations/o/patients/p");
  return request;
}

TEST(SignUp, ClaimsAnInvitedAccountAndLinksItsPatient) {
  World world;
  v1::CreateUserRequest create;
  create.set_user_id("anna");
  world.Must(CreateUser(world.state, world.Call("root"), create, Person("anna")));
  EXPECT_EQ(world.StateOf("anna"), v1::User::STATE_INVITED);
  for (const char* id : {"claim", "again"}) {
    world.Must(CreateInvitation(world.state, world.Call("root"), InviteToClaim("anna", id), {}, "t"));
  }
  EXPECT_THAT(world.TrySignUp("bert", "organizations/o/invitations/claim"), Refuses("USER_NOT_INVITED"));
  const auto decision = world.Must(world.TrySignUp("anna", "organizations/o/invitations/claim"));
  EXPECT_THAT(KindsOf(decision),
              ElementsAre("UserActivated", "InvitationUsed", "PasswordSet", "UserLinked", "SessionStarted"));
  EXPECT_EQ(world.StateOf("anna"), v1::User::STATE_ACTIVE);
  EXPECT_EQ(world.state.Get<v1::User>(kUsers, World::User("anna"))->patient(), "organizations/o/patients/p");
  // The second invitation to the same account comes too late.
  EXPECT_THAT(world.TrySignUp("anna", "organizations/o/invitations/again"), Refuses("INVITATION_USED"));
}

TEST(SignUp, DoesNotGrantWhatEndedWhileTheInvitationWaited) {
  World world;
  v1::CreateInvitationRequest request;
  request.set_invitation_id("i");
  auto& role = *request.mutable_invitation()->add_roles();
  role.set_role(ROLE_MONITOR);
  *role.mutable_end_time() = Later(world.now, absl::Hours(1));
  world.Must(CreateInvitation(world.state, world.Call("root"), request, {}, "t"));
  world.Pass(absl::Hours(1));
  world.Must(world.TrySignUp("anna", "organizations/o/invitations/i"));
  EXPECT_THAT(GrantsInForce(world.state, World::User("anna"), world.now), IsEmpty());
}

TEST(FindByIdentifier, FindsByEitherKeyWithinTheOrganisation) {
  World world;
  world.Join("anna");
  event::v1::LookupKey key;
  key.set_index(std::string(kEmailLookup));
  key.set_mac("mac of anna@x");
  ASSERT_TRUE(FindByIdentifier(world.state, "o", key).has_value());
  EXPECT_EQ(FindByIdentifier(world.state, "o", key)->user, World::User("anna"));
  EXPECT_FALSE(FindByIdentifier(world.state, "p", key).has_value());
  key.set_index(std::string(kUsernameLookup));
  EXPECT_FALSE(FindByIdentifier(world.state, "o", key).has_value());
  key.set_mac("mac of anna");
  EXPECT_TRUE(FindByIdentifier(world.state, "o", key).has_value());
}

}  // namespace
}  // namespace trialog::auth
