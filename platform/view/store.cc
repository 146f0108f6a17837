#include "platform/view/store.h"

#include <algorithm>

#include "platform/errors/errors.h"
#include "platform/telemetry/event_log.h"
#include "platform/text/text.h"
#include "platform/view/rocks.h"
#include "platform/view/store_keys.h"
#include "platform/view/times.h"
#include "rocksdb/cache.h"
#include "rocksdb/db.h"
#include "rocksdb/memtablerep.h"
#include "rocksdb/slice_transform.h"

namespace trialog::view {
namespace {

constexpr std::string_view kFamilyNames[] = {"default", "rows", "keys", "counts", "records", "requests", "facts"};
// Of the families and what stands in them, followed by Domain::view; a store of another is built again from the log.
constexpr std::string_view kFormatVersion = "2";

// Bytes of a memtable for each bucket of its table of requests; a bucket takes 8, an entry about 100.
constexpr size_t kRequestBytes = 1024;

// All versions of one row share a Bloom filter entry: the key without its offset.
class WithoutOffset final : public rocksdb::SliceTransform {
 public:
  const char* Name() const override { return "trialog.WithoutOffset"; }
  rocksdb::Slice Transform(const rocksdb::Slice& key) const override { return {key.data(), key.size() - 8}; }
  bool InDomain(const rocksdb::Slice& key) const override { return key.size() > 8; }
};

rocksdb::ColumnFamilyOptions FamilyOptions(const StoreOptions& options, const std::shared_ptr<rocksdb::Cache>& cache,
                                           std::string_view name) {
  rocksdb::ColumnFamilyOptions family = NewFamily(cache, options.compress);
  family.write_buffer_size = options.write_buffer_bytes / 4;
  if (name == "rows") {
    family.prefix_extractor = std::make_shared<WithoutOffset>();
    family.memtable_prefix_bloom_size_ratio = 0.02;  // A fold asks for each new row whether it was there before.
  }
  if (name == "requests") {
    // Found by the whole key alone: in a hash table their random keys cost less than in a skip list.
    family.prefix_extractor.reset(rocksdb::NewNoopTransform());
    family.memtable_factory.reset(rocksdb::NewHashLinkListRepFactory(family.write_buffer_size / kRequestBytes));
  }
  return family;
}

rocksdb::DBOptions DatabaseOptions(const StoreOptions& options) {
  rocksdb::DBOptions db;
  db.create_if_missing = true;
  db.create_missing_column_families = true;
  db.allow_concurrent_memtable_write = false;  // One thread writes a partition; the hash table knows no other way.
  db.atomic_flush = true;  // Without a write-ahead log: what is on disk is then always one position's state.
  db.db_write_buffer_size = options.write_buffer_bytes;
  db.max_open_files = 256;
  db.keep_log_file_num = 2;
  db.compaction_readahead_size = 2 << 20;  // Compaction reads 4 KB at a time otherwise.
  if (options.env != nullptr) db.env = options.env;
  return db;
}

// False for a store of another build, which has other families.
bool HasTheseFamilies(const rocksdb::DBOptions& database, const std::string& path) {
  std::vector<std::string> names;
  if (!rocksdb::DB::ListColumnFamilies(database, path, &names).ok())
    return true;  // None yet, or opening says what is wrong.
  return std::is_permutation(names.begin(), names.end(), std::begin(kFamilyNames), std::end(kFamilyNames));
}

}  // namespace

// A partition of the store as committed.
class Store::PartitionState : public State {
 public:
  PartitionState(const Store& store, int partition) : store_(store), partition_(partition) {}

  RowPtr Find(const Table& table, std::string_view name) const override {
    return store_.FindLatest(partition_, table, name, nullptr);
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
    return store_.Sound(status) && store_.Sound(value.size() == 8, "a count is none")
               ? static_cast<int64_t>(ReadU64(value))
               : 0;
  }

 protected:
  const Store& store_;
  const int partition_;
};

class Store::StateOfBatch final : public PartitionState {
 public:
  using PartitionState::PartitionState;

  RowPtr Find(const Table& table, std::string_view name) const override {
    if (!iterator_) iterator_.reset(store_.NewRowIterator());
    return store_.FindLatest(partition_, table, name, iterator_.get());
  }

 private:
  mutable std::unique_ptr<rocksdb::Iterator> iterator_;
};

std::unique_ptr<State> Store::StateForCommit(int partition) const {
  return std::make_unique<StateOfBatch>(*this, partition);
}

Store::Store(const Domain& domain, size_t cached_rows) : domain_(domain), cache_(cached_rows) {
  remembered_since_.fill(absl::InfinitePast());
}

Store::~Store() { Close(); }

absl::StatusOr<std::unique_ptr<Store>> Store::Open(const Domain& domain, const StoreOptions& options) {
  std::unique_ptr<Store> store(new Store(domain, options.cached_rows));
  if (absl::Status opened = store->OpenDatabase(options); !opened.ok()) return opened;
  if (absl::Status loaded = store->Load(); !loaded.ok()) return loaded;
  return store;
}

absl::Status Store::OpenDatabase(const StoreOptions& options) {
  const rocksdb::DBOptions database = DatabaseOptions(options);
  const std::string what = Cat("opening the store of ", domain_.service);
  auto cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (std::string_view name : kFamilyNames) {
    descriptors.emplace_back(std::string(name), FamilyOptions(options, cache, name));
  }
  const std::string version = domain_.view == 1 ? std::string(kFormatVersion) : Cat(kFormatVersion, ".", domain_.view);
  bool current = HasTheseFamilies(database, options.path);
  while (true) {
    if (!current) {
      const auto dropped = rocksdb::DestroyDB(options.path, rocksdb::Options(database, {}));
      if (!dropped.ok()) return FromRocks(dropped, what);
    }
    rocksdb::DB* db = nullptr;
    const auto status = rocksdb::DB::Open(database, options.path, descriptors, &families_, &db);
    if (status.IsCorruption() && current) {
      // A power cut may leave the list of files half written, and nothing here is more than the log gives again.
      telemetry::Warning("store_dropped", {{"service", std::string(domain_.service)}, {"cause", status.ToString()}});
      current = false;
      continue;
    }
    if (!status.ok()) return FromRocks(status, what);
    db_.reset(db);
    if (db_->GetLatestSequenceNumber() == 0) {
      return FromRocks(db_->Put(Unlogged(), ToSlice(keys::kFormat), version), what);
    }
    std::string found;
    const auto read = db_->Get({}, ToSlice(keys::kFormat), &found);
    if (!read.ok() && !read.IsNotFound()) return FromRocks(read, what);
    current = found == version;
    if (current) return absl::OkStatus();
    Close();
  }
}

void Store::Close() {
  for (auto* family : families_) db_->DestroyColumnFamilyHandle(family);
  families_.clear();
  db_.reset();
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

}  // namespace trialog::view
