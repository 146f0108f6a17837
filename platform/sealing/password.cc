#include "platform/sealing/password.h"

#include <sodium.h>

#include "platform/errors/errors.h"
#include "platform/sealing/openssl_check.h"
#include "platform/text/text.h"

namespace trialog::sealing {
namespace {

void InitializeSodium() {
  static const bool ready = sodium_init() >= 0;  // Also chooses the fastest implementation of this processor.
  MustSucceed(ready, "libsodium");
}

}  // namespace

absl::StatusOr<std::string> HashPassword(std::string_view password, PasswordCost cost) {
  InitializeSodium();
  if (password.size() < kMinPasswordBytes || password.size() > kMaxPasswordBytes) {
    return BadField("password", "PASSWORD_LENGTH", "choose a password of 8 to 1024 bytes");
  }
  if (cost.memory_bytes < PasswordCost().memory_bytes || cost.passes < PasswordCost().passes) {
    return Refuse(absl::StatusCode::kInvalidArgument, "PASSWORD_COST", "Argon2id needs at least 19 MiB and 2 passes");
  }
  std::string stored(crypto_pwhash_STRBYTES, '\0');
  if (crypto_pwhash_str_alg(stored.data(), password.data(), password.size(), cost.passes, cost.memory_bytes,
                            crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return RetryLater(absl::StatusCode::kResourceExhausted, "PASSWORD_MEMORY", "no memory to hash a password now",
                      absl::Seconds(1));
  }
  stored.resize(stored.find('\0'));
  return stored;
}

bool VerifyPassword(std::string_view password, const std::string& stored) {
  InitializeSodium();
  if (password.size() > kMaxPasswordBytes || !HasPrefix(stored, crypto_pwhash_argon2id_STRPREFIX)) return false;
  return crypto_pwhash_str_verify(stored.c_str(), password.data(), password.size()) == 0;
}

bool VerifyNoPassword(std::string_view password) {
  // Of a password that nobody knows: its salt and hash were never computed from one.
  static const std::string kNobody =
      "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRvZm5vYm9keQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
  VerifyPassword(password, kNobody);
  return false;
}

bool NeedsRehash(const std::string& stored, PasswordCost cost) {
  InitializeSodium();
  return crypto_pwhash_str_needs_rehash(stored.c_str(), cost.passes, cost.memory_bytes) != 0;
}

}  // namespace trialog::sealing
