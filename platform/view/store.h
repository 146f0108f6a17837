// A service's store: every version of every row, the keys derived from them, what changed when, which requests were
// answered, and how far each log was folded, in one RocksDB and always in one write. It can be deleted: the logs
// rebuild the same content, byte for byte. docs/formats/store.md.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "platform/command/decision.h"
#include "platform/log/log.h"
#include "platform/view/row_cache.h"
#include "platform/view/state.h"
#include "trialog/event/v1/fold.pb.h"
#include "trialog/event/v1/note.pb.h"

namespace rocksdb {
class ColumnFamilyHandle;
class DB;
class Env;
class Iterator;
class Status;
class WriteBatch;
}  // namespace rocksdb

namespace trialog::view {

struct StoreOptions {
  std::string path;
  rocksdb::Env* env = nullptr;     // Null: the operating system's.
  size_t cached_rows = 64 * 1024;  // Latest rows kept parsed.
  bool compress = true;            // Off where a test searches the raw files.
  size_t block_cache_bytes = 32 << 20;
  // What all families together hold in memory before they are flushed: what a start after a crash folds again.
  size_t write_buffer_bytes = 64 << 20;
};

// A version of a row.
struct Version {
  int64_t offset;
  RowPtr row;  // Without resource where the version says "deleted".
};

// A row that a record changed.
struct Change {
  int64_t offset;
  const Table* table;
  std::string name;
};

// A request that was answered: where its record stands and what its answer is rendered from.
struct Answered {
  int64_t offset = -1;
  std::string mac;
  std::vector<std::string> names;
};

// How long a request id is remembered at least, by log time: 24 h and twice the permitted clock error (spec/dedup.tla).
// In whole seconds, so that not every commit has something to forget.
inline constexpr absl::Duration kRememberRequests = absl::Seconds(24 * 3600 + 2 * 5);
// Beyond this many in a partition the oldest are forgotten.
inline constexpr uint64_t kMaxRequests = 10'000'000;

// What one or more records changed, to be written as one.
struct Commit {
  int partition = 0;
  event::v1::FoldState fold;  // After the last of them.
  const ChangeSet* changes = nullptr;
  // Offset of a record of `changes`; null: the record number is the offset.
  std::function<int64_t(uint64_t record)> offset_of;
  // Each admitted record, in order; they outlive the commit. Every change belongs to one of them.
  struct Record {
    int64_t offset;
    const event::v1::Data* data;
  };
  std::vector<Record> records;
};

// Reading is thread safe; commits of one partition come from one thread at a time.
class Store {
 public:
  static absl::StatusOr<std::unique_ptr<Store>> Open(const Domain& domain, const StoreOptions& options);
  ~Store();

  const Domain& domain() const { return domain_; }

  // The state as committed. Lives as long as the store; thread safe.
  const State& partition(int partition) const;
  // The same for one thread that looks up many rows, and commits or drops it before anybody else commits to the
  // partition: it keeps an iterator between look-ups.
  std::unique_ptr<State> StateForCommit(int partition) const;
  // How far the partition's own log is folded.
  event::v1::FoldState fold(int partition) const;
  // The next offset to be folded, cheaply.
  int64_t next_offset(int partition) const { return next_offset_[partition].load(std::memory_order_acquire); }

  // Writes all of it or nothing, in memory and some time later to disk: the log is the truth. What a crash takes away
  // is folded again, from an earlier position that fits everything else in the store. Visible to readers when it
  // returns.
  absl::Status Write(const Commit& commit);

  // The version that stood after the record at `offset`; null when there was none or it was deleted.
  RowPtr FindAt(int partition, const Table& table, std::string_view name, int64_t offset) const;
  // Versions, newest first, at or below `offset`.
  std::vector<Version> History(int partition, const Table& table, std::string_view name, int64_t offset,
                               size_t limit) const;
  // Names of rows that ever existed and start with `prefix`, in order, after `after`.
  std::vector<std::string> Names(int partition, const Table& table, std::string_view prefix, std::string_view after,
                                 size_t limit) const;
  // Offset of the last record whose time is not after `time`; -1 when there is none.
  int64_t OffsetAt(int partition, absl::Time time) const;
  // Rows changed by records from `offset` on, in order; whole records until at least `limit` changes.
  std::vector<Change> Changes(int partition, int64_t offset, size_t limit) const;
  std::optional<Answered> FindRequest(int partition, std::string_view key) const;

