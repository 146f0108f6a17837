#include "services/auth/domain/account.h"

#include "services/auth/domain/testing.h"

namespace trialog::auth {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

absl::StatusOr<Decision> Create(World& world, std::string_view id, const event::v1::SealedPart& sealed,
                                std::string_view by = "root") {
  v1::CreateUserRequest request;
  request.set_user_id(std::string(id));
  return CreateUser(world.state, world.Call(by), request, sealed);
}

v1::UpdateUserRequest Update(World& world, std::string_view user, std::vector<std::string> paths) {
  v1::UpdateUserRequest request;
  request.mutable_user()->set_name(World::User(user));
  request.mutable_user()->set_etag(world.Etag(kUsers, World::User(user)));
  for (auto& path : paths) request.mutable_update_mask()->add_paths(std::move(path));
  return request;
}

absl::StatusOr<Decision> Link(World& world, std::string_view user, std::string_view patient) {
  v1::LinkUserRequest request;
  request.set_name(World::User(user));
  request.set_patient(std::string(patient));
  return LinkUser(world.state, world.Call("root"), request, {});
}

absl::StatusOr<Decision> Deactivate(World& world, std::string_view user, std::string_view by = "root") {
  v1::DeactivateUserRequest request;
  request.set_name(World::User(user));
  return DeactivateUser(world.state, world.Call(by), request, {});
}

TEST(CreateUser, MakesAnInvitedAccountWithoutPassword) {
  World world;
  world.Must(Create(world, "anna", Person("anna")));
  EXPECT_EQ(world.StateOf("anna"), v1::User::STATE_INVITED);
  EXPECT_FALSE(FindByName(world.state, World::User("anna")).has_value());
}

TEST(CreateUser, IsRefusedByRoleIdAndIdentifier) {
  World world;
  world.Join("anna", {ROLE_DATA_MANAGER});
  EXPECT_THAT(Create(world, "x", Person("x"), "anna"), Refuses("ROLE_REQUIRED"));
  EXPECT_THAT(Create(world, "anna", Person("x")), Refuses("USER_EXISTS"));
  EXPECT_THAT(Create(world, "x", Person("anna")), Refuses("IDENTIFIER_TAKEN"));
  EXPECT_THAT(Create(world, "x", {}), Refuses("IDENTIFIER_REQUIRED"));
  EXPECT_THAT(Create(world, "", Person("x")), Refuses("ID_MALFORMED"));
}

TEST(CreateUser, KeepsTheIdentifiersOfAClosedAccountTaken) {
  World world;
  world.Join("anna");
  world.Must(Deactivate(world, "anna"));
  EXPECT_THAT(Create(world, "x", Person("anna")), Refuses("IDENTIFIER_TAKEN"));
  EXPECT_THAT(Create(world, "anna", Person("x")), Refuses("USER_EXISTS"));
}

TEST(UpdateUser, MovesTheIdentifierSoThatTheOldOneIsFree) {
  World world;
  world.Join("anna");
  world.Must(UpdateUser(world.state, world.Call("anna"), Update(world, "anna", {"username"}), Person("annika")));
  EXPECT_TRUE(world.state.Lookup(kUsersByUsername, LookupIndexKey("o", "mac of annika")).has_value());
  EXPECT_TRUE(world.state.Lookup(kUsersByEmail, LookupIndexKey("o", "mac of anna@x")).has_value());
  EXPECT_TRUE(Create(world, "x", Person("anna")).ok());
}

TEST(UpdateUser, IsASecretToOthers) {
  World world;
  world.Join("anna");
  world.Join("bert", {ROLE_INVESTIGATOR});
  const auto request = Update(world, "anna", {"username"});
  const auto refused = UpdateUser(world.state, world.Call("bert"), request, Person("x"));
  EXPECT_THAT(refused, Refuses("NOT_FOUND"));
  auto nobody = request;
  nobody.mutable_user()->set_name(World::User("nobody"));
  EXPECT_TRUE(IsRefusal(refused.status()));
  EXPECT_EQ(UpdateUser(world.state, world.Call("bert"), nobody, Person("x")).status(), WithoutMark(refused.status()));
  EXPECT_TRUE(UpdateUser(world.state, world.Call("root"), request, Person("x")).ok());
}

TEST(UpdateUser, IsRefusedByEtagMaskAndUniqueness) {
  World world;
  world.Join("anna");
  const auto call = world.Call("anna");
  auto request = Update(world, "anna", {"username"});
  EXPECT_THAT(UpdateUser(world.state, call, request, Person("root")), Refuses("IDENTIFIER_TAKEN"));
  EXPECT_THAT(UpdateUser(world.state, call, request, Person("", "new@x")), Refuses("FIELD_NOT_IN_MASK"));
  EXPECT_THAT(UpdateUser(world.state, call, Update(world, "anna", {}), {}), Refuses("MASK_REQUIRED"));
  EXPECT_THAT(UpdateUser(world.state, call, Update(world, "anna", {"patient"}), {}), Refuses("FIELD_NOT_UPDATABLE"));
  request.mutable_user()->set_etag("77");
  EXPECT_THAT(UpdateUser(world.state, call, request, Person("x")), Refuses("ETAG_MISMATCH"));
  request.mutable_user()->clear_etag();
  EXPECT_THAT(UpdateUser(world.state, call, request, Person("x")), Refuses("ETAG_REQUIRED"));
}

TEST(UpdateUser, KeepsOneIdentifier) {
  World world;
  event::v1::SealedPart nothing;  // A field and a key without value take the former ones away.
  nothing.add_fields()->set_number(v1::User::kUsernameFieldNumber);
  nothing.add_keys()->set_index(std::string(kUsernameLookup));
  EXPECT_THAT(UpdateUser(world.state, world.Call("root"), Update(world, "root", {"username"}), nothing),
              Refuses("IDENTIFIER_REQUIRED"));
}

TEST(UpdateUser, OfAClosedAccountIsRefused) {
  World world;
  world.Join("anna");
  world.Must(Deactivate(world, "anna"));
  EXPECT_THAT(UpdateUser(world.state, world.Call("root"), Update(world, "anna", {"username"}), Person("x")),
              Refuses("ACCOUNT_DISABLED"));
}

TEST(LinkUser, BindsOnePatientToOneUserForGood) {
  World world;
  world.Join("anna");
  world.Join("bert");
  EXPECT_THAT(KindsOf(world.Must(Link(world, "anna", "organizations/o/patients/p"))), ElementsAre("UserLinked"));
  EXPECT_THAT(world.Must(Link(world, "anna", "organizations/o/patients/p")).events, IsEmpty());
  EXPECT_THAT(Link(world, "anna", "organizations/o/patients/q"), Refuses("USER_LINKED"));
  EXPECT_THAT(Link(world, "bert", "organizations/o/patients/p"), Refuses("PATIENT_LINKED"));
  EXPECT_THAT(Link(world, "bert", "organizations/p/patients/p"), Refuses("PATIENT_MALFORMED"));
  EXPECT_THAT(Link(world, "bert", "organizations/o/users/p"), Refuses("PATIENT_MALFORMED"));
  EXPECT_THAT(Link(world, "nobody", "organizations/o/patients/q"), Refuses("NOT_FOUND"));
  v1::LinkUserRequest own;
  own.set_name(World::User("bert"));
  own.set_patient("organizations/o/patients/q");
  EXPECT_THAT(LinkUser(world.state, world.Call("bert"), own, {}), Refuses("ROLE_REQUIRED"));
  world.Must(Deactivate(world, "bert"));
  EXPECT_THAT(Link(world, "bert", "organizations/o/patients/q"), Refuses("ACCOUNT_DISABLED"));
}

TEST(DeactivateUser, EndsSessionsAndGrantsAtOnce) {
  World world;
  const std::string session = world.Join("anna", {ROLE_PROVIDER});
  EXPECT_THAT(KindsOf(world.Must(Deactivate(world, "anna"))), ElementsAre("SessionRevoked", "UserDeactivated"));
  EXPECT_EQ(world.StateOf("anna"), v1::User::STATE_DISABLED);
  EXPECT_EQ(world.state.Get<v1::Session>(kSessions, session)->end_reason(), v1::Session::END_REASON_ACCOUNT_DISABLED);
  EXPECT_THAT(GrantsInForce(world.state, World::User("anna"), world.now), IsEmpty());
  EXPECT_FALSE(Identify(world.state, World::User("anna"), world.now).has_value());
  EXPECT_THAT(world.Must(Deactivate(world, "anna")).events, IsEmpty());
}

TEST(DeactivateUser, UnlocksALockedAccountFirst) {
  World world;
  world.Join("anna");
  for (uint32_t i = 0; i < kMaxFailures; ++i) world.Must(world.TryLogin("anna", false));
  EXPECT_THAT(KindsOf(world.Must(Deactivate(world, "anna"))),
              ElementsAre("AccountUnlocked", "SessionRevoked", "UserDeactivated"));
}

TEST(DeactivateUser, IsRefusedForOneselfTheInvitedAndTheUnknown) {
  World world;
  world.Must(Create(world, "invited", Person("invited")));
  EXPECT_THAT(Deactivate(world, "root"), Refuses("SELF_DEACTIVATION"));
  EXPECT_THAT(Deactivate(world, "invited"), Refuses("ILLEGAL_MOVE"));
  EXPECT_THAT(Deactivate(world, "nobody"), Refuses("NOT_FOUND"));
  world.Join("anna", {ROLE_PROVIDER});
  EXPECT_THAT(Deactivate(world, "root", "anna"), Refuses("ROLE_REQUIRED"));
}

TEST(DeactivateUser, KeepsTheLastAdministratorWithoutAnEnd) {
  World world;
  v1::CreateInvitationRequest request;
  request.set_invitation_id("i");
  auto& role = *request.mutable_invitation()->add_roles();
  role.set_role(ROLE_SYSTEM_ADMINISTRATOR);
  *role.mutable_end_time() = Later(world.now, absl::Hours(24));
  world.Must(CreateInvitation(world.state, world.Call("root"), request, {}, "t"));
  world.Must(world.TrySignUp("deputy", "organizations/o/invitations/i"));
  EXPECT_THAT(Deactivate(world, "root", "deputy"), Refuses("LAST_ADMINISTRATOR"));
  world.Join("second", {ROLE_SYSTEM_ADMINISTRATOR});
  EXPECT_TRUE(Deactivate(world, "root", "deputy").ok());
}

}  // namespace
}  // namespace trialog::auth
