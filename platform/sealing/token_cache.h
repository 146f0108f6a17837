// Verified access tokens, remembered until they expire, so that a caller's second call costs a hash and not a
// signature.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "platform/sealing/access_token.h"

namespace trialog::sealing {

// Bounded; the oldest leaves first. Holds SHA-256 hashes, no tokens. Thread safe.
class VerifiedTokenCache {
 public:
  explicit VerifiedTokenCache(size_t max_tokens = 10'000) : max_tokens_(max_tokens) {}

  // The claims while a verifier would still accept the token, else null.
  std::shared_ptr<const AccessClaims> Find(std::string_view token, absl::Time now);
  void Insert(std::string_view token, AccessClaims claims);
  // To be called when the published keys change: a withdrawn key's tokens end with it.
  void Clear();

 private:
  struct Entry {
    std::shared_ptr<const AccessClaims> claims;
    std::list<std::string>::iterator place;
  };
  void Erase(absl::flat_hash_map<std::string, Entry>::iterator entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t max_tokens_;
  absl::Mutex mutex_;
  absl::flat_hash_map<std::string, Entry> by_hash_ ABSL_GUARDED_BY(mutex_);
  std::list<std::string> oldest_first_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace trialog::sealing
