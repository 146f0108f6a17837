#include "platform/view/store.h"

#include <algorithm>

#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "platform/view/rocks.h"
#include "platform/view/store_keys.h"
#include "platform/view/times.h"
#include "rocksdb/cache.h"
#include "rocksdb/db.h"
#include "rocksdb/filter_policy.h"
#include "rocksdb/slice_transform.h"
#include "rocksdb/table.h"
#include "rocksdb/write_batch.h"

namespace trialog::view {
namespace {

constexpr std::string_view kFamilyNames[] = {"default", "rows",     "keys",          "counts", "changes",
                                             "times",   "requests", "request_times", "facts"};

// All versions of one row share a Bloom filter entry: the key without its offset.
class WithoutOffset final : public rocksdb::SliceTransform {
 public:
  const char* Name() const override { return "trialog.WithoutOffset"; }
  rocksdb::Slice Transform(const rocksdb::Slice& key) const override { return {key.data(), key.size() - 8}; }
  bool InDomain(const rocksdb::Slice& key) const override { return key.size() > 8; }
};

rocksdb::ColumnFamilyOptions FamilyOptions(const StoreOptions& options, const std::shared_ptr<rocksdb::Cache>& cache,
                                           bool rows) {
  rocksdb::ColumnFamilyOptions family;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.cache_index_and_filter_blocks = true;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  family.compression = options.compress ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;
  family.write_buffer_size = 16 << 20;
  if (rows) {
    family.prefix_extractor = std::make_shared<WithoutOffset>();
    family.memtable_prefix_bloom_size_ratio = 0.02;  // A fold asks for each new row whether it was there before.
  }
  return family;
}

rocksdb::DBOptions DatabaseOptions(const StoreOptions& options) {
  rocksdb::DBOptions db;
  db.create_if_missing = true;
  db.create_missing_column_families = true;
  db.max_total_wal_size = 64 << 20;
  db.db_write_buffer_size = 64 << 20;  // All families together: an idle service stays small.
  db.max_open_files = 256;
  db.keep_log_file_num = 2;
  db.compaction_readahead_size = 2 << 20;  // Compaction reads 4 KB at a time otherwise.
  if (options.env != nullptr) db.env = options.env;
  return db;
}

}  // namespace

// A partition of the store as committed.
class Store::PartitionState final : public State {
 public:
  PartitionState(const Store& store, int partition) : store_(store), partition_(partition) {}

  RowPtr Find(const Table& table, std::string_view name) const override {
    return store_.FindLatest(partition_, table, name);
  }

  std::optional<std::string> Lookup(const Index& index, std::string_view key) const override {
    std::string name;
    auto status = store_.db_->Get({}, store_.families_[kKeys], keys::Indexed(partition_, index.id, key), &name);
    return store_.Sound(status) ? std::optional(std::move(name)) : std::nullopt;
  }

  std::vector<Found> Scan(const Index& index, std::string_view prefix, size_t limit,
                          std::string_view after) const override {
    std::vector<Found> found;
    const std::string stored_prefix = keys::Indexed(partition_, index.id, prefix);
    const std::string stored_after = keys::Indexed(partition_, index.id, after);
    std::unique_ptr<rocksdb::Iterator> it(store_.db_->NewIterator({}, store_.families_[kKeys]));
    for (it->Seek(std::max(stored_prefix, stored_after)); it->Valid() && found.size() < limit; it->Next()) {
      const std::string_view key = FromSlice(it->key());
      if (!HasPrefix(key, stored_prefix)) break;
      if (!after.empty() && key == stored_after) continue;
      found.push_back({std::string(key.substr(keys::kIndexedPrefix)), it->value().ToString()});
    }
    store_.Sound(it->status());
    return found;
  }

  int64_t Count(const Index& index, std::string_view key) const override {
    std::string value;
    auto status = store_.db_->Get({}, store_.families_[kCounts], keys::Indexed(partition_, index.id, key), &value);
    return store_.Sound(status) && store_.Sound(value.size() == 8, "a count is none") ? static_cast<int64_t>(ReadU64(value))
                                                                                      : 0;
  }

