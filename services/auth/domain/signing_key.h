// The keys that sign an organisation's access tokens: published ahead of use, kept until the last token has ended.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/command/decision.h"
#include "trialog/auth/v1/signing_key.pb.h"
#include "trialog/event/v1/sealed.pb.h"

namespace trialog::auth {

// Longest life of an access token: a verifier accepts a key that much longer than it signs.
inline constexpr absl::Duration kAccessTokenLifetime = absl::Minutes(5);
// Keys that a verifier accepts at a time.
inline constexpr int kMaxSigningKeys = 8;

// A key pair, made outside.
struct SigningKeyInput {
  std::string kid;
  std::string x, y;               // Base64url without padding, of 32 bytes each.
  event::v1::Sealed private_key;  // PKCS #8, sealed under the organisation's data key.
  google::protobuf::Timestamp start_time, end_time;
};

// By auth itself or by timer: nobody's call. Refuses others (INTERNAL_ONLY), an unknown organisation (NOT_FOUND), a key
// id in use (KEY_EXISTS), malformed keys and times (KEY_MALFORMED, TIMES_INVALID), and too many (TOO_MANY_KEYS).
absl::StatusOr<Decision> PublishSigningKey(const view::State& state, const Context& context,
                                           const SigningKeyInput& input);

// What a verifier must accept at `time`, or will soon: the answer of ListSigningKeys, last to expire first.
std::vector<view::RowPtr> KeysToAccept(const view::State& state, std::string_view organization_id,
                                       const google::protobuf::Timestamp& time);

// The key to sign with at `time`: of those started and not ended the one that started last; and its sealed private
// half.
struct Signer {
  std::shared_ptr<const v1::SigningKey> key;
  event::v1::Sealed private_key;
};
std::optional<Signer> SignerAt(const view::State& state, std::string_view organization_id,
                               const google::protobuf::Timestamp& time);

}  // namespace trialog::auth
