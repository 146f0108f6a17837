// ES256 keys: ECDSA on P-256 with SHA-256 (RFC 7518 section 3.4). Auth holds the private one; the public ones are
// published as a JSON Web Key Set (RFC 7517).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

typedef struct evp_pkey_st EVP_PKEY;

namespace trialog::sealing {

// A public key as it is published: coordinates in base64url, id = its RFC 7638 thumbprint.
struct PublicJwk {
  std::string kid;
  std::string x;
  std::string y;
  bool operator==(const PublicJwk&) const = default;
};

// {"keys":[…]} of the given keys, each with kty, crv, alg, use, kid, x, y.
std::string JwksJson(const std::vector<PublicJwk>& keys);

// Verifies signatures. Immutable, thread safe.
class VerifyingKey {
 public:
  // INVALID_ARGUMENT when the coordinates are no point of P-256 or the kid is not their thumbprint.
  static absl::StatusOr<VerifyingKey> FromJwk(const PublicJwk& jwk);
  // `signature`: r and s, 32 bytes each, as JWS has them.
  bool Verify(std::string_view text, std::string_view signature) const;

 private:
  explicit VerifyingKey(std::shared_ptr<EVP_PKEY> key) : key_(std::move(key)) {}
  std::shared_ptr<EVP_PKEY> key_;
};

// Signs. Immutable, thread safe. The private part is freed (and zeroed) with the last copy.
class SigningKey {
 public:
  static SigningKey Generate();
  // From what ToPem wrote. INVALID_ARGUMENT, without repeating the input, when it is no P-256 private key.
  static absl::StatusOr<SigningKey> FromPem(std::string_view pem);
  // PKCS#8 PEM, unencrypted: only to be sealed, then wiped by the caller.
  std::string ToPem() const;

  const PublicJwk& jwk() const { return jwk_; }
  // r and s, 32 bytes each.
  std::string Sign(std::string_view text) const;

 private:
  explicit SigningKey(std::shared_ptr<EVP_PKEY> key);
  std::shared_ptr<EVP_PKEY> key_;
  PublicJwk jwk_;
};

}  // namespace trialog::sealing
