#include "platform/sealing/password.h"

#include <sodium.h>

#include <charconv>
#include <optional>

#include "platform/errors/errors.h"
#include "platform/sealing/openssl_check.h"
#include "platform/text/text.h"

namespace trialog::sealing {
namespace {

void InitializeSodium() {
  static const bool ready = sodium_init() >= 0;  // Also chooses the fastest implementation of this processor.
  MustSucceed(ready, "libsodium");
}

bool IsAbove(PasswordCost cost, PasswordCost limit) {
  return cost.memory_bytes > limit.memory_bytes || cost.passes > limit.passes;
}

// Takes "<name><number>" off the beginning of `text`.
bool TakeNumber(std::string_view& text, std::string_view name, uint64_t& number) {
  if (!HasPrefix(text, name)) return false;
  text.remove_prefix(name.size());
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return true;
}

// The cost that a PHC string of one lane names; the rest of it is libsodium's to read.
std::optional<PasswordCost> CostOf(std::string_view stored) {
  uint64_t version = 0, kibibytes = 0, passes = 0, lanes = 0;
  if (!TakeNumber(stored, "$argon2id$v=", version) || !TakeNumber(stored, "$m=", kibibytes) ||
      !TakeNumber(stored, ",t=", passes) || !TakeNumber(stored, ",p=", lanes) || lanes != 1 ||
      kibibytes > SIZE_MAX / 1024) {
    return std::nullopt;
  }
  return PasswordCost{.memory_bytes = static_cast<size_t>(kibibytes * 1024), .passes = passes};
}

}  // namespace

absl::StatusOr<std::string> HashPassword(std::string_view password, PasswordCost cost) {
  InitializeSodium();
  if (password.size() < kMinPasswordBytes || password.size() > kMaxPasswordBytes) {
    return BadField("password", "PASSWORD_LENGTH", "choose a password of 8 to 1024 bytes");
  }
  if (cost.memory_bytes < PasswordCost().memory_bytes || cost.passes < PasswordCost().passes ||
      IsAbove(cost, kMaxPasswordCost)) {
    return Refuse(absl::StatusCode::kInvalidArgument, "PASSWORD_COST",
                  "Argon2id takes 19 to 256 MiB and 2 to 16 passes here");
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
  const auto cost = CostOf(stored);
  if (password.size() > kMaxPasswordBytes || !cost || IsAbove(*cost, kMaxPasswordCost)) return false;
  if (stored.find('\0') != std::string::npos) return false;  // libsodium would read up to it.
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
