#include "services/auth/domain/evolve.h"

#include <utility>

#include "platform/command/evolving.h"
#include "services/auth/domain/tables.h"
#include "trialog/auth/v1/credential.pb.h"

namespace trialog::auth {
namespace {

using view::ChangeSet;
using view::Table;

// The credential of `owner`, changed by `change`; made when there is none.
template <typename Change>
void AmendCredential(ChangeSet& state, const Table& table, std::string_view owner, Change change) {
  const std::string name = CredentialName(owner);
  auto before = state.Get<v1::Credential>(table, name);
  auto next = before ? std::make_shared<v1::Credential>(*before) : std::make_shared<v1::Credential>();
  change(*next);
  state.Put(table, name, std::move(next));
}

void KeepToken(ChangeSet& state, const Table& table, std::string_view owner, const std::string& sha256) {
  AmendCredential(state, table, owner, [&](v1::Credential& c) { c.mutable_token()->set_token_sha256(sha256); });
}

void SetState(ChangeSet& state, const std::string& user, v1::User::State to, const event::v1::SealedPart& patch = {}) {
  AmendRow<v1::User>(state, kUsers, user, patch, [&](v1::User& u) { u.set_state(to); });
}

void Lock(ChangeSet& state, const v1::AccountLocked& event) {
  SetState(state, event.name(), v1::User::STATE_LOCKED);
  AmendCredential(state, kUserCredentials, event.name(), [&](v1::Credential& c) {
    auto& password = *c.mutable_password();
    password.set_failures(0);
    password.clear_first_failure_time();
    password.set_locks(password.locks() + 1);
    *password.mutable_lock_end_time() = event.lock_end_time();
  });
}

void CountFailure(ChangeSet& state, const v1::LoginFailed& event) {
  AmendCredential(state, kUserCredentials, event.name(), [&](v1::Credential& c) {
    auto& password = *c.mutable_password();
    password.set_failures(event.failures());
    if (event.failures() == 1) *password.mutable_first_failure_time() = state.context().record_time;
  });
}

void SetPassword(ChangeSet& state, const v1::PasswordSet& event) {
  AmendCredential(state, kUserCredentials, event.name(), [&](v1::Credential& c) {
    auto& password = *c.mutable_password();
    *password.mutable_password_hash() = event.password_hash();
    password.set_generation(password.generation() + 1);
    password.clear_failures();
    password.clear_first_failure_time();
    password.clear_locks();
  });
}

void StartSession(ChangeSet& state, const v1::SessionStarted& event) {
  CreateRow(state, kSessions, event.session());
  AmendCredential(state, kSessionCredentials, event.session().name(), [&](v1::Credential& c) {
    c.mutable_refresh()->set_family_sha256(event.family_sha256());
    c.mutable_refresh()->set_token_sha256(event.token_sha256());
  });
  // A right password ends the count of wrong ones.
  const std::string_view user = ParentOf(event.session().name());
  auto credential = state.Get<v1::Credential>(kUserCredentials, CredentialName(user));
  if (!credential || (credential->password().failures() == 0 && credential->password().locks() == 0)) return;
  AmendCredential(state, kUserCredentials, user, [](v1::Credential& c) {
    c.mutable_password()->clear_failures();
    c.mutable_password()->clear_first_failure_time();
    c.mutable_password()->clear_locks();
  });
}

void RefreshSession(ChangeSet& state, const v1::SessionRefreshed& event) {
  AmendRow<v1::Session>(state, kSessions, event.name(),
                        [&](v1::Session& s) { *s.mutable_idle_expire_time() = event.idle_expire_time(); });
  AmendCredential(state, kSessionCredentials, event.name(),
                  [&](v1::Credential& c) { c.mutable_refresh()->set_token_sha256(event.token_sha256()); });
}

void EndSession(ChangeSet& state, const v1::SessionRevoked& event) {
  AmendRow<v1::Session>(state, kSessions, event.name(), [&](v1::Session& s) {
    s.set_state(v1::Session::STATE_ENDED);
    s.set_end_reason(event.reason());
    *s.mutable_end_time() = state.context().record_time;
  });
}

void PutGrant(ChangeSet& state, const v1::RoleGranted& event) {
  if (const Table* table = GrantTableOf(event.grant().name())) CreateRow(state, *table, event.grant(), event.sealed());
}

void Revoke(ChangeSet& state, const v1::RoleRevoked& event) {
  const Table* table = GrantTableOf(event.name());
  if (!table) return;
  AmendRow<v1::Grant>(state, *table, event.name(), event.sealed(),
                      [&](v1::Grant& g) { *g.mutable_revoke_time() = state.context().record_time; });
}

void EndRole(ChangeSet& state, const v1::RoleEnded& event) {
  const Table* table = GrantTableOf(event.name());
  if (!table) return;
  AmendRow<v1::Grant>(state, *table, event.name(),
                      [&](v1::Grant& g) { *g.mutable_end_record_time() = state.context().record_time; });
}

void UseInvitation(ChangeSet& state, const v1::InvitationUsed& event) {
  AmendRow<v1::Invitation>(state, kInvitations, event.name(), [&](v1::Invitation& i) {
    i.set_state(v1::Invitation::STATE_USED);
    i.set_used_by(event.user());
  });
}

}  // namespace

void Evolve(ChangeSet& state, const v1::AuthEvent& event) {
  switch (event.kind_case()) {  // No default: a new kind fails to build here.
    case v1::AuthEvent::kOrganizationCreated:
      return CreateRow(state, kOrganizations, event.organization_created().organization());
    case v1::AuthEvent::kOrganizationUpdated:
      return CreateRow(state, kOrganizations, event.organization_updated().organization());
    case v1::AuthEvent::kInitTokenUsed: {
      v1::InitToken token;
      token.set_name(event.init_token_used().name());
      return CreateRow(state, kInitTokens, token);
    }
    case v1::AuthEvent::kUserCreated:
      return CreateRow(state, kUsers, event.user_created().user(), event.user_created().sealed());
    case v1::AuthEvent::kUserUpdated:
      return AmendRow<v1::User>(state, kUsers, event.user_updated().name(), event.user_updated().sealed(),
                                [](v1::User&) {});
    case v1::AuthEvent::kUserActivated:
      return SetState(state, event.user_activated().name(), v1::User::STATE_ACTIVE, event.user_activated().sealed());
    case v1::AuthEvent::kUserLinked:
      return AmendRow<v1::User>(state, kUsers, event.user_linked().name(),
                                [&](v1::User& u) { u.set_patient(event.user_linked().patient()); });
    case v1::AuthEvent::kUserDeactivated:
      return SetState(state, event.user_deactivated().name(), v1::User::STATE_DISABLED,
                      event.user_deactivated().sealed());
    case v1::AuthEvent::kAccountLocked:
      return Lock(state, event.account_locked());
    case v1::AuthEvent::kAccountUnlocked:
      return SetState(state, event.account_unlocked().name(), v1::User::STATE_ACTIVE);
    case v1::AuthEvent::kPasswordSet:
      return SetPassword(state, event.password_set());
    case v1::AuthEvent::kLoginFailed:
      return CountFailure(state, event.login_failed());
    case v1::AuthEvent::kSessionStarted:
      return StartSession(state, event.session_started());
    case v1::AuthEvent::kSessionRefreshed:
      return RefreshSession(state, event.session_refreshed());
    case v1::AuthEvent::kSessionRevoked:
      return EndSession(state, event.session_revoked());
    case v1::AuthEvent::kRoleGranted:
      return PutGrant(state, event.role_granted());
    case v1::AuthEvent::kRoleRevoked:
      return Revoke(state, event.role_revoked());
    case v1::AuthEvent::kInvitationCreated:
      CreateRow(state, kInvitations, event.invitation_created().invitation(), event.invitation_created().sealed());
      return KeepToken(state, kInvitationCredentials, event.invitation_created().invitation().name(),
                       event.invitation_created().token_sha256());
    case v1::AuthEvent::kInvitationUsed:
      return UseInvitation(state, event.invitation_used());
    case v1::AuthEvent::kServiceAccountCreated:
      return CreateRow(state, kServiceAccounts, event.service_account_created().service_account(),
                       event.service_account_created().sealed());
    case v1::AuthEvent::kServiceAccountUpdated:
      return AmendRow<v1::ServiceAccount>(
          state, kServiceAccounts, event.service_account_updated().service_account().name(),
          event.service_account_updated().sealed(), [&](v1::ServiceAccount& account) {
            account.set_display_name(event.service_account_updated().service_account().display_name());
          });
    case v1::AuthEvent::kServiceAccountDisabled:
      return AmendRow<v1::ServiceAccount>(
          state, kServiceAccounts, event.service_account_disabled().name(),
          [](v1::ServiceAccount& account) { account.set_state(v1::ServiceAccount::STATE_DISABLED); });
    case v1::AuthEvent::kServiceAccountKeyCreated:
      CreateRow(state, kServiceAccountKeys, event.service_account_key_created().key());
      return KeepToken(state, kServiceAccountKeyCredentials, event.service_account_key_created().key().name(),
                       event.service_account_key_created().token_sha256());
    case v1::AuthEvent::kServiceAccountKeyRevoked:
      return AmendRow<v1::ServiceAccountKey>(
          state, kServiceAccountKeys, event.service_account_key_revoked().name(),
          [](v1::ServiceAccountKey& key) { key.set_state(v1::ServiceAccountKey::STATE_REVOKED); });
    case v1::AuthEvent::kSigningKeyPublished:
      return CreateRow(state, kSigningKeys, event.signing_key_published().signing_key());
    case v1::AuthEvent::kSigningKeySecretStored:
      return AmendCredential(
          state, kSigningKeyCredentials, event.signing_key_secret_stored().name(), [&](v1::Credential& c) {
            *c.mutable_signing()->mutable_private_key() = event.signing_key_secret_stored().private_key();
          });
    case v1::AuthEvent::kRoleEnded:
      return EndRole(state, event.role_ended());
    case v1::AuthEvent::KIND_NOT_SET:
      return;  // The reader refuses kinds it does not know before they get here.
  }
}

const Domain& AuthDomain() {
  static const Domain& domain = *new Domain{
      .service = "auth",
      .event = &v1::AuthEvent::default_instance(),
      .tables = {&kOrganizations, &kUsers, &kSessions, &kUserGrants, &kServiceAccountGrants, &kInvitations,
                 &kServiceAccounts, &kServiceAccountKeys, &kSigningKeys, &kUserCredentials, &kSessionCredentials,
                 &kInvitationCredentials, &kServiceAccountKeyCredentials, &kSigningKeyCredentials, &kInitTokens},
      .evolve = [](view::ChangeSet& state,
                   const google::protobuf::Message& event) { Evolve(state, static_cast<const v1::AuthEvent&>(event)); },
      .view = 2};
  return domain;
}

}  // namespace trialog::auth
