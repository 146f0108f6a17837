// Opaque tokens for refresh, invitation, password reset and service keys: 256 random bits whose SHA-256 alone is
// stored.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "platform/runtime/runtime.h"

namespace trialog::sealing {

struct OpaqueToken {
  std::string token;         // "trlg1.<organisation>.<43 characters>": to the caller, once.
  std::string organization;  // Id; finds the partition before anything is looked up.
  std::string hash;          // 32 bytes: what is stored and looked up.
};

// A new token. `organization` is an id: 1 to 63 characters of [A-Za-z0-9._~-].
OpaqueToken NewOpaqueToken(std::string_view organization, Runtime& runtime);

// Takes a presented token apart. UNAUTHENTICATED, reason TOKEN_MALFORMED, when it has not the form.
absl::StatusOr<OpaqueToken> ParseOpaqueToken(std::string_view token);

// Whether a presented token is the one whose hash was stored; constant time.
bool MatchesStoredHash(const OpaqueToken& presented, std::string_view stored_hash);

}  // namespace trialog::sealing