 private:
  const Store& store_;
  const int partition_;
};

Store::Store(const Domain& domain, size_t cached_rows) : domain_(domain), cache_(cached_rows) {
  remembered_since_.fill(absl::InfinitePast());
}

Store::~Store() {
  if (!db_) return;
  for (auto* family : families_) db_->DestroyColumnFamilyHandle(family);
}

absl::StatusOr<std::unique_ptr<Store>> Store::Open(const Domain& domain, const StoreOptions& options) {
  std::unique_ptr<Store> store(new Store(domain, options.cached_rows));
  auto cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (int family = 0; family < kFamilies; ++family) {
    descriptors.emplace_back(std::string(kFamilyNames[family]), FamilyOptions(options, cache, family == kRows));
  }
  rocksdb::DB* db = nullptr;
  auto status = rocksdb::DB::Open(DatabaseOptions(options), options.path, descriptors, &store->families_, &db);
  if (!status.ok()) return FromRocks(status, Cat("opening the store of ", domain.service));
  store->db_.reset(db);
  if (absl::Status loaded = store->Load(); !loaded.ok()) return loaded;
  return store;
}

absl::Status Store::Load() {
  absl::MutexLock lock(&mutex_);
  for (int p = 0; p < log::kPartitions; ++p) {
    partitions_.push_back(std::make_unique<PartitionState>(*this, p));
    std::string bytes;
    auto status = db_->Get({}, keys::Fold(p), &bytes);
    if (status.IsNotFound()) continue;
    if (!status.ok()) return FromRocks(status, "reading where the fold stands");
    if (!folds_[p].ParseFromString(bytes) || folds_[p].next_offset() < 0)
      return FromRocks(rocksdb::Status::Corruption("a fold state does not parse"), "reading where the fold stands");
    next_offset_[p] = folds_[p].next_offset();
  }
  return absl::OkStatus();
}

const State& Store::partition(int partition) const { return *partitions_[partition]; }

event::v1::FoldState Store::fold(int partition) const {
  absl::MutexLock lock(&mutex_);
  return folds_[partition];
}

absl::Status Store::Write(const Commit& commit) {
  rocksdb::WriteBatch batch;
  WriteRows(commit, batch);
  for (const auto& [time, offset] : commit.times) {
    batch.Put(families_[kTimes], keys::TimeKey(commit.partition, FromProto(time), offset), rocksdb::Slice());
  }
  event::v1::FoldState fold = commit.fold;
  WriteRequests(commit, fold, batch);
  batch.Put(keys::Fold(commit.partition), fold.SerializeAsString());
  if (auto status = db_->Write({}, &batch); !status.ok()) {
    remembered_since_[commit.partition] = absl::InfinitePast();  // What was to be forgotten is still there.
    return FromRocks(status, "writing the store");
  }

  if (commit.changes) {
    for (const auto& write : commit.changes->writes()) {
      cache_.Set(keys::RowName(commit.partition, write.table->id, write.name),
                 write.row->resource ? write.row : nullptr);
    }
  }
  {
    absl::MutexLock lock(&mutex_);
    next_offset_[commit.partition].store(fold.next_offset(), std::memory_order_release);
    folds_[commit.partition] = std::move(fold);
  }
  absl::MutexLock lock(&listeners_mutex_);
  for (auto& [id, wake] : listeners_[commit.partition]) wake();
  return absl::OkStatus();
}

void Store::WriteRows(const Commit& commit, rocksdb::WriteBatch& batch) const {
  if (!commit.changes) return;
  uint64_t record = 0;
  uint16_t number = 0;
  event::v1::Row stored;
  std::vector<std::pair<std::string, std::string>> rows;
  rows.reserve(commit.changes->writes().size());
  for (const auto& write : commit.changes->writes()) {
    if (write.record != record) number = 0;
    record = write.record;
    const int64_t offset = commit.offset_of ? commit.offset_of(record) : static_cast<int64_t>(record);
    stored.Clear();
    if (write.row->resource) {
      write.row->resource->SerializeToString(stored.mutable_resource());
    } else {
      stored.set_deleted(true);
    }
    if (write.row->sealed.fields_size() + write.row->sealed.keys_size() > 0)
      *stored.mutable_sealed() = write.row->sealed;
    *stored.mutable_meta() = write.row->meta;
    rows.emplace_back(keys::RowVersion(keys::RowName(commit.partition, write.table->id, write.name), offset),
                      stored.SerializeAsString());
    std::string change;
    AppendU16(change, write.table->id);
    change += write.name;
    batch.Put(families_[kChanges], keys::ChangeKey(commit.partition, offset, number++), change);
  }
  // In order, as the keys are already: the memtable then finds each place beside the last.
  std::sort(rows.begin(), rows.end());
  for (const auto& [key, value] : rows) batch.Put(families_[kRows], key, value);
  for (const auto& [key, name] : commit.changes->keys()) {
    const std::string stored_key = keys::Indexed(commit.partition, key.first, key.second);
    if (name) {
      batch.Put(families_[kKeys], stored_key, *name);
    } else {
      batch.Delete(families_[kKeys], stored_key);
    }
  }
  for (const auto& [key, count] : commit.changes->counts()) {
    const std::string stored_key = keys::Indexed(commit.partition, key.first, key.second);
    if (count == 0) {
      batch.Delete(families_[kCounts], stored_key);
      continue;
    }
    std::string bytes;
    AppendU64(bytes, static_cast<uint64_t>(count));
    batch.Put(families_[kCounts], stored_key, bytes);
  }
}

// The same whatever records are written together: first what these records make the store forget, then what they add
// and do not themselves make it forget.
void Store::WriteRequests(const Commit& commit, event::v1::FoldState& fold, rocksdb::WriteBatch& batch) {
  const absl::Time oldest = FromProto(fold.record_time()) - kRememberRequests;
  std::vector<const Commit::Request*> kept;
  for (const auto& request : commit.requests) {
    if (FromProto(request.outcome.record_time()) >= oldest) kept.push_back(&request);
  }
  fold.set_requests(fold.requests() + kept.size());
  Forget(commit.partition, oldest, fold, batch);
  for (const Commit::Request* request : kept) {
    const absl::Time time = FromProto(request->outcome.record_time());
    batch.Put(families_[kRequestTimes], keys::RequestTimeKey(commit.partition, time, request->key), rocksdb::Slice());
    remembered_since_[commit.partition] = std::min(remembered_since_[commit.partition], time);
  }
  std::stable_sort(kept.begin(), kept.end(), [](const auto* a, const auto* b) { return a->key < b->key; });
  for (const Commit::Request* request : kept) {
    batch.Put(families_[kRequests], keys::RequestKey(commit.partition, request->key),
              request->outcome.SerializeAsString());
  }
}

// Forgets by log time alone, so that every replica forgets the same whatever its clock says.
void Store::Forget(int partition, absl::Time oldest, event::v1::FoldState& fold, rocksdb::WriteBatch& batch) {
  if (fold.requests() == 0) return;
  absl::Time& since = remembered_since_[partition];
  if (since >= oldest && fold.requests() <= kMaxRequests) return;
  since = absl::InfiniteFuture();
  const std::string until = keys::RequestTimeKey(partition, oldest, "");
  const std::string start = keys::Partition(partition);
  std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}, families_[kRequestTimes]));
  for (it->Seek(start); it->Valid() && HasPrefix(FromSlice(it->key()), start); it->Next()) {
    if (!Sound(it->key().size() >= keys::kRequestTimePrefix, "a request's time is none")) break;
    if (FromSlice(it->key()) >= until && fold.requests() <= kMaxRequests) {
      since = keys::TimeOfRequest(FromSlice(it->key()));
      break;
    }
    batch.Delete(families_[kRequestTimes], it->key());
    batch.Delete(families_[kRequests], keys::RequestKey(partition, FromSlice(it->key()).substr(keys::kRequestTimePrefix)));
    fold.set_requests(fold.requests() - 1);
  }
  Sound(it->status());
}

int64_t Store::Listen(int partition, std::function<void()> wake) {
  absl::MutexLock lock(&listeners_mutex_);
  listeners_[partition].emplace_back(next_listener_, std::move(wake));
  return next_listener_++;
}

void Store::Unlisten(int partition, int64_t id) {
  absl::MutexLock lock(&listeners_mutex_);
  auto& all = listeners_[partition];
  all.erase(std::remove_if(all.begin(), all.end(), [&](const auto& l) { return l.first == id; }), all.end());
}

}  // namespace trialog::view
