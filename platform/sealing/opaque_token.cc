#include "platform/sealing/opaque_token.h"

#include <algorithm>

#include "platform/errors/errors.h"
#include "platform/sealing/digest.h"
#include "platform/sealing/encoding.h"
#include "platform/text/text.h"

namespace trialog::sealing {
namespace {

// A fixed beginning lets scanners of code and logs find a leaked token.
constexpr std::string_view kPrefix = "trlg1.";
constexpr size_t kSecretSize = 32;
constexpr size_t kMaxOrganizationBytes = 63;

bool LegalOrganization(std::string_view id) {
  constexpr std::string_view kLegal = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-";
  return !id.empty() && id.size() <= kMaxOrganizationBytes && id.find_first_not_of(kLegal) == std::string_view::npos;
}

}  // namespace

OpaqueToken NewOpaqueToken(std::string_view organization, Runtime& runtime) {
  OpaqueToken made;
  made.organization = organization;
  made.token = Cat(kPrefix, organization, '.', Base64Url(runtime.RandomBytes(kSecretSize)));
  made.hash = Sha256(made.token);
  return made;
}

absl::StatusOr<OpaqueToken> ParseOpaqueToken(std::string_view token) {
  const absl::Status malformed =
      Refuse(absl::StatusCode::kUnauthenticated, "TOKEN_MALFORMED", "this is no token of ours");
  if (token.size() > 256 || !HasPrefix(token, kPrefix)) return malformed;
  const size_t dot = token.rfind('.');  // An organisation id may hold dots, the secret none.
  if (dot < kPrefix.size()) return malformed;
  const std::string_view organization = token.substr(kPrefix.size(), dot - kPrefix.size());
  const auto secret = FromBase64Url(token.substr(dot + 1));
  if (!LegalOrganization(organization) || !secret || secret->size() != kSecretSize) return malformed;
  return OpaqueToken{std::string(token), std::string(organization), Sha256(token)};
}

bool MatchesStoredHash(const OpaqueToken& presented, std::string_view stored_hash) {
  return ConstantTimeEqual(presented.hash, stored_hash);
}

}  // namespace trialog::sealing
