// Access tokens: JSON Web Tokens (RFC 7519) in JWS compact form (RFC 7515), signed with ES256 (RFC 7518 section 3.4)
// and typed at+jwt (RFC 9068). Nothing but ES256 is ever accepted. Format and reasons: docs/formats/tokens-access.md.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "platform/sealing/signing_key.h"

namespace trialog::sealing {

inline constexpr size_t kMaxTokenBytes = 4096;
inline constexpr absl::Duration kAccessTokenLifetime = absl::Minutes(5);
inline constexpr absl::Duration kClockSkew = absl::Seconds(30);

// What a token says about its bearer. Grants are not in it: they come from auth's stream.
struct AccessClaims {
  enum class Kind { kUser, kService };
  std::string issuer;
  std::string audience;
  std::string subject;       // Resource name of the user or service account.
  std::string organization;  // Id.
  std::string session;       // Session id; empty for services.
  Kind kind = Kind::kUser;
  int64_t position =
      0;  // Offset in auth's log (the organisation's partition) that must be folded before grants are asked.
  absl::Time issued;  // Whole seconds.
  absl::Time expires;
};

// Signs a token for `claims` as they are. INVALID_ARGUMENT when it would exceed kMaxTokenBytes or a text is no UTF-8.
absl::StatusOr<std::string> MintAccessToken(const AccessClaims& claims, const SigningKey& key);

// A published key and how long it counts.
struct VerifierKey {
  VerifierKey(PublicJwk jwk, absl::Time end = absl::InfiniteFuture(),  // NOLINT: a key counts for ever unless it ends.
              absl::Time expire = absl::InfiniteFuture())
      : jwk(std::move(jwk)), end(end), expire(expire) {}
  PublicJwk jwk;
  absl::Time end;     // From then on nothing is signed with it.
  absl::Time expire;  // From then on it verifies nothing.
};

// What the bearer of a token that has ended is told, kClockSkew after `expires`.
absl::Status TokenExpired();

// Verifies tokens against published keys. Thread safe.
class AccessTokenVerifier {
 public:
  AccessTokenVerifier(std::string issuer, std::string audience);
  ~AccessTokenVerifier();

  // Replaces the keys that count. A malformed one is refused and nothing is replaced.
  absl::Status SetKeys(const std::vector<VerifierKey>& keys);

  // The claims, or UNAUTHENTICATED with one of these reasons, checked in this order:
  // TOKEN_MALFORMED (size, parts, encoding, JSON), TOKEN_ALGORITHM, TOKEN_TYPE, TOKEN_HEADER (crit or any other header
  // member), TOKEN_KEY_UNKNOWN (or expired), TOKEN_SIGNATURE, TOKEN_CLAIMS (missing, of a wrong type, lifetime above 5
  // minutes), TOKEN_KEY_UNKNOWN (issued after the key's end), TOKEN_ISSUER, TOKEN_AUDIENCE, TOKEN_NOT_YET_VALID,
  // TOKEN_EXPIRED.
  absl::StatusOr<AccessClaims> Verify(std::string_view token, absl::Time now) const;

 private:
  class Keys;
  std::shared_ptr<const Keys> keys() const;

  const std::string issuer_;
  const std::string audience_;
  mutable absl::Mutex mutex_;
  std::shared_ptr<const Keys> keys_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace trialog::sealing
