// Audit's store: entries, stored records, tiles of the tree, indexes and how far each log is folded, in one RocksDB and
// always in one write. Append-only: no entry or full tile ever changes. It can be deleted: the logs rebuild the same
// content, byte for byte. docs/formats/audit-store.md.
#pragma once

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "platform/runtime/runtime.h"
#include "services/audit/tree/tile.h"
#include "services/audit/tree/tree.h"
#include "trialog/audit/v1/entry.pb.h"
#include "trialog/event/v1/fold.pb.h"

namespace rocksdb {
class ColumnFamilyHandle;
class DB;
class Env;
class Snapshot;
class Status;
class WriteBatch;
}  // namespace rocksdb

namespace trialog::audit {

struct AuditStoreOptions {
  std::string path;
  rocksdb::Env* env = nullptr;  // Null: the operating system's.
  bool compress = true;         // Off where a test searches the raw files.
};

// What entries are listed by. Stored: do not change.
enum class ListBy : char {
  kOrganization = 'o',  // All of them; no value.
  kEntity = 'e',        // Resource name.
  kActor = 'a',         // Resource name, or a service's name.
  kAction = 'm',
  kType = 't',
  kSubject = 's',  // Resource name of a record whose personal fields were shown.
};

// Latest first by record time, then by place in the tree.
struct ListQuery {
  ListBy by = ListBy::kOrganization;
  std::string organization;  // Id.
  std::string value;
  absl::Time start = absl::InfinitePast();  // Not before.
  absl::Time end = absl::InfiniteFuture();  // Before.
  std::string after;                        // Place of the last entry seen; empty: from the latest.
  size_t limit = 100;
};
struct ListedEntry {
  std::string place;  // Where a following query goes on: 16 bytes, nothing personal.
  uint64_t tree_index = 0;
};

// A record with its entries, as it goes into the tree.
struct RecordEntries {
  std::string_view source;
  int32_t partition = 0;
  int64_t offset = 0;
  std::string_view bytes;  // As stored in the service's log.
  std::vector<v1::AuditEntry> entries;
};

// Reading is thread safe. Appending is for one thread.
class AuditStore {
 public:
  static absl::StatusOr<std::unique_ptr<AuditStore>> Open(const AuditStoreOptions& options);
  ~AuditStore();

  // ---- Reading: what is committed. NOT_FOUND for what is not there, DATA_LOSS for what is damaged. ----

  uint64_t size() const { return size_.load(std::memory_order_acquire); }
  // How far the partition of a source's log is in the tree; for audit's own log, how far it is folded.
  absl::StatusOr<event::v1::FoldState> Fold(std::string_view source, int partition) const;
  // With its name, content, tree index and material.
  absl::StatusOr<v1::AuditEntry> Entry(uint64_t tree_index) const;
  // Tree index of the entry of an event (16 bytes).
  absl::StatusOr<uint64_t> Find(std::string_view event_id) const;
  // A record that has entries, as it stands in the service's log.
  absl::StatusOr<std::string> Record(std::string_view source, int32_t partition, int64_t offset) const;
  absl::StatusOr<std::vector<ListedEntry>> List(const ListQuery& query) const;
  // Without origin and note. Size 0: the latest.
  absl::StatusOr<v1::Checkpoint> Checkpoint(uint64_t size) const;
  // At least `tile.width` hashes of a tile of the tree that is here.
  absl::StatusOr<std::string> Tile(const TileId& tile) const;
  // Nodes of the tree of the first `size` leaves; the store outlives it.
  TileHashReader Hashes(uint64_t size) const;

  // ---- Appending. What was appended counts once Commit returned OK; after an error only Restart helps. ----

