#include "services/auth/domain/service_account.h"

#include "services/auth/domain/testing.h"

namespace trialog::auth {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kMailer = "organizations/o/serviceAccounts/mailer";

absl::StatusOr<Decision> Create(World& world, std::string_view by = "root", std::string_view id = "mailer") {
  v1::CreateServiceAccountRequest request;
  request.set_service_account_id(std::string(id));
  request.mutable_service_account()->set_display_name("Mailer");
  return CreateServiceAccount(world.state, world.Call(by), request, {});
}

v1::CreateKeyRequest Key(std::string_view id = "k") {
  v1::CreateKeyRequest request;
  request.set_parent(std::string(kMailer));
  request.set_key_id(std::string(id));
  return request;
}

absl::StatusOr<Decision> NewKey(World& world, const v1::CreateKeyRequest& request, std::string_view by = "root") {
  return CreateKey(world.state, world.Call(by), request, "secret");
}

absl::StatusOr<Decision> Revoke(World& world, std::string_view key, std::string_view by = "root") {
  v1::RevokeKeyRequest request;
  request.set_name(std::string(key));
  return RevokeKey(world.state, world.Call(by), request, {});
}

absl::StatusOr<Decision> Disable(World& world, std::string_view name = kMailer, std::string_view by = "root") {
  v1::DisableServiceAccountRequest request;
  request.set_name(std::string(name));
  return DisableServiceAccount(world.state, world.Call(by), request, {});
}

v1::UpdateServiceAccountRequest Update(World& world, std::string_view path) {
  v1::UpdateServiceAccountRequest request;
  request.mutable_service_account()->set_name(std::string(kMailer));
  request.mutable_service_account()->set_etag(world.Etag(kServiceAccounts, kMailer));
  request.mutable_service_account()->set_display_name("New");
  request.mutable_update_mask()->add_paths(std::string(path));
  return request;
}

TEST(AccountOfKey, KnowsTheAccountByTheRightSecretOnly) {
  World world;
  world.Must(Create(world));
  const std::string key = world.Must(NewKey(world, Key())).names.at(0);
  const auto account = AccountOfKey(world.state, key, "secret", world.now);
  ASSERT_TRUE(account.ok());
  EXPECT_EQ(*account, kMailer);
  EXPECT_THAT(AccountOfKey(world.state, key, "guess", world.now), Refuses("KEY_INVALID"));
  EXPECT_THAT(AccountOfKey(world.state, key + "x", "secret", world.now), Refuses("KEY_INVALID"));
  EXPECT_THAT(AccountOfKey(world.state, "", "", world.now), Refuses("KEY_INVALID"));
}

TEST(AccountOfKey, RefusesARevokedAndAnEndedKeyAndAClosedAccount) {
  World world;
  world.Must(Create(world));
  const std::string revoked = world.Must(NewKey(world, Key("revoked"))).names.at(0);
  world.Must(Revoke(world, revoked));
  EXPECT_THAT(AccountOfKey(world.state, revoked, "secret", world.now), Refuses("KEY_INVALID"));
  auto request = Key("short");
  *request.mutable_key()->mutable_expire_time() = Later(world.now, absl::Hours(1));
  const std::string ended = world.Must(NewKey(world, request)).names.at(0);
  EXPECT_TRUE(AccountOfKey(world.state, ended, "secret", Later(world.now, absl::Minutes(59))).ok());
  EXPECT_THAT(AccountOfKey(world.state, ended, "secret", Later(world.now, absl::Hours(1))), Refuses("KEY_INVALID"));
  const std::string standing = world.Must(NewKey(world, Key("standing"))).names.at(0);
  world.Must(Disable(world));
  EXPECT_THAT(AccountOfKey(world.state, standing, "secret", world.now), Refuses("KEY_INVALID"));
}

TEST(CreateServiceAccount, IsRefusedByRoleIdAndName) {
  World world;
  world.Join("anna", {ROLE_PROVIDER});
  EXPECT_THAT(Create(world, "anna"), Refuses("ROLE_REQUIRED"));
  EXPECT_THAT(Create(world, "root", "a/b"), Refuses("ID_MALFORMED"));
  world.Must(Create(world));
  EXPECT_THAT(Create(world), Refuses("SERVICE_ACCOUNT_EXISTS"));
  v1::CreateServiceAccountRequest nameless;
  nameless.set_service_account_id("x");
  EXPECT_THAT(CreateServiceAccount(world.state, world.Call("root"), nameless, {}), Refuses("DISPLAY_NAME_INVALID"));
}

TEST(UpdateServiceAccount, ChangesTheNameAndIsRefusedOtherwise) {
  World world;
  world.Must(Create(world));
  world.Must(UpdateServiceAccount(world.state, world.Call("root"), Update(world, "display_name"), {}));
  EXPECT_EQ(world.state.Get<v1::ServiceAccount>(kServiceAccounts, kMailer)->display_name(), "New");
  event::v1::SealedPart description;
  description.add_fields()->set_number(v1::ServiceAccount::kDescriptionFieldNumber);
  const auto call = world.Call("root");
  EXPECT_THAT(UpdateServiceAccount(world.state, call, Update(world, "display_name"), description),
              Refuses("FIELD_NOT_IN_MASK"));
  EXPECT_THAT(UpdateServiceAccount(world.state, call, Update(world, "state"), {}), Refuses("FIELD_NOT_UPDATABLE"));
  auto request = Update(world, "display_name");
  request.clear_update_mask();
  EXPECT_THAT(UpdateServiceAccount(world.state, call, request, {}), Refuses("MASK_REQUIRED"));
  request.mutable_service_account()->set_etag("44");
  EXPECT_THAT(UpdateServiceAccount(world.state, call, request, {}), Refuses("ETAG_MISMATCH"));
  request.mutable_service_account()->set_name("organizations/o/serviceAccounts/none");
  EXPECT_THAT(UpdateServiceAccount(world.state, call, request, {}), Refuses("NOT_FOUND"));
  EXPECT_THAT(UpdateServiceAccount(world.state, world.Call(""), request, {}), Refuses("ROLE_REQUIRED"));
  world.Must(Disable(world));
  EXPECT_THAT(UpdateServiceAccount(world.state, call, Update(world, "display_name"), {}), Refuses("ACCOUNT_DISABLED"));
}

TEST(DisableServiceAccount, RevokesItsKeysAndGrantsOnce) {
  World world;
  world.Must(Create(world));
  world.Must(NewKey(world, Key("k1")));
  world.Must(NewKey(world, Key("k2")));
  world.Must(world.TryGrant("root", kMailer, ROLE_NOTIFIER));
  EXPECT_THAT(KindsOf(world.Must(Disable(world))),
              ElementsAre("ServiceAccountKeyRevoked", "ServiceAccountKeyRevoked", "ServiceAccountDisabled"));
  EXPECT_THAT(GrantsInForce(world.state, kMailer, world.now), IsEmpty());
  EXPECT_THAT(world.Must(Disable(world)).events, IsEmpty());
  EXPECT_THAT(Disable(world, "organizations/o/serviceAccounts/none"), Refuses("NOT_FOUND"));
  EXPECT_THAT(Disable(world, kMailer, ""), Refuses("ROLE_REQUIRED"));
}

TEST(CreateKey, IsRefusedByRoleAccountIdTimeAndBound) {
  World world;
  EXPECT_THAT(NewKey(world, Key()), Refuses("NOT_FOUND"));
  world.Must(Create(world));
  EXPECT_THAT(NewKey(world, Key(), ""), Refuses("ROLE_REQUIRED"));
  EXPECT_THAT(NewKey(world, Key("a b")), Refuses("ID_MALFORMED"));
  auto past = Key();
  *past.mutable_key()->mutable_expire_time() = world.now;
  EXPECT_THAT(NewKey(world, past), Refuses("TIMES_INVALID"));
  for (int i = 0; i < kMaxKeys; ++i) world.Must(NewKey(world, Key(Cat("k", i))));
  EXPECT_THAT(NewKey(world, Key("k0")), Refuses("KEY_EXISTS"));
  EXPECT_THAT(NewKey(world, Key("more")), Refuses("TOO_MANY_KEYS"));
  world.Must(Revoke(world, Cat(kMailer, "/keys/k0")));
  EXPECT_TRUE(NewKey(world, Key("more")).ok());
  world.Must(Disable(world));
  EXPECT_THAT(NewKey(world, Key("late")), Refuses("ACCOUNT_DISABLED"));
}

TEST(RevokeKey, IsDoneOnceByAdministrators) {
  World world;
  world.Must(Create(world));
  const std::string key = world.Must(NewKey(world, Key())).names.at(0);
  EXPECT_THAT(Revoke(world, key, ""), Refuses("ROLE_REQUIRED"));
  EXPECT_THAT(Revoke(world, key + "x"), Refuses("NOT_FOUND"));
  EXPECT_THAT(KindsOf(world.Must(Revoke(world, key))), ElementsAre("ServiceAccountKeyRevoked"));
  EXPECT_THAT(world.Must(Revoke(world, key)).events, IsEmpty());
}

}  // namespace
}  // namespace trialog::auth
