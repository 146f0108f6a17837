#include "services/auth/app/auth_app.h"

#include <atomic>
#include <thread>

#include "google/protobuf/empty.pb.h"
#include "platform/callers/token_authenticator.h"
#include "platform/log/admission.h"
#include "platform/sealing/encoding.h"
#include "services/auth/app/testing.h"

namespace trialog::auth {
namespace {

using google::protobuf::Empty;

TEST(Bootstrap, MakesAnOrganisationWhoseAdministratorSignsIn) {
  AuthWorld world;
  auto organization = world.TryCreateOrganization("o");
  ASSERT_TRUE(organization.ok()) << organization.status();
  EXPECT_EQ(organization->name(), "organizations/o");
  EXPECT_EQ(organization->etag(), "\"1\"");
  const v1::LoginResponse login = world.Login("root");
  EXPECT_EQ(login.identity().user().name(), "organizations/o/users/root");
  EXPECT_EQ(login.identity().user().username(), "root");
  ASSERT_EQ(login.identity().grants_size(), 1);
  EXPECT_EQ(login.identity().grants(0).role(), ROLE_SYSTEM_ADMINISTRATOR);
  EXPECT_EQ(world.WhoAmI(login.tokens().access_token()), absl::OkStatus());
}

TEST(Bootstrap, TakesItsTokenOnceInTheWholeStore) {
  AuthWorld world;
  EXPECT_THAT(world.TryCreateOrganization("o", "another token"), RefusedWith("INIT_TOKEN_INVALID"));
  ASSERT_TRUE(world.TryCreateOrganization("o").ok());
  for (const char* id : {"p", "q", "r", "s", "t"}) {  // In several partitions.
    EXPECT_THAT(world.TryCreateOrganization(id), RefusedWith("INIT_TOKEN_USED")) << id;
  }
  WriteSecretFile(world.folder() / "init.token", "another token");
  EXPECT_TRUE(world.TryCreateOrganization("p", "another token").ok());
}

// A process that lost its partition to another answers UNAVAILABLE: the same request is repeated.
absl::StatusOr<v1::Organization> Make(rpc::Client& client, const std::string& id) {
  v1::CreateOrganizationRequest request;
  request.set_organization_id(id);
  request.mutable_organization()->set_display_name("Clinic");
  request.set_administrator_id("root");
  request.mutable_administrator()->set_username("root");
  request.set_password(kRootPassword);
  request.set_init_token(kInitToken);
  request.set_request_id(Cat("make ", id));
  absl::StatusOr<v1::Organization> made = absl::UnavailableError("not asked yet");
  for (int attempt = 0; attempt < 100 && absl::IsUnavailable(made.status()); ++attempt) {
    made = client.Call<v1::Organization>(MethodNamed("CreateOrganization"), request);
  }
  return made;
}

TEST(Bootstrap, TwoProcessesSpendOneTokenOnce) {
  AuthWorld world;
  std::string first;
  {
    AuthWorld::Process other = world.StartProcess("other store");
    absl::StatusOr<v1::Organization> here, there;
    std::thread rival([&] { there = Make(*other.client, "p"); });
    here = Make(world.client(), "o");
    rival.join();
    ASSERT_NE(here.ok(), there.ok()) << here.status() << " and " << there.status();
    EXPECT_THAT(here.ok() ? there : here, RefusedWith("INIT_TOKEN_USED"));
    first = here.ok() ? "o" : "p";
    EXPECT_TRUE(Make(*other.client, first).ok()) << "a repeat gets the first answer, from whichever process";
  }
  world.Stop();
  std::filesystem::remove_all(world.folder() / "store");  // The log alone says what was spent.
  world.Start();
  for (const char* id : {"q", "r", "s"}) EXPECT_THAT(Make(world.client(), id), RefusedWith("INIT_TOKEN_USED")) << id;
  EXPECT_TRUE(Make(world.client(), first).ok());
}

TEST(Bootstrap, RefusesATokenFileThatOthersMayRead) {
  AuthWorld world;
  std::filesystem::permissions(world.folder() / "init.token", std::filesystem::perms::others_read,
                               std::filesystem::perm_options::add);
  EXPECT_THAT(world.TryCreateOrganization("o"), RefusedWith("INIT_TOKEN_INVALID"));
}

TEST_F(Auth, PublishesTheKeyThatSignsItsTokens) {
  v1::ListSigningKeysRequest request;
  request.set_parent("organizations/o");
  auto keys = world.Call<v1::ListSigningKeysResponse>("ListSigningKeys", request);
  ASSERT_TRUE(keys.ok()) << keys.status();
  ASSERT_EQ(keys->keys_size(), 1);
  EXPECT_EQ(keys->keys(0).alg(), "ES256");
}

TEST_F(Auth, InvitationGivesItsRolesOnce) {
  auto invited = world.TryInvite(root, {ROLE_LAB_TECHNICIAN});
  ASSERT_TRUE(invited.ok()) << invited.status();
  auto anna = world.TrySignUp("anna", invited->invitation_token());
  ASSERT_TRUE(anna.ok()) << anna.status();
  ASSERT_EQ(anna->identity().grants_size(), 1);
  EXPECT_EQ(anna->identity().grants(0).role(), ROLE_LAB_TECHNICIAN);
  EXPECT_EQ(world.WhoAmI(anna->tokens().access_token()), absl::OkStatus());
  EXPECT_THAT(world.TrySignUp("ben", invited->invitation_token()), RefusedWith("INVITATION_USED"));
  EXPECT_THAT(world.TrySignUp("ben", "trlgi1.b3JnYW5pemF0aW9ucy9v.AAAA"), RefusedWith("INVITATION_INVALID"));
  EXPECT_THAT(world.TrySignUp("ben", ""), RefusedWith("SIGN_UP_CLOSED"));
}

TEST_F(Auth, InvitationIsBoundToItsAddressHoweverItIsWritten) {
  auto invited = world.TryInvite(root, {ROLE_PROVIDER}, "Anna.M\u00fcller@Example.org");
  ASSERT_TRUE(invited.ok()) << invited.status();
  EXPECT_THAT(world.TrySignUp("ben", invited->invitation_token(), "password of ben", "ben@example.org"),
              RefusedWith("INVITATION_INVALID"));
  // The same letters, composed otherwise (u and a combining diaeresis).
  auto anna =
      world.TrySignUp("anna", invited->invitation_token(), "password of anna", " anna.mu\u0308ller@EXAMPLE.org ");
  ASSERT_TRUE(anna.ok()) << anna.status();
  v1::LoginRequest request;
  request.set_organization("organizations/o");
  request.set_email("ANNA.M\u00dcLLER@example.org");
  request.set_password("password of anna");
  EXPECT_TRUE(world.Call<v1::LoginResponse>("Login", request).ok());
}

TEST_F(Auth, OfSixtyFourWhoRaceWithOneInvitationOneSignsUp) {
  auto invited = world.TryInvite(root, {ROLE_PROVIDER});
  ASSERT_TRUE(invited.ok()) << invited.status();
  constexpr int kRacers = 64;
  std::atomic<int> won = 0, too_late = 0;
  std::vector<std::thread> racers;
  for (int i = 0; i < kRacers; ++i) {
    racers.emplace_back([&, i] {
      auto joined = world.TrySignUp(Cat("racer-", i), invited->invitation_token());
      if (joined.ok()) ++won;
      if (ReasonOf(joined.status()) == "INVITATION_USED") ++too_late;
    });
  }
  for (std::thread& racer : racers) racer.join();
  EXPECT_EQ(won, 1);
  EXPECT_EQ(too_late, kRacers - 1);
}

TEST_F(Auth, OpenSignUpMakesParticipants) {
  v1::UpdateOrganizationRequest update;
  update.mutable_organization()->set_name("organizations/o");
  update.mutable_organization()->set_open_sign_up(true);
  update.mutable_organization()->set_etag("\"1\"");
  update.mutable_update_mask()->add_paths("open_sign_up");
  auto updated = world.Call<v1::Organization>("UpdateOrganization", update, root);
  ASSERT_TRUE(updated.ok()) << updated.status();
  EXPECT_EQ(updated->etag(), "\"2\"");
  EXPECT_EQ(world.Call<v1::Organization>("UpdateOrganization", update, root).status().code(),
            absl::StatusCode::kAborted);
  auto joined = world.TrySignUp("anna", "");
  ASSERT_TRUE(joined.ok()) << joined.status();
  ASSERT_EQ(joined->identity().grants_size(), 1);
  EXPECT_EQ(joined->identity().grants(0).role(), ROLE_PARTICIPANT);
}

TEST_F(Auth, SaysTheSameOfAWrongPasswordAndOfNobody) {
  const absl::Status wrong = world.TryLogin("root", "not the password").status();
  const absl::Status nobody = world.TryLogin("nobody", "not the password").status();
  const absl::Status nowhere = world.TryLogin("root", kRootPassword, "organizations/elsewhere").status();
  EXPECT_EQ(ReasonOf(wrong), "SIGN_IN_FAILED");
  EXPECT_EQ(wrong, nobody);
  EXPECT_EQ(wrong, nowhere);
}

TEST_F(Auth, TenWrongPasswordsLockTheAccountForTheRightOneToo) {
  Join("anna");
  for (int i = 0; i < 10; ++i) EXPECT_THAT(world.TryLogin("anna", "wrong password"), RefusedWith("SIGN_IN_FAILED"));
  EXPECT_THAT(world.TryLogin("anna", "password of id"), RefusedWith("SIGN_IN_FAILED"));
  v1::GetUserRequest request;
  request.set_name("organizations/o/users/anna");
  auto anna = world.Call<v1::User>("GetUser", request, root);
  ASSERT_TRUE(anna.ok()) << anna.status();
  EXPECT_EQ(anna->state(), v1::User::STATE_LOCKED);
}

// Records of auth's log that say that a sign-in failed, in the organisation.
int FailedSignIns(AuthWorld& world, std::string_view organization) {
  int found = 0;
  const int partition = log::PartitionOf(organization, log::kPartitions);
  for (int64_t from = 0;;) {
    auto records = world.log().Read("auth", partition, from, 1 << 20);
    EXPECT_TRUE(records.ok()) << records.status();
    if (!records.ok() || records->empty()) return found;
    for (const auto& stored : *records) {
      auto record = log::ParseRecord(stored.bytes, stored.offset);
      EXPECT_TRUE(record.ok()) << record.status();
      for (const auto& event : record->data().events()) {
        found += event.has_access() && event.access().outcome() == event::v1::Access::OUTCOME_SIGN_IN_FAILED;
      }
    }
    from = records->back().offset + 1;
  }
}

TEST_F(Auth, RecordsFailedSignInsUpToABoundAMinute) {
  for (int i = 0; i < 25; ++i) EXPECT_FALSE(world.TryLogin("nobody", "wrong password").ok());
  world.host().backend().Drain(absl::InfiniteFuture());  // What is under way is in the log then.
  const int recorded = FailedSignIns(world, "o");
  EXPECT_GE(recorded, 20);
  EXPECT_LT(recorded, 25);
}

TEST_F(Auth, RefreshTokenIsSpentByItsUseAndASecondUseEndsTheSession) {
  const v1::SignUpResponse anna = Join("anna");
  v1::RefreshTokenRequest first;
  first.set_refresh_token(anna.tokens().refresh_token());
  auto next = world.Call<v1::RefreshTokenResponse>("RefreshToken", first);
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_EQ(world.WhoAmI(next->tokens().access_token()), absl::OkStatus());

  EXPECT_THAT(world.Call<v1::RefreshTokenResponse>("RefreshToken", first), RefusedWith("SESSION_ENDED"));
  EXPECT_EQ(ReasonOf(world.WhoAmI(next->tokens().access_token())), "SESSION_ENDED");
  v1::RefreshTokenRequest second;
  second.set_refresh_token(next->tokens().refresh_token());
  EXPECT_THAT(world.Call<v1::RefreshTokenResponse>("RefreshToken", second), RefusedWith("SESSION_ENDED"));
}

TEST_F(Auth, MadeUpRefreshTokenEndsNothing) {
  const v1::SignUpResponse anna = Join("anna");
  v1::RefreshTokenRequest request;
  std::string token = anna.tokens().refresh_token();
  token[token.find('.', 10) + 5] ^= 1;  // In the secret that the session's tokens share.
  request.set_refresh_token(token);
  EXPECT_THAT(world.Call<v1::RefreshTokenResponse>("RefreshToken", request), RefusedWith("SESSION_ENDED"));
  EXPECT_EQ(world.WhoAmI(anna.tokens().access_token()), absl::OkStatus());
}

TEST_F(Auth, LogoutHoldsInTheNextCall) {
  const v1::SignUpResponse anna = Join("anna");
  ASSERT_TRUE(world.Call<Empty>("Logout", v1::LogoutRequest(), anna.tokens().access_token()).ok());
  EXPECT_EQ(ReasonOf(world.WhoAmI(anna.tokens().access_token())), "SESSION_ENDED");
}

TEST_F(Auth, RevokedSessionIsOverAndTheOthersAreNot) {
  const v1::SignUpResponse first = Join("anna");
  const v1::LoginResponse second = world.Login("anna", "password of id");
  v1::ListSessionsRequest list;
  list.set_parent("organizations/o/users/anna");
  auto sessions = world.Call<v1::ListSessionsResponse>("ListSessions", list, second.tokens().access_token());
  ASSERT_TRUE(sessions.ok()) << sessions.status();
  ASSERT_EQ(sessions->sessions_size(), 2);
  EXPECT_EQ(sessions->sessions(0).name(), second.identity().session().name());  // Latest first.
  v1::RevokeSessionRequest revoke;
  revoke.set_name(first.identity().session().name());
  ASSERT_TRUE(world.Call<v1::Session>("RevokeSession", revoke, second.tokens().access_token()).ok());
  EXPECT_EQ(ReasonOf(world.WhoAmI(first.tokens().access_token())), "SESSION_ENDED");
  EXPECT_EQ(world.WhoAmI(second.tokens().access_token()), absl::OkStatus());
}

TEST_F(Auth, ChangedPasswordEndsTheOtherSessions) {
  const v1::SignUpResponse here = Join("anna");
  const v1::LoginResponse elsewhere = world.Login("anna", "password of id");
  v1::ChangePasswordRequest request;
  request.set_current_password("wrong password");
  request.set_new_password("a new password");
  const std::string token = here.tokens().access_token();
  EXPECT_THAT(world.Call<Empty>("ChangePassword", request, token), RefusedWith("SIGN_IN_FAILED"));
  request.set_current_password("password of id");
  request.set_new_password("short");
  EXPECT_THAT(world.Call<Empty>("ChangePassword", request, token), RefusedWith("PASSWORD_LENGTH"));
  request.set_new_password("a new password");
  request.set_request_id("0190e5b0-0000-7000-8000-000000000001");
  auto changed = world.Call<Empty>("ChangePassword", request, token);
  ASSERT_TRUE(changed.ok()) << changed.status();
  EXPECT_TRUE(world.Call<Empty>("ChangePassword", request, token).ok()) << "a repeat gets the first answer";
  EXPECT_EQ(world.WhoAmI(token), absl::OkStatus());
  EXPECT_EQ(ReasonOf(world.WhoAmI(elsewhere.tokens().access_token())), "SESSION_ENDED");
  EXPECT_THAT(world.TryLogin("anna", "password of id"), RefusedWith("SIGN_IN_FAILED"));
  EXPECT_TRUE(world.TryLogin("anna", "a new password").ok());
}

TEST_F(Auth, GrantsHoldInTheNextCallAndSoDoesTheirEnd) {
  const std::string anna = Join("anna").tokens().access_token();
  v1::ListUsersRequest list;
  list.set_parent("organizations/o");
  EXPECT_EQ(world.Call<v1::ListUsersResponse>("ListUsers", list, anna).status().code(),
            absl::StatusCode::kPermissionDenied);

  v1::GrantRoleRequest grant;
  grant.set_parent("organizations/o/users/anna");
  grant.mutable_grant()->set_role(ROLE_SYSTEM_ADMINISTRATOR);
  grant.mutable_grant()->set_scope("organizations/o");
  grant.mutable_grant()->set_reason("stands in for root");
  auto granted = world.Call<v1::Grant>("GrantRole", grant, root);
  ASSERT_TRUE(granted.ok()) << granted.status();
  EXPECT_EQ(granted->reason(), "stands in for root");
  auto users = world.Call<v1::ListUsersResponse>("ListUsers", list, anna);
  ASSERT_TRUE(users.ok()) << users.status();
  EXPECT_EQ(users->users_size(), 2);

  v1::RevokeRoleRequest revoke;
  revoke.set_name(granted->name());
  revoke.set_reason("root is back");
  auto revoked = world.Call<v1::Grant>("RevokeRole", revoke, root);
  ASSERT_TRUE(revoked.ok()) << revoked.status();
  EXPECT_EQ(revoked->reason(), "stands in for root");
  EXPECT_EQ(revoked->revoke_reason(), "root is back");
  EXPECT_EQ(world.Call<v1::ListUsersResponse>("ListUsers", list, anna).status().code(),
            absl::StatusCode::kPermissionDenied);

  v1::ListGrantsRequest grants;
  grants.set_parent("organizations/o/users/anna");
  auto listed = world.Call<v1::ListGrantsResponse>("ListGrants", grants, anna);
  ASSERT_TRUE(listed.ok()) << listed.status();
  EXPECT_EQ(listed->grants_size(), 1);
}

TEST_F(Auth, ClosedAccountIsOutAtOnce) {
  const std::string anna = Join("anna").tokens().access_token();
  v1::DeactivateUserRequest request;
  request.set_name("organizations/o/users/anna");
  request.set_reason("left the clinic");
  auto closed = world.Call<v1::User>("DeactivateUser", request, root);
  ASSERT_TRUE(closed.ok()) << closed.status();
  EXPECT_EQ(closed->state_reason(), "left the clinic");
  EXPECT_EQ(ReasonOf(world.WhoAmI(anna)), "ACCOUNT_CLOSED");
  EXPECT_THAT(world.TryLogin("anna", "password of id"), RefusedWith("SIGN_IN_FAILED"));
}

TEST_F(Auth, InvitedAccountIsClaimedByItsInvitation) {
  v1::CreateUserRequest create;
  create.set_parent("organizations/o");
  create.set_user_id("anna");
  create.set_request_id("0190e5b0-0000-7000-8000-000000000002");
  create.mutable_user()->set_email("anna@example.org");
  create.mutable_user()->set_state_reason("not the caller's to say");
  auto created = world.Call<v1::User>("CreateUser", create, root);
  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_EQ(created->state(), v1::User::STATE_INVITED);
  EXPECT_EQ(created->state_reason(), "");
  EXPECT_EQ(world.Call<v1::User>("CreateUser", create, root)->name(), created->name())
      << "a repeat gets the first answer";
  v1::CreateInvitationRequest invite;
  invite.set_parent("organizations/o");
  invite.mutable_invitation()->set_user(created->name());
  auto invited = world.Call<v1::CreateInvitationResponse>("CreateInvitation", invite, root);
  ASSERT_TRUE(invited.ok()) << invited.status();
  v1::SignUpRequest claim;
  claim.set_organization("organizations/o");
  claim.set_password("password of anna");
  claim.set_invitation_token(invited->invitation_token());
  auto claimed = world.Call<v1::SignUpResponse>("SignUp", claim);
  ASSERT_TRUE(claimed.ok()) << claimed.status();
  EXPECT_EQ(claimed->identity().user().name(), created->name());
  EXPECT_EQ(claimed->identity().user().state(), v1::User::STATE_ACTIVE);
  EXPECT_EQ(claimed->identity().user().email(), "anna@example.org");
}

TEST_F(Auth, UsersChangeTheirOwnProfileAndSeeNobodyElses) {
  const v1::SignUpResponse anna = Join("anna");
  const std::string token = anna.tokens().access_token();
  v1::UpdateUserRequest update;
  update.mutable_user()->set_name("organizations/o/users/anna");
  update.mutable_user()->set_display_name("Anna");
  update.mutable_user()->set_etag(anna.identity().user().etag());
  update.mutable_update_mask()->add_paths("display_name");
  auto updated = world.Call<v1::User>("UpdateUser", update, token);
  ASSERT_TRUE(updated.ok()) << updated.status();
  EXPECT_EQ(updated->display_name(), "Anna");
  EXPECT_EQ(updated->username(), "anna");
  v1::GetUserRequest get;
  get.set_name("organizations/o/users/root");
  EXPECT_EQ(world.Call<v1::User>("GetUser", get, token).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(Auth, ServiceAccountSignsInByAKeyUntilItIsRevoked) {
  v1::CreateServiceAccountRequest create;
  create.set_parent("organizations/o");
  create.set_service_account_id("mailer");
  create.mutable_service_account()->set_display_name("Mailer");
  auto account = world.Call<v1::ServiceAccount>("CreateServiceAccount", create, root);
  ASSERT_TRUE(account.ok()) << account.status();
  v1::GrantRoleRequest grant;
  grant.set_parent(account->name());
  grant.mutable_grant()->set_role(ROLE_NOTIFIER);
  grant.mutable_grant()->set_scope("organizations/o");
  auto granted = world.Call<v1::Grant>("GrantRole", grant, root);
  ASSERT_TRUE(granted.ok()) << granted.status();
  v1::CreateKeyRequest create_key;
  create_key.set_parent(account->name());
  auto key = world.Call<v1::CreateKeyResponse>("CreateKey", create_key, root);
  ASSERT_TRUE(key.ok()) << key.status();

  v1::IssueServiceTokenRequest issue;
  issue.set_key_secret(key->key_secret());
  auto issued = world.Call<v1::IssueServiceTokenResponse>("IssueServiceToken", issue);
  ASSERT_TRUE(issued.ok()) << issued.status();
  auto who = world.Call<v1::WhoAmIResponse>("WhoAmI", v1::WhoAmIRequest(), issued->access_token());
  ASSERT_TRUE(who.ok()) << who.status();
  EXPECT_EQ(who->identity().service_account(), account->name());
  ASSERT_EQ(who->identity().grants_size(), 1);
  EXPECT_EQ(who->identity().grants(0).role(), ROLE_NOTIFIER);

  v1::RevokeKeyRequest revoke;
  revoke.set_name(key->key().name());
  ASSERT_TRUE(world.Call<v1::ServiceAccountKey>("RevokeKey", revoke, root).ok());
  EXPECT_THAT(world.Call<v1::IssueServiceTokenResponse>("IssueServiceToken", issue), RefusedWith("KEY_INVALID"));
  v1::DisableServiceAccountRequest disable;
  disable.set_name(account->name());
  ASSERT_TRUE(world.Call<v1::ServiceAccount>("DisableServiceAccount", disable, root).ok());
  EXPECT_EQ(ReasonOf(world.WhoAmI(issued->access_token())), "ACCOUNT_CLOSED");
}

TEST_F(Auth, AnotherOrganisationIsNotThere) {
  WriteSecretFile(world.folder() / "init.token", "another token");
  ASSERT_TRUE(world.TryCreateOrganization("p", "another token").ok());
  auto other = world.TryLogin("root", kRootPassword, "organizations/p");
  ASSERT_TRUE(other.ok()) << other.status();
  const std::string token = other->tokens().access_token();
  v1::GetOrganizationRequest get;
  get.set_name("organizations/o");
  EXPECT_EQ(world.Call<v1::Organization>("GetOrganization", get, token).status().code(), absl::StatusCode::kNotFound);
  v1::ListUsersRequest list;
  list.set_parent("organizations/o");
  EXPECT_EQ(world.Call<v1::ListUsersResponse>("ListUsers", list, token).status().code(), absl::StatusCode::kNotFound);
  auto own = world.Call<v1::ListOrganizationsResponse>("ListOrganizations", v1::ListOrganizationsRequest(), token);
  ASSERT_TRUE(own.ok()) << own.status();
  ASSERT_EQ(own->organizations_size(), 1);
  EXPECT_EQ(own->organizations(0).name(), "organizations/p");
  v1::GrantRoleRequest grant;
  grant.set_parent("organizations/o/users/root");
  grant.mutable_grant()->set_role(ROLE_AUDITOR);
  grant.mutable_grant()->set_scope("organizations/o");
  grant.mutable_grant()->set_reason("none of mine");
  EXPECT_EQ(world.Call<v1::Grant>("GrantRole", grant, token).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(Auth, DataKeysAreForTrialogsOwnServicesAlone) {
  v1::GetDataKeysRequest request;
  request.set_organization("organizations/o");
  request.add_subjects("organizations/o/users/root");
  EXPECT_FALSE(world.Call<v1::GetDataKeysResponse>("GetDataKeys", request).ok());
  EXPECT_EQ(world.Call<v1::GetDataKeysResponse>("GetDataKeys", request, root).status().code(),
            absl::StatusCode::kPermissionDenied);
  const std::vector<std::pair<std::string, std::string>> as_service = {{callers::kServiceMetadata, "trials"}};
  EXPECT_FALSE(
      world.client().Call<v1::GetDataKeysResponse>(MethodNamed("GetDataKeys"), request, {.metadata = as_service}).ok())
      << "from outside the name of a service is not believed";
  rpc::Client within(world.server().InProcessChannel());
  auto keys = within.Call<v1::GetDataKeysResponse>(MethodNamed("GetDataKeys"), request, {.metadata = as_service});
  ASSERT_TRUE(keys.ok()) << keys.status();
  ASSERT_EQ(keys->keys_size(), 1);
  EXPECT_EQ(keys->keys(0).key().size(), 32u);
}

TEST_F(Auth, DestroyedKeyErasesThePersonAndTheirPassword) {
  Join("anna");
  v1::DestroyDataKeyRequest destroy;
  destroy.set_organization("organizations/o");
  destroy.set_subject("organizations/o/users/anna");
  rpc::Client within(world.server().InProcessChannel());
  auto destroyed =
      within.Call<Empty>(MethodNamed("DestroyDataKey"), destroy, {.metadata = {{callers::kServiceMetadata, "trials"}}});
  ASSERT_TRUE(destroyed.ok()) << destroyed.status();
  EXPECT_THAT(world.TryLogin("anna", "password of id"), RefusedWith("SIGN_IN_FAILED"));
  v1::GetUserRequest get;
  get.set_name("organizations/o/users/anna");
  auto anna = world.Call<v1::User>("GetUser", get, root);
  ASSERT_TRUE(anna.ok()) << anna.status();
  EXPECT_EQ(anna->username(), "");
}

TEST_F(Auth, LeavesNoSecretInAnyFile) {
  auto invited = world.TryInvite(root, {ROLE_PROVIDER});
  ASSERT_TRUE(invited.ok()) << invited.status();
  auto anna =
      world.TrySignUp("anna-the-provider", invited->invitation_token(), "password of anna", "anna@clinic.example");
  ASSERT_TRUE(anna.ok()) << anna.status();
  world.Stop();
  std::vector<std::string> secrets = {"password of anna",
                                      kRootPassword,
                                      "$argon2id$",
                                      "PRIVATE KEY",
                                      root,
                                      "anna@clinic.example",
                                      anna->tokens().access_token(),
                                      anna->tokens().refresh_token()};
  for (const std::string& token : {invited->invitation_token(), anna->tokens().refresh_token()}) {
    const std::string secret = token.substr(token.rfind('.') + 1);
    secrets.push_back(secret);
    secrets.push_back(*sealing::FromBase64Url(secret));
  }
  for (const std::string& secret : secrets) EXPECT_THAT(world.FilesWith(secret), testing::IsEmpty());
  EXPECT_THAT(world.FilesWith("organizations/o/users/anna-the-provider"), testing::Not(testing::IsEmpty()))
      << "the search finds what is there";
  world.Start();
}

}  // namespace
}  // namespace trialog::auth
