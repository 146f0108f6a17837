#include "services/auth/domain/service_account.h"

#include <algorithm>
#include <utility>

#include "google/protobuf/util/time_util.h"
#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/auth/domain/access.h"
#include "services/auth/domain/lifecycle.h"
#include "services/auth/domain/tables.h"
#include "trialog/auth/v1/credential.pb.h"
#include "trialog/auth/v1/events.pb.h"

namespace trialog::auth {
namespace {

constexpr size_t kMaxAccountName = 200;

// The row when it is of the organisation that the administrator acts in.
view::RowPtr FindOwn(const view::State& state, const Context& context, const view::Table& table,
                     std::string_view name) {
  return OrganizationOf(name) == context.organization ? state.Find(table, name) : nullptr;
}

absl::Status CheckDisplayName(const std::string& display_name) {
  if (!display_name.empty() && display_name.size() <= kMaxAccountName) return absl::OkStatus();
  return BadField("service_account.display_name", "DISPLAY_NAME_INVALID", Cat("1 to ", kMaxAccountName, " bytes"));
}

void AddKeyRevoked(Decision& decision, const std::string& key) {
  v1::AuthEvent event;
  event.mutable_service_account_key_revoked()->set_name(key);
  decision.Add(key, std::move(event));
}

absl::Status Closed(std::string_view name) {
  return BrokenRule("ACCOUNT_DISABLED", name, "a closed account does not change");
}

}  // namespace

absl::StatusOr<Decision> CreateServiceAccount(const view::State& state, const Context& context,
                                              const v1::CreateServiceAccountRequest& request,
                                              const event::v1::SealedPart& sealed) {
  if (absl::Status allowed = RequireAdministrator(context); !allowed.ok()) return allowed;
  v1::ServiceAccount account;
  account.set_name(Cat(OrganizationName(context.organization), "/serviceAccounts/", request.service_account_id()));
  if (!NameMatches(kServiceAccounts.pattern, account.name())) {
    return BadField("service_account_id", "ID_MALFORMED", "1 to 63 letters, digits, '.', '_', '~', '-'");
  }
  if (absl::Status name = CheckDisplayName(request.service_account().display_name()); !name.ok()) return name;
  if (state.Find(kServiceAccounts, account.name())) {
    return Refuse(absl::StatusCode::kAlreadyExists, "SERVICE_ACCOUNT_EXISTS", "choose another service_account_id");
  }
  account.set_uid(context.NewId());
  account.set_display_name(request.service_account().display_name());
  account.set_state(v1::ServiceAccount::STATE_ACTIVE);
  Decision decision;
  decision.names = {account.name()};
  v1::AuthEvent event;
  *event.mutable_service_account_created()->mutable_service_account() = std::move(account);
  *event.mutable_service_account_created()->mutable_sealed() = sealed;
  decision.Add(decision.names[0], std::move(event));
  return decision;
}

absl::StatusOr<Decision> UpdateServiceAccount(const view::State& state, const Context& context,
                                              const v1::UpdateServiceAccountRequest& request,
                                              const event::v1::SealedPart& sealed) {
  if (absl::Status allowed = RequireAdministrator(context); !allowed.ok()) return allowed;
  const v1::ServiceAccount& asked = request.service_account();
  const view::RowPtr row = FindOwn(state, context, kServiceAccounts, asked.name());
  if (!row) return NotFound("service account");
  absl::Status current = CheckEtag(*row, asked.name(), asked.etag(), "service_account.etag");
  if (!current.ok()) return current;
  v1::ServiceAccount next = row->As<v1::ServiceAccount>();
  if (request.update_mask().paths().empty()) {
    return BadField("update_mask", "MASK_REQUIRED", "name the fields to change");
  }
  bool describes = false;
  for (const std::string& path : request.update_mask().paths()) {
    if (path == "display_name") {
      next.set_display_name(asked.display_name());
    } else if (path == "description") {
      describes = true;
    } else {
      return BadField("update_mask", "FIELD_NOT_UPDATABLE", "only display_name and description change");
    }
  }
  if (!describes && sealed.fields_size() > 0) {
    return BadField("update_mask", "FIELD_NOT_IN_MASK", "the mask must name each field that is given");
  }
  if (absl::Status name = CheckDisplayName(next.display_name()); !name.ok()) return name;
  if (next.state() == v1::ServiceAccount::STATE_DISABLED) return Closed(asked.name());
  Decision decision;
  decision.names = {asked.name()};
  v1::AuthEvent event;
  *event.mutable_service_account_updated()->mutable_service_account() = std::move(next);
  *event.mutable_service_account_updated()->mutable_sealed() = sealed;
  decision.Add(asked.name(), std::move(event));
  return decision;
}

absl::StatusOr<Decision> DisableServiceAccount(const view::State& state, const Context& context,
                                               const v1::DisableServiceAccountRequest& request,
                                               const event::v1::SealedPart&) {
  if (absl::Status allowed = RequireAdministrator(context); !allowed.ok()) return allowed;
  const view::RowPtr row = FindOwn(state, context, kServiceAccounts, request.name());
  if (!row) return NotFound("service account");
  Decision decision;
  decision.names = {request.name()};
  if (!MayMove(row->As<v1::ServiceAccount>().state(), v1::ServiceAccount::STATE_DISABLED)) return decision;
  for (const auto& found : state.Scan(kActiveKeys, view::GroupPrefix(request.name()), kMaxKeys)) {
    AddKeyRevoked(decision, found.name);
  }
  v1::AuthEvent event;
  event.mutable_service_account_disabled()->set_name(request.name());
  decision.Add(request.name(), std::move(event));
  return decision;
}

absl::StatusOr<Decision> CreateKey(const view::State& state, const Context& context,
                                   const v1::CreateKeyRequest& request, std::string_view secret_sha256) {
  if (absl::Status allowed = RequireAdministrator(context); !allowed.ok()) return allowed;
  const view::RowPtr account = FindOwn(state, context, kServiceAccounts, request.parent());
  if (!account) return NotFound("service account");
  if (account->As<v1::ServiceAccount>().state() != v1::ServiceAccount::STATE_ACTIVE) return Closed(request.parent());
  v1::ServiceAccountKey key;
  key.set_name(Cat(request.parent(), "/keys/", request.key_id()));
  if (!NameMatches(kServiceAccountKeys.pattern, key.name())) {
    return BadField("key_id", "ID_MALFORMED", "1 to 63 letters, digits, '.', '_', '~', '-'");
  }
  if (state.Find(kServiceAccountKeys, key.name())) {
    return Refuse(absl::StatusCode::kAlreadyExists, "KEY_EXISTS", "choose another key_id");
  }
  if (state.Count(kActiveKeys, request.parent()) >= kMaxKeys) {
    return Refuse(absl::StatusCode::kResourceExhausted, "TOO_MANY_KEYS", "revoke keys that are not needed first");
  }
  if (request.key().has_expire_time()) {
    if (request.key().expire_time() <= context.record_time) {
      return BadField("key.expire_time", "TIMES_INVALID", "must lie in the future");
    }
    *key.mutable_expire_time() = request.key().expire_time();
  }
  key.set_uid(context.NewId());
  key.set_state(v1::ServiceAccountKey::STATE_ACTIVE);
  Decision decision;
  decision.names = {key.name()};
  v1::AuthEvent event;
  *event.mutable_service_account_key_created()->mutable_key() = std::move(key);
  event.mutable_service_account_key_created()->set_token_sha256(std::string(secret_sha256));
  decision.Add(decision.names[0], std::move(event));
  return decision;
}

absl::StatusOr<Decision> RevokeKey(const view::State& state, const Context& context,
                                   const v1::RevokeKeyRequest& request, const event::v1::SealedPart&) {
  if (absl::Status allowed = RequireAdministrator(context); !allowed.ok()) return allowed;
  const view::RowPtr row = FindOwn(state, context, kServiceAccountKeys, request.name());
  if (!row) return NotFound("key");
  Decision decision;
  decision.names = {request.name()};
  if (MayMove(row->As<v1::ServiceAccountKey>().state(), v1::ServiceAccountKey::STATE_REVOKED)) {
    AddKeyRevoked(decision, request.name());
  }
  return decision;
}

absl::StatusOr<std::string> AccountOfKey(const view::State& state, std::string_view key, std::string_view secret_sha256,
                                         const google::protobuf::Timestamp& time) {
  auto row = state.Get<v1::ServiceAccountKey>(kServiceAccountKeys, key);
  auto credential = state.Get<v1::Credential>(kServiceAccountKeyCredentials, CredentialName(key));
  auto account = state.Get<v1::ServiceAccount>(kServiceAccounts, ParentOf(key));
  const bool right = credential && credential->token().token_sha256() == secret_sha256;
  const bool stands = row && row->state() == v1::ServiceAccountKey::STATE_ACTIVE &&
                      (!row->has_expire_time() || time < row->expire_time());
  if (right && stands && account && account->state() == v1::ServiceAccount::STATE_ACTIVE) return account->name();
  return Refuse(absl::StatusCode::kUnauthenticated, "KEY_INVALID", "give the secret of a key that stands");
}

}  // namespace trialog::auth
