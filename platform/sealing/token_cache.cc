#include "platform/sealing/token_cache.h"

#include "platform/sealing/digest.h"

namespace trialog::sealing {

std::shared_ptr<const AccessClaims> VerifiedTokenCache::Find(std::string_view token, absl::Time now) {
  const std::string hash = Sha256(token);
  absl::MutexLock lock(&mutex_);
  auto entry = by_hash_.find(hash);
  if (entry == by_hash_.end()) return nullptr;
  const AccessClaims& claims = *entry->second.claims;
  if (claims.issued > now + kClockSkew) return nullptr;  // The clock was set back; Verify says so.
  if (claims.expires + kClockSkew <= now) {
    Erase(entry);
    return nullptr;
  }
  return entry->second.claims;
}

void VerifiedTokenCache::Insert(std::string_view token, AccessClaims claims) {
  std::string hash = Sha256(token);
  absl::MutexLock lock(&mutex_);
  if (by_hash_.contains(hash)) return;
  if (by_hash_.size() >= max_tokens_) Erase(by_hash_.find(oldest_first_.front()));
  const auto place = oldest_first_.insert(oldest_first_.end(), hash);
  by_hash_.emplace(std::move(hash), Entry{std::make_shared<const AccessClaims>(std::move(claims)), place});
}

void VerifiedTokenCache::Clear() {
  absl::MutexLock lock(&mutex_);
  by_hash_.clear();
  oldest_first_.clear();
}

void VerifiedTokenCache::Erase(absl::flat_hash_map<std::string, Entry>::iterator entry) {
  oldest_first_.erase(entry->second.place);
  by_hash_.erase(entry);
}

}  // namespace trialog::sealing