  void Append(const RecordEntries& record);
  void SetFold(std::string_view source, int partition, const event::v1::FoldState& fold);
  void AddCheckpoint(const v1::Checkpoint& checkpoint);
  // Leaves and root with what is not yet committed.
  uint64_t pending_size() const { return frontier_.size(); }
  std::string PendingRoot() const { return frontier_.Root(); }
  size_t pending_bytes() const;
  // All of it or nothing. Not synced: the logs are the truth.
  absl::Status Commit();
  // Begins the same on `writer`, which runs tasks on a thread of its own and outlives the store, so that appending goes
  // on meanwhile. The error is that of the one begun before; Commit waits for the last.
  absl::Status BeginCommit(Executor& writer);
  // What is committed survives a power cut. Thread safe.
  absl::Status Sync();
  // After an error: forgets what was appended and not committed. Where a write had failed it opens the files again, as
  // after a crash; reading waits for that. RESOURCE_EXHAUSTED while there is still no room; reading goes on then.
  absl::Status Restart();

  // ---- Verification. ----

  // SHA-256 chained over all families' names, keys and values in order, of one snapshot.
  absl::StatusOr<std::string> ContentHash() const;
  // Walks everything in order until `visit` returns false.
  absl::Status ForEach(
      const std::function<bool(std::string_view family, std::string_view key, std::string_view value)>& visit) const;
  // The first difference between two stores, in words: what an operator is told. Empty when they are equal.
  static absl::StatusOr<std::string> FirstDifference(const AuditStore& kept, const AuditStore& rebuilt);

 private:
  enum Family { kMeta, kEntries, kRecords, kTiles, kEvents, kLists, kCheckpoints, kFamilies };

  class ErrorListener;

  explicit AuditStore(AuditStoreOptions options);
  absl::Status OpenDatabase() ABSL_EXCLUSIVE_LOCKS_REQUIRED(database_mutex_);
  void CloseDatabase() ABSL_EXCLUSIVE_LOCKS_REQUIRED(database_mutex_);
  absl::Status OpenAgain();
  // What a write, or RocksDB in the background, failed with first since the database was opened.
  absl::Status Failure() const;
  absl::Status KeepFailure(absl::Status status);
  absl::Status Load();
  void ForgetPending();
  void AppendLeaf(const v1::AuditEntry& entry, uint64_t tree_index);
  void IndexEntry(const v1::AuditEntry& entry, uint64_t tree_index);
  void PutOpenTiles();
  void PutKeys();
  // Makes what was appended a batch of its own; false when that is nothing.
  bool CloseBatch();
  // Writes what CloseBatch made.
  absl::Status WriteClosed();
  // Waits for the commit begun before.
  absl::Status AwaitBegun();
  absl::StatusOr<std::string> Get(Family family, std::string_view key, std::string_view what) const;

  const AuditStoreOptions options_;
  mutable absl::Mutex failure_mutex_;
  absl::Status failure_ ABSL_GUARDED_BY(failure_mutex_);
  mutable absl::Mutex database_mutex_;  // Shared by those who read; the appending thread alone opens and closes.
  std::unique_ptr<rocksdb::DB> db_;     // Null when it could not be opened again.
  std::vector<rocksdb::ColumnFamilyHandle*> families_;
  std::atomic<uint64_t> size_ = 0;

  // The appending thread's.
  Frontier frontier_;
  struct OpenTile {
    uint64_t index = 0;
    std::string hashes;
    bool changed = false;
  };
  std::vector<OpenTile> open_tiles_;  // By tile level.
  std::unique_ptr<rocksdb::WriteBatch> batch_;
  std::unique_ptr<rocksdb::WriteBatch> closed_;  // While a commit is begun its thread's, like closed_size_.
  uint64_t closed_size_ = 0;
  std::future<absl::Status> begun_;
  // Keys all over their families. They are put in order, which RocksDB takes several times faster.
  using ListPlace = std::pair<uint64_t, uint64_t>;  // The numbers of a key's place, which sort as its bytes do.
  absl::flat_hash_map<std::string, std::vector<ListPlace>> list_keys_;  // By what the keys of a list begin with.
  std::vector<std::pair<std::string, uint64_t>> event_keys_;            // Event id and tree index.
  size_t key_bytes_ = 0;
  std::string list_key_;  // Of one list, while an entry is indexed; kept for its memory.
};

}  // namespace trialog::audit
