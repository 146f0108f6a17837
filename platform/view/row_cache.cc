#include "platform/view/row_cache.h"

namespace trialog::view {

RowCache::Answer RowCache::Get(std::string_view key) {
  Shard& shard = ShardOf(key);
  absl::MutexLock lock(&shard.mutex);
  auto it = shard.by_key.find(key);
  if (it == shard.by_key.end()) return {false, nullptr, -1, shard.writes};
  shard.entries.splice(shard.entries.begin(), shard.entries, it->second);
  return {true, it->second->row, it->second->offset, shard.writes};
}

void RowCache::Offer(std::string_view key, RowPtr row, int64_t offset, uint64_t ticket) {
  Shard& shard = ShardOf(key);
  absl::MutexLock lock(&shard.mutex);
  if (shard.writes == ticket) Keep(shard, key, std::move(row), offset);
}

void RowCache::Set(std::string_view key, RowPtr row, int64_t offset) {
  Shard& shard = ShardOf(key);
  absl::MutexLock lock(&shard.mutex);
  ++shard.writes;
  Keep(shard, key, std::move(row), offset);
}

void RowCache::Keep(Shard& shard, std::string_view key, RowPtr row, int64_t offset) {
  auto it = shard.by_key.find(key);
  if (it != shard.by_key.end()) {
    it->second->row = std::move(row);
    it->second->offset = offset;
    shard.entries.splice(shard.entries.begin(), shard.entries, it->second);
    return;
  }
  shard.entries.push_front({std::string(key), std::move(row), offset});
  shard.by_key.emplace(shard.entries.front().key, shard.entries.begin());
  if (shard.entries.size() > per_shard_) {
    shard.by_key.erase(shard.entries.back().key);
    shard.entries.pop_back();
  }
}

}  // namespace trialog::view