  // Calls `wake` after each commit to the partition, from the committing thread; it must not block nor call back.
  // Returns an id for Unlisten; after Unlisten returned there is no further call.
  int64_t Listen(int partition, std::function<void()> wake);
  void Unlisten(int partition, int64_t id);

  // Facts: a family that only folds of other services' public streams write.
  struct FactWrite {
    std::string key;
    std::optional<std::string> value;  // None: erase.
  };
  // How far `source`'s partition is folded into the facts.
  event::v1::FoldState fact_fold(std::string_view source, int partition) const;
  absl::Status WriteFacts(std::string_view source, int partition, const event::v1::FoldState& fold,
                          const std::vector<FactWrite>& writes);
  std::optional<std::string> Fact(std::string_view key) const;
  std::vector<std::pair<std::string, std::string>> Facts(std::string_view prefix) const;

  // Not OK once a read met damage: what it returned then may be incomplete, so nothing may be decided or answered from
  // it. A decision asks after it was made, an answer before it leaves. Rebuild the store from the log.
  absl::Status Health() const;

  // SHA-256 over all families' names, keys and values in order, of one snapshot. Ask for Health afterwards.
  std::string ContentHash() const;
  // Calls `visit` with family, key and value of everything, in order; for verification and tests.
  void ForEach(
      const std::function<void(std::string_view family, std::string_view key, std::string_view value)>& visit) const;

 private:
  class PartitionState;
  class StateOfBatch;
  enum Family { kMeta, kRows, kKeys, kCounts, kRecords, kRequests, kFacts, kFamilies };

  Store(const Domain& domain, size_t cached_rows);
  absl::Status OpenDatabase(const StoreOptions& options);
  void Close();
  absl::Status Load();
  void WriteRows(const Commit& commit, rocksdb::WriteBatch& batch) const;
  void WriteKeys(const Commit& commit, rocksdb::WriteBatch& batch) const;
  absl::Status WriteRecords(const Commit& commit, rocksdb::WriteBatch& batch) const;
  void WriteRequests(const Commit& commit, event::v1::FoldState& fold, rocksdb::WriteBatch& batch);
  void Forget(const Commit& commit, absl::Time oldest, event::v1::FoldState& fold, rocksdb::WriteBatch& batch);
  void Publish(const Commit& commit, event::v1::FoldState fold);
  rocksdb::Iterator* NewRowIterator() const;
  RowPtr FindLatest(int partition, const Table& table, std::string_view name, rocksdb::Iterator* reused) const;
  std::vector<Version> Versions(rocksdb::Iterator& it, const Table& table, std::string_view row_name, int64_t offset,
                                size_t limit) const;
  int64_t OffsetOfRequest(int partition, std::string_view key) const;
  bool ParseNote(std::string_view bytes, event::v1::RecordNote& note) const;
  // Remembers damage for Health; true when the read may be used.
  bool Sound(const rocksdb::Status& status) const;
  // The same for what was read: whether it has the form that this store writes.
  bool Sound(bool well_formed, std::string_view what) const;

  const Domain& domain_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;
  std::vector<std::unique_ptr<PartitionState>> partitions_;
  mutable RowCache cache_;
  std::atomic<int64_t> next_offset_[log::kPartitions] = {};
  // Time of the oldest record whose request is remembered, or before it; only for the thread that commits the
  // partition. Saves a look at each commit.
  std::array<absl::Time, log::kPartitions> remembered_since_;

  mutable absl::Mutex mutex_;
  event::v1::FoldState folds_[log::kPartitions] ABSL_GUARDED_BY(mutex_);

  mutable std::atomic<bool> sound_ = true;
  mutable absl::Status damage_ ABSL_GUARDED_BY(mutex_);

  absl::Mutex listeners_mutex_;
  int64_t next_listener_ ABSL_GUARDED_BY(listeners_mutex_) = 1;
  std::vector<std::pair<int64_t, std::function<void()>>> listeners_[log::kPartitions] ABSL_GUARDED_BY(listeners_mutex_);
};

}  // namespace trialog::view
