// The latest rows, parsed and immutable, bounded by number.
#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "platform/view/state.h"

namespace trialog::view {

// Thread safe. A reader that missed takes a ticket before it reads the disk and hands it in with what it found: the row
// is kept only if nothing was written to its shard meanwhile, so an old version never hides a newer one.
class RowCache {
 public:
  explicit RowCache(size_t rows) : per_shard_(rows / kShards + 1) {}

  struct Answer {
    bool hit = false;
    RowPtr row;           // Null on a hit: known not to exist.
    int64_t offset = -1;  // Of the record that wrote this version; −1 when there never was one.
    uint64_t ticket = 0;
  };
  Answer Get(std::string_view key);
  // What a reader found after a miss.
  void Offer(std::string_view key, RowPtr row, int64_t offset, uint64_t ticket);
  // What a commit wrote; after it is written.
  void Set(std::string_view key, RowPtr row, int64_t offset);

 private:
  static constexpr size_t kShards = 16;
  struct Entry {
    std::string key;
    RowPtr row;
    int64_t offset;
  };
  struct Shard {
    absl::Mutex mutex;
    uint64_t writes ABSL_GUARDED_BY(mutex) = 0;
    std::list<Entry> entries ABSL_GUARDED_BY(mutex);  // Most recently used first.
    absl::flat_hash_map<std::string_view, std::list<Entry>::iterator> by_key ABSL_GUARDED_BY(mutex);
  };

  Shard& ShardOf(std::string_view key) { return shards_[std::hash<std::string_view>{}(key) % kShards]; }
  void Keep(Shard& shard, std::string_view key, RowPtr row, int64_t offset) ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard.mutex);

  const size_t per_shard_;
  Shard shards_[kShards];
};

}  // namespace trialog::view
