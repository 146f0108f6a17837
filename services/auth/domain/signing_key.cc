#include "services/auth/domain/signing_key.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "google/protobuf/util/time_util.h"
#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/auth/domain/tables.h"
#include "services/auth/domain/times.h"
#include "trialog/auth/v1/credential.pb.h"
#include "trialog/auth/v1/events.pb.h"

namespace trialog::auth {
namespace {

bool IsCoordinate(const std::string& text) {
  std::string bytes;
  return text.size() == 43 && absl::WebSafeBase64Unescape(text, &bytes) && bytes.size() == 32;
}

}  // namespace

absl::StatusOr<Decision> PublishSigningKey(const view::State& state, const Context& context,
                                           const SigningKeyInput& input) {
  const bool by_timer = context.principal.caller.kind() == event::v1::Caller::KIND_TIMER;
  if (!context.principal.internal && !by_timer) return Denied("INTERNAL_ONLY", "only auth publishes signing keys");
  const std::string organization = OrganizationName(context.organization);
  if (!state.Find(kOrganizations, organization)) return NotFound("organization");
  v1::SigningKey key;
  key.set_name(Cat(organization, "/signingKeys/", input.kid));
  if (!NameMatches(kSigningKeys.pattern, key.name()) || !IsCoordinate(input.x) || !IsCoordinate(input.y)) {
    return BadField("signing_key", "KEY_MALFORMED", "needs a key id and two base64url coordinates of 32 bytes");
  }
  if (input.end_time <= input.start_time || input.end_time <= context.record_time) {
    return BadField("signing_key.end_time", "TIMES_INVALID", "must lie after the start and in the future");
  }
  if (state.Find(kSigningKeys, key.name())) {
    return Refuse(absl::StatusCode::kAlreadyExists, "KEY_EXISTS", "choose another key id");
  }
  if (KeysToAccept(state, context.organization, context.record_time).size() >= kMaxSigningKeys) {
    return Refuse(absl::StatusCode::kResourceExhausted, "TOO_MANY_KEYS", "wait until a key has expired");
  }
  key.set_uid(input.kid);
  key.set_kty("EC");
  key.set_crv("P-256");
  key.set_alg("ES256");
  key.set_use("sig");
  key.set_x(input.x);
  key.set_y(input.y);
  *key.mutable_start_time() = input.start_time;
  *key.mutable_end_time() = input.end_time;
  *key.mutable_expire_time() = Later(input.end_time, kAccessTokenLifetime);

  Decision decision;
  decision.names = {key.name()};
  v1::AuthEvent published, stored;
  *published.mutable_signing_key_published()->mutable_signing_key() = std::move(key);
  stored.mutable_signing_key_secret_stored()->set_name(decision.names[0]);
  *stored.mutable_signing_key_secret_stored()->mutable_private_key() = input.private_key;
  decision.Add(decision.names[0], std::move(published));
  decision.Add(decision.names[0], std::move(stored));
  return decision;
}

std::vector<view::RowPtr> KeysToAccept(const view::State& state, std::string_view organization_id,
                                       const google::protobuf::Timestamp& time) {
  std::vector<view::RowPtr> rows;
  const std::string prefix = view::GroupPrefix(OrganizationName(organization_id));
  for (const auto& found : state.Scan(kSigningKeysByOrganization, prefix, kMaxSigningKeys)) {
    view::RowPtr row = state.Find(kSigningKeys, found.name);
    if (row && time < row->As<v1::SigningKey>().expire_time()) rows.push_back(std::move(row));
  }
  return rows;
}

std::optional<Signer> SignerAt(const view::State& state, std::string_view organization_id,
                               const google::protobuf::Timestamp& time) {
  std::shared_ptr<const v1::SigningKey> best;
  for (const view::RowPtr& row : KeysToAccept(state, organization_id, time)) {
    auto key = std::static_pointer_cast<const v1::SigningKey>(row->resource);
    if (time < key->start_time() || key->end_time() <= time) continue;
    if (!best || best->start_time() < key->start_time()) best = std::move(key);
  }
  if (!best) return std::nullopt;
  auto credential = state.Get<v1::Credential>(kSigningKeyCredentials, CredentialName(best->name()));
  if (!credential || !credential->signing().has_private_key()) return std::nullopt;
  return Signer{std::move(best), credential->signing().private_key()};
}

}  // namespace trialog::auth
