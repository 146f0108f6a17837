#include "services/auth/domain/organization.h"

#include "services/auth/domain/testing.h"

namespace trialog::auth {
namespace {

using testing::ElementsAre;

v1::CreateOrganizationRequest Another(std::string_view id) {
  v1::CreateOrganizationRequest request;
  request.set_organization_id(std::string(id));
  request.mutable_organization()->set_display_name("Clinic");
  request.set_administrator_id("first");
  return request;
}

CreateOrganizationInput Token(char fill) { return {std::string(32, fill), Hash("first")}; }

Context In(World& world, std::string_view organization) {
  Context context = world.Call("");
  context.organization = std::string(organization);
  return context;
}

TEST(CreateOrganization, MakesItsFirstAdministratorWhoCanSignIn) {
  World world;
  const auto grants = GrantsInForce(world.state, World::User("root"), world.now);
  ASSERT_EQ(grants.size(), 1u);
  EXPECT_EQ(grants[0].role, ROLE_SYSTEM_ADMINISTRATOR);
  EXPECT_EQ(grants[0].scope, "organizations/o");
  EXPECT_TRUE(world.TryLogin("root").ok());
}

TEST(CreateOrganization, SpendsItsTokenForEveryOrganisation) {
  World world;
  EXPECT_THAT(CreateOrganization(world.state, In(world, "p"), Another("p"), Person("a"), Token('i')),
              Refuses("INIT_TOKEN_USED"));
  auto second = CreateOrganization(world.state, In(world, "p"), Another("p"), Person("a"), Token('j'));
  ASSERT_TRUE(second.ok());
  EXPECT_THAT(KindsOf(*second),
              ElementsAre("OrganizationCreated", "InitTokenUsed", "UserCreated", "PasswordSet", "RoleGranted"));
}

TEST(SpendInitToken, IsForOneOrganisationForEver) {
  World world;
  const std::string token(32, 'k');
  const Context nowhere = In(world, "");
  EXPECT_THAT(SpendInitToken(world.state, nowhere, "p", "too short"), Refuses("INIT_TOKEN_INVALID"));
  const auto spent = SpendInitToken(world.state, nowhere, "p", token);
  ASSERT_TRUE(spent.ok());
  EXPECT_THAT(KindsOf(*spent), ElementsAre("InitTokenUsed"));
  Apply(AuthDomain(), nowhere, *spent, world.state);
  EXPECT_THAT(SpendInitToken(world.state, nowhere, "q", token), Refuses("INIT_TOKEN_USED"));
  const auto again = SpendInitToken(world.state, nowhere, "p", token);
  ASSERT_TRUE(again.ok()) << "what ended between the token and the organisation is repeated";
  EXPECT_TRUE(again->events.empty());
  EXPECT_THAT(CreateOrganization(world.state, In(world, "q"), Another("q"), Person("a"), Token('k')),
              Refuses("INIT_TOKEN_USED"));
  EXPECT_TRUE(CreateOrganization(world.state, In(world, "p"), Another("p"), Person("a"), Token('k')).ok());
}

TEST(CreateOrganization, IsRefusedWithoutTokenWithATakenOrMalformedIdAndBadSettings) {
  World world;
  EXPECT_THAT(CreateOrganization(world.state, In(world, "p"), Another("p"), Person("a"), {"", Hash("x")}),
              Refuses("INIT_TOKEN_INVALID"));
  EXPECT_THAT(CreateOrganization(world.state, In(world, "o"), Another("o"), Person("a"), Token('j')),
              Refuses("ORGANIZATION_EXISTS"));
  EXPECT_THAT(CreateOrganization(world.state, In(world, "a/b"), Another("a/b"), Person("a"), Token('j')),
              Refuses("ID_MALFORMED"));
  EXPECT_THAT(CreateOrganization(world.state, In(world, "q"), Another("p"), Person("a"), Token('j')),
              Refuses("ID_MALFORMED"));
  EXPECT_THAT(CreateOrganization(world.state, In(world, "p"), Another("p"), {}, Token('j')),
              Refuses("IDENTIFIER_REQUIRED"));
  auto nameless = Another("p");
  nameless.mutable_organization()->clear_display_name();
  EXPECT_THAT(CreateOrganization(world.state, In(world, "p"), nameless, Person("a"), Token('j')),
              Refuses("DISPLAY_NAME_INVALID"));
}

v1::UpdateOrganizationRequest Change(World& world, std::string_view path) {
  v1::UpdateOrganizationRequest request;
  request.mutable_organization()->set_name("organizations/o");
  request.mutable_organization()->set_etag(world.Etag(kOrganizations, "organizations/o"));
  request.mutable_update_mask()->add_paths(std::string(path));
  return request;
}

TEST(UpdateOrganization, ChangesOnlyWhatTheMaskNames) {
  World world;
  auto request = Change(world, "open_sign_up");
  request.mutable_organization()->set_open_sign_up(true);
  request.mutable_organization()->set_display_name("ignored");
  world.Must(UpdateOrganization(world.state, world.Call("root"), request, {}));
  auto organization = world.state.Get<v1::Organization>(kOrganizations, "organizations/o");
  EXPECT_TRUE(organization->open_sign_up());
  EXPECT_EQ(organization->display_name(), "Clinic");
}

TEST(UpdateOrganization, ThatChangesNothingDecidesNothing) {
  World world;
  auto decision = UpdateOrganization(world.state, world.Call("root"), Change(world, "open_sign_up"), {});
  ASSERT_TRUE(decision.ok());
  EXPECT_TRUE(decision->events.empty());
}

TEST(UpdateOrganization, IsRefusedByRoleEtagMaskAndRange) {
  World world;
  world.Join("anna", {ROLE_PROVIDER});
  EXPECT_THAT(UpdateOrganization(world.state, world.Call("anna"), Change(world, "open_sign_up"), {}),
              Refuses("ROLE_REQUIRED"));
  EXPECT_THAT(UpdateOrganization(world.state, world.Call("root"), Change(world, "uid"), {}),
              Refuses("FIELD_NOT_UPDATABLE"));
  auto stale = Change(world, "open_sign_up");
  stale.mutable_organization()->set_etag("99");
  EXPECT_THAT(UpdateOrganization(world.state, world.Call("root"), stale, {}), Refuses("ETAG_MISMATCH"));
  stale.mutable_organization()->clear_etag();
  EXPECT_THAT(UpdateOrganization(world.state, world.Call("root"), stale, {}), Refuses("ETAG_REQUIRED"));
  auto unmasked = Change(world, "open_sign_up");
  unmasked.clear_update_mask();
  EXPECT_THAT(UpdateOrganization(world.state, world.Call("root"), unmasked, {}), Refuses("MASK_REQUIRED"));
  auto other = Change(world, "open_sign_up");
  other.mutable_organization()->set_name("organizations/p");
  EXPECT_THAT(UpdateOrganization(world.state, world.Call("root"), other, {}), Refuses("NOT_FOUND"));
  auto short_life = Change(world, "session_lifetime");
  *short_life.mutable_organization()->mutable_session_lifetime() = ToProto(absl::Minutes(59));
  EXPECT_THAT(UpdateOrganization(world.state, world.Call("root"), short_life, {}), Refuses("DURATION_OUT_OF_RANGE"));
  auto idle_above_life = Change(world, "session_lifetime");
  idle_above_life.mutable_update_mask()->add_paths("session_idle_timeout");
  *idle_above_life.mutable_organization()->mutable_session_lifetime() = ToProto(absl::Hours(2));
  *idle_above_life.mutable_organization()->mutable_session_idle_timeout() = ToProto(absl::Hours(3));
  EXPECT_THAT(UpdateOrganization(world.state, world.Call("root"), idle_above_life, {}),
              Refuses("DURATION_OUT_OF_RANGE"));
}

}  // namespace
}  // namespace trialog::auth
