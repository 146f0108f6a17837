// Passwords: Argon2id (RFC 9106) through libsodium, stored as a PHC string that names its own cost.
//
// A hash takes tens of milliseconds and its memory (19 MiB by default): the caller bounds how many run at once and
// keeps them off threads that serve others. Thread safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace trialog::sealing {

// The OWASP minimum for Argon2id; one lane, as libsodium computes it.
struct PasswordCost {
  size_t memory_bytes = 19 << 20;
  uint64_t passes = 2;
};

// A hash that says it cost more is none of ours: checking it would take memory and time that nobody granted.
inline constexpr PasswordCost kMaxPasswordCost{.memory_bytes = 256 << 20, .passes = 16};

// Bounds of a password in bytes. A longer one is refused, not cut.
inline constexpr size_t kMinPasswordBytes = 8;
inline constexpr size_t kMaxPasswordBytes = 1024;

// "$argon2id$v=19$m=…,t=…,p=1$salt$hash" with a random salt. INVALID_ARGUMENT for a length out of bounds,
// RESOURCE_EXHAUSTED when there is no memory, INVALID_ARGUMENT for a cost below the default or above kMaxPasswordCost.
absl::StatusOr<std::string> HashPassword(std::string_view password, PasswordCost cost = {});

// Whether `password` is the one behind `stored`. False, too, for a stored text that is no Argon2id PHC string or names
// a cost above kMaxPasswordCost.
bool VerifyPassword(std::string_view password, const std::string& stored);

// Takes as long as VerifyPassword on a hash of the default cost: for a name that has no account, so that time does not
// tell which names have one. False always.
bool VerifyNoPassword(std::string_view password);

// Whether `stored` was made at another cost than `cost`: hash the password again after it was verified.
bool NeedsRehash(const std::string& stored, PasswordCost cost = {});

}  // namespace trialog::sealing
