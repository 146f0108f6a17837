#include "services/auth/domain/sign_in.h"

#include "services/auth/domain/grant.h"
#include "services/auth/domain/session.h"
#include "services/auth/domain/tables.h"
#include "trialog/auth/v1/credential.pb.h"
#include "trialog/auth/v1/service_account.pb.h"
#include "trialog/auth/v1/user.pb.h"

namespace trialog::auth {

std::optional<SignInCandidate> FindByIdentifier(const view::State& state, std::string_view organization_id,
                                                const event::v1::LookupKey& key) {
  const bool is_email = key.index() == kEmailLookup;
  if (key.mac().empty() || (!is_email && key.index() != kUsernameLookup)) return std::nullopt;
  const auto user =
      state.Lookup(is_email ? kUsersByEmail : kUsersByUsername, LookupIndexKey(organization_id, key.mac()));
  return user ? FindByName(state, *user) : std::nullopt;
}

std::optional<SignInCandidate> FindByName(const view::State& state, std::string_view user) {
  auto credential = state.Get<v1::Credential>(kUserCredentials, CredentialName(user));
  if (!credential || !credential->password().has_password_hash()) return std::nullopt;
  return SignInCandidate{std::string(user), credential->password().password_hash(),
                         credential->password().generation()};
}

std::optional<AccountIdentity> Identify(const view::State& state, std::string_view account,
                                        const google::protobuf::Timestamp& time) {
  AccountIdentity identity;
  if ((identity.user = state.Find(kUsers, account))) {
    const auto& user = identity.user->As<v1::User>();
    if (user.state() != v1::User::STATE_ACTIVE && user.state() != v1::User::STATE_LOCKED) return std::nullopt;
    identity.patient = user.patient();
  } else if ((identity.service_account = state.Find(kServiceAccounts, account))) {
    const auto& service = identity.service_account->As<v1::ServiceAccount>();
    if (service.state() != v1::ServiceAccount::STATE_ACTIVE) return std::nullopt;
  } else {
    return std::nullopt;
  }
  identity.grants = GrantRowsInForce(state, account, time);
  return identity;
}

std::optional<Principal> PrincipalOf(const view::State& state, const event::v1::Caller& caller,
                                     const google::protobuf::Timestamp& time) {
  const auto identity = Identify(state, caller.name(), time);
  if (!identity) return std::nullopt;
  if (!caller.session().empty()) {
    auto session = state.Get<v1::Session>(kSessions, SessionName(caller.name(), caller.session()));
    if (!session || !IsAlive(*session, time)) return std::nullopt;
  } else if (identity->user) {
    return std::nullopt;  // A person acts in a session only.
  }
  Principal principal;
  principal.caller = caller;
  principal.organization = std::string(OrganizationOf(caller.name()));
  principal.patient = identity->patient;
  for (const view::RowPtr& row : identity->grants) {
    principal.grants.push_back({row->As<v1::Grant>().role(), row->As<v1::Grant>().scope()});
  }
  return principal;
}

}  // namespace trialog::auth
