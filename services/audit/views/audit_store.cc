#include "services/audit/views/audit_store.h"

#include <algorithm>

#include "platform/command/decision.h"
#include "platform/disk/probe.h"
#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "platform/view/rocks.h"
#include "platform/view/times.h"
#include "rocksdb/cache.h"
#include "rocksdb/db.h"
#include "rocksdb/listener.h"
#include "rocksdb/memtablerep.h"
#include "rocksdb/slice_transform.h"
#include "rocksdb/write_batch.h"
#include "services/audit/views/store_keys.h"

namespace trialog::audit {
namespace {

using view::FromRocks;
using view::FromSlice;
using view::ToSlice;

constexpr std::string_view kFamilyNames[] = {"default", "entries", "records",    "tiles",
                                             "events",  "lists",   "checkpoints"};
constexpr std::string_view kWriting = "writing the store of the audit log";
constexpr size_t kEventBuckets = 16 * 1024;
constexpr std::string_view kAccessType = "trialog.event.v1.Access";

rocksdb::ColumnFamilyOptions FamilyOptions(const AuditStoreOptions& options,
                                           const std::shared_ptr<rocksdb::Cache>& cache, std::string_view name) {
  rocksdb::ColumnFamilyOptions family = view::NewFamily(cache, options.compress);
  family.write_buffer_size = 16 << 20;
  if (name == "events") {
    // Found by the whole id alone, which is as good as random: a hash table costs less than a skip list.
    family.prefix_extractor.reset(rocksdb::NewNoopTransform());
    family.memtable_factory.reset(rocksdb::NewHashLinkListRepFactory(kEventBuckets));
  }
  return family;
}

rocksdb::DBOptions DatabaseOptions(const AuditStoreOptions& options, std::shared_ptr<rocksdb::EventListener> listener) {
  rocksdb::DBOptions db;
  db.listeners = {std::move(listener)};
  db.create_if_missing = true;
  db.create_missing_column_families = true;
  db.max_total_wal_size = 64 << 20;
  db.db_write_buffer_size = 64 << 20;
  db.max_open_files = 256;
  db.keep_log_file_num = 2;
  db.compaction_readahead_size = 2 << 20;
  db.allow_concurrent_memtable_write = false;  // One thread writes; the hash table knows no other way.
  if (options.env != nullptr) db.env = options.env;
  return db;
}

absl::Status NotOpen() {
  return RetryLater(absl::StatusCode::kUnavailable, "STORE_CLOSED",
                    "the store of the audit log could not be opened again; look at its disk", absl::Seconds(1));
}

absl::Status Damaged(std::string_view what) {
  return Refuse(absl::StatusCode::kDataLoss, "STORE_DAMAGED", Cat(what, " is damaged or missing"));
}

}  // namespace

// Hears that the disk was full in the background: RocksDB would take writes for a while and then let them wait for
// ever.
class AuditStore::ErrorListener final : public rocksdb::EventListener {
 public:
  explicit ErrorListener(AuditStore& store) : store_(store) {}
  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* error) override {
    if (error->IsNoSpace()) store_.KeepFailure(FromRocks(*error, kWriting)).IgnoreError();
  }

 private:
  AuditStore& store_;
};

AuditStore::AuditStore(AuditStoreOptions options)
    : options_(std::move(options)),
      batch_(std::make_unique<rocksdb::WriteBatch>()),
      closed_(std::make_unique<rocksdb::WriteBatch>()) {}

AuditStore::~AuditStore() {
  AwaitBegun().IgnoreError();
  absl::MutexLock lock(&database_mutex_);
  CloseDatabase();
}

absl::StatusOr<std::unique_ptr<AuditStore>> AuditStore::Open(const AuditStoreOptions& options) {
  std::unique_ptr<AuditStore> store(new AuditStore(options));
  {
    absl::MutexLock lock(&store->database_mutex_);
    if (absl::Status opened = store->OpenDatabase(); !opened.ok()) return opened;
  }
  if (absl::Status loaded = store->Load(); !loaded.ok()) return loaded;
  return store;
}

absl::Status AuditStore::OpenDatabase() {
  auto cache = rocksdb::NewLRUCache(32 << 20);
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (std::string_view name : kFamilyNames)
    descriptors.emplace_back(std::string(name), FamilyOptions(options_, cache, name));
  rocksdb::DB* db = nullptr;
  auto status = rocksdb::DB::Open(DatabaseOptions(options_, std::make_shared<ErrorListener>(*this)), options_.path,
                                  descriptors, &families_, &db);
  if (!status.ok()) return FromRocks(status, "opening the store of the audit log");
  db_.reset(db);
  return absl::OkStatus();
}

void AuditStore::CloseDatabase() {
  if (!db_) return;
  for (auto* family : families_) db_->DestroyColumnFamilyHandle(family);
  families_.clear();
  db_.reset();
}

// RocksDB's Resume is no way back: it may leave a WAL in use whose writer saw the error, and whose next use is refused
// or ends the process.
absl::Status AuditStore::OpenAgain() {
  absl::MutexLock lock(&database_mutex_);
  if (db_) {
    const auto written = disk::TryWriting(options_.env ? *options_.env : *rocksdb::Env::Default(), options_.path);
    if (!written.ok()) return FromRocks(written, kWriting);
    CloseDatabase();
  }
  {
    absl::MutexLock failure_lock(&failure_mutex_);
    failure_ = absl::OkStatus();
  }
  return KeepFailure(OpenDatabase());
}

absl::Status AuditStore::Failure() const {
  absl::MutexLock lock(&failure_mutex_);
  return failure_;
}

absl::Status AuditStore::KeepFailure(absl::Status status) {
  absl::MutexLock lock(&failure_mutex_);
  failure_.Update(status);
  return status;
}

absl::Status AuditStore::Load() {
  auto stored = Get(kMeta, keys::kTreeSize, "the size of the tree");
  if (absl::IsNotFound(stored.status())) {
    size_ = 0;
    return absl::OkStatus();
  }
  if (!stored.ok()) return stored.status();
  if (stored->size() != sizeof(uint64_t)) return Damaged("the size of the tree");
  const uint64_t size = view::ReadU64(*stored);
  size_ = size;
  TileHashReader hashes = Hashes(size);
  auto frontier = Frontier::Load(size, hashes);
  if (!frontier.ok()) return frontier.status();
  frontier_ = *std::move(frontier);
  for (int level = 0; level * kTileHeight < 64 && size >> (level * kTileHeight) > 0; ++level) {
    const uint64_t count = size >> (level * kTileHeight);
    OpenTile open{.index = count / kTileWidth};
    if (const int width = static_cast<int>(count % kTileWidth); width > 0) {
      auto tile = Tile({level, open.index, width});
      if (!tile.ok()) return tile.status();
      if (tile->size() != width * kHashSize) return Damaged("a tile");
      open.hashes.assign(*tile);
    }
    open_tiles_.push_back(std::move(open));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> AuditStore::Get(Family family, std::string_view key, std::string_view what) const {
  std::string value;
  absl::ReaderMutexLock lock(&database_mutex_);
  if (!db_) return NotOpen();
  const auto status = db_->Get({}, families_[family], ToSlice(key), &value);
  if (status.IsNotFound()) return NotFound(what);
  if (!status.ok()) return FromRocks(status, Cat("reading ", what));
  return value;
}

// ---- Reading. ----

absl::StatusOr<event::v1::FoldState> AuditStore::Fold(std::string_view source, int partition) const {
  event::v1::FoldState fold;
  auto stored = Get(kMeta, keys::Fold(source, partition), "fold state");
  if (absl::IsNotFound(stored.status())) return fold;
  if (!stored.ok()) return stored.status();
  if (!fold.ParseFromString(*stored)) return Damaged("a fold state");
  return fold;
}

absl::StatusOr<v1::AuditEntry> AuditStore::Entry(uint64_t tree_index) const {
  auto stored = Get(kEntries, keys::Number(tree_index), "entry");
  if (!stored.ok()) return stored.status();
  v1::AuditEntry entry;
  if (!entry.mutable_material()->ParseFromString(*stored) ||
      !entry.mutable_content()->ParseFromString(entry.material().content())) {
    return Damaged(Cat("entry ", tree_index));
  }
  entry.set_name(
      Cat("organizations/", entry.content().organization(), "/auditEntries/", UuidText(entry.content().event_id())));
  entry.set_tree_index(tree_index);
  return entry;
}

absl::StatusOr<uint64_t> AuditStore::Find(std::string_view event_id) const {
  auto stored = Get(kEvents, event_id, "entry");
  if (!stored.ok()) return stored.status();
  if (stored->size() != sizeof(uint64_t)) return Damaged("an event's place");
  return view::ReadU64(*stored);
}

absl::StatusOr<std::string> AuditStore::Record(std::string_view source, int32_t partition, int64_t offset) const {
  return Get(kRecords, keys::Record(source, partition, offset), "record");
}

absl::StatusOr<std::vector<ListedEntry>> AuditStore::List(const ListQuery& query) const {
  const std::string prefix = keys::List(query.by, query.organization, query.value);
  const int64_t start = query.start == absl::InfinitePast() ? INT64_MIN : absl::ToUnixMicros(query.start);
  const int64_t end = query.end == absl::InfiniteFuture() ? INT64_MAX : absl::ToUnixMicros(query.end);
  std::vector<ListedEntry> listed;
  if (end == INT64_MIN) return listed;  // Nothing is before the first microsecond.
  std::string from = prefix + keys::Place(end == INT64_MAX ? end : end - 1, UINT64_MAX);
  if (!query.after.empty()) from = std::max(from, prefix + query.after);
  absl::ReaderMutexLock lock(&database_mutex_);
  if (!db_) return NotOpen();
  std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}, families_[kLists]));
  for (it->Seek(from); it->Valid() && listed.size() < query.limit; it->Next()) {
    const std::string_view key = FromSlice(it->key());
    if (!HasPrefix(key, prefix)) break;
    // A value that goes on after a NUL makes longer keys under the same prefix: not of this list.
    if (key.size() != prefix.size() + keys::kListPlace) continue;
    const std::string_view place = key.substr(prefix.size());
    if (place == query.after) continue;
    if (keys::MicrosOf(place) < start) break;
    listed.push_back({std::string(place), keys::TreeIndexOf(place)});
  }
  if (!it->status().ok()) return FromRocks(it->status(), "reading a list of the audit log");
  return listed;
}

absl::StatusOr<v1::Checkpoint> AuditStore::Checkpoint(uint64_t size) const {
  std::string value;
  if (size > 0) {
    auto stored = Get(kCheckpoints, keys::Number(size), "checkpoint");
    if (!stored.ok()) return stored.status();
    value = *std::move(stored);
  } else {
    absl::ReaderMutexLock lock(&database_mutex_);
    if (!db_) return NotOpen();
    std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}, families_[kCheckpoints]));
    it->SeekToLast();
    if (!it->status().ok()) return FromRocks(it->status(), "reading the latest checkpoint");
    if (!it->Valid()) return NotFound("checkpoint");
    value = it->value().ToString();
  }
  v1::Checkpoint checkpoint;
  if (!checkpoint.ParseFromString(value)) return Damaged("a checkpoint");
  return checkpoint;
}

absl::StatusOr<std::string> AuditStore::Tile(const TileId& tile) const {
  auto stored = Get(kTiles, keys::Tile(tile.level, tile.index), "tile");
  // Only tiles of a tree that is here are asked for.
  if (absl::IsNotFound(stored.status())) return Damaged(TilePath(tile));
  return stored;
}

TileHashReader AuditStore::Hashes(uint64_t size) const {
  return TileHashReader(size, [this](const TileId& tile) { return Tile(tile); });
}

// ---- Appending. ----

void AuditStore::Append(const RecordEntries& record) {
  if (record.entries.empty()) return;
  batch_->Put(families_[kRecords], keys::Record(record.source, record.partition, record.offset), ToSlice(record.bytes));
  for (const v1::AuditEntry& entry : record.entries) AppendLeaf(entry, frontier_.size());
}

void AuditStore::AppendLeaf(const v1::AuditEntry& entry, uint64_t tree_index) {
  batch_->Put(families_[kEntries], keys::Number(tree_index), entry.material().SerializeAsString());
  IndexEntry(entry, tree_index);
  frontier_.Append(HashLeaf(entry.material().leaf()), [&](NodeId node, const std::string& hash) {
    if (node.level % kTileHeight != 0) return;  // Within a tile: computed from the hashes below.
    const auto level = static_cast<size_t>(node.level / kTileHeight);
    if (open_tiles_.size() <= level) open_tiles_.resize(level + 1);
    OpenTile& open = open_tiles_[level];
    open.hashes += hash;
    open.changed = true;
    if (open.hashes.size() < kTileWidth * kHashSize) return;
    batch_->Put(families_[kTiles], keys::Tile(static_cast<int>(level), open.index), open.hashes);
    open = {.index = open.index + 1};
  });
}

void AuditStore::IndexEntry(const v1::AuditEntry& entry, uint64_t tree_index) {
  const v1::EntryContent& content = entry.content();
  const auto place = keys::PlaceNumbers(absl::ToUnixMicros(FromProto(content.record_time())), tree_index);
  event_keys_.emplace_back(content.event_id(), tree_index);
  const auto add = [&](ListBy by, std::string_view value) {
    keys::SetList(list_key_, by, content.organization(), value);
    list_keys_[list_key_].push_back(place);
    key_bytes_ += list_key_.size() + keys::kListPlace;
  };
  add(ListBy::kOrganization, "");
  add(ListBy::kType, content.type());
  add(ListBy::kAction, content.action());
  if (!content.entity().empty()) add(ListBy::kEntity, content.entity());
  if (!content.actor().name().empty()) add(ListBy::kActor, content.actor().name());
  if (content.type() != kAccessType) return;
  event::v1::Access access;
  if (!access.ParseFromString(content.payload()) || access.outcome() != event::v1::Access::OUTCOME_SHOWN) return;
  for (const std::string& subject : access.subjects()) add(ListBy::kSubject, subject);
}

void AuditStore::SetFold(std::string_view source, int partition, const event::v1::FoldState& fold) {
  batch_->Put(families_[kMeta], keys::Fold(source, partition), fold.SerializeAsString());
}

void AuditStore::AddCheckpoint(const v1::Checkpoint& checkpoint) {
  batch_->Put(families_[kCheckpoints], keys::Number(checkpoint.tree_size()), checkpoint.SerializeAsString());
}

size_t AuditStore::pending_bytes() const { return batch_->GetDataSize() + key_bytes_; }

void AuditStore::PutOpenTiles() {
  for (size_t level = 0; level < open_tiles_.size(); ++level) {
    OpenTile& open = open_tiles_[level];
    if (!std::exchange(open.changed, false) || open.hashes.empty()) continue;
    batch_->Put(families_[kTiles], keys::Tile(static_cast<int>(level), open.index), open.hashes);
  }
}

void AuditStore::PutKeys() {
  std::vector<std::pair<const std::string, std::vector<ListPlace>>*> lists;
  lists.reserve(list_keys_.size());
  for (auto& list : list_keys_) lists.push_back(&list);
  std::sort(lists.begin(), lists.end(), [](const auto* a, const auto* b) { return a->first < b->first; });
  for (auto* list : lists) {
    std::sort(list->second.begin(), list->second.end());
    for (const ListPlace& numbers : list->second) {
      const std::string place = keys::Place(numbers);
      const rocksdb::Slice parts[] = {list->first, place};
      batch_->Put(families_[kLists], rocksdb::SliceParts(parts, 2), rocksdb::SliceParts());
    }
  }
  list_keys_.clear();
  key_bytes_ = 0;
  std::sort(event_keys_.begin(), event_keys_.end());
  for (const auto& [event_id, tree_index] : event_keys_) {
    batch_->Put(families_[kEvents], event_id, keys::Number(tree_index));
  }
  event_keys_.clear();
}

bool AuditStore::CloseBatch() {
  if (batch_->Count() == 0) return false;
  PutOpenTiles();
  PutKeys();
  closed_size_ = frontier_.size();
  batch_->Put(families_[kMeta], ToSlice(keys::kTreeSize), keys::Number(closed_size_));
  std::swap(batch_, closed_);
  return true;
}

absl::Status AuditStore::WriteClosed() {
  view::CountNothing();
  absl::Status status = Failure();
  if (status.ok()) status = KeepFailure(FromRocks(db_->Write({}, closed_.get()), kWriting));
  closed_->Clear();
  if (!status.ok()) return status;
  size_.store(closed_size_, std::memory_order_release);
  return absl::OkStatus();
}

absl::Status AuditStore::AwaitBegun() { return begun_.valid() ? begun_.get() : absl::OkStatus(); }

absl::Status AuditStore::BeginCommit(Executor& writer) {
  if (absl::Status before = AwaitBegun(); !before.ok()) return before;
  if (!CloseBatch()) return absl::OkStatus();
  const auto written = std::make_shared<std::promise<absl::Status>>();
  begun_ = written->get_future();
  writer.Post([this, written] { written->set_value(WriteClosed()); });
  return absl::OkStatus();
}

absl::Status AuditStore::Commit() {
  if (absl::Status before = AwaitBegun(); !before.ok()) return before;
  return CloseBatch() ? WriteClosed() : absl::OkStatus();
}

void AuditStore::ForgetPending() {
  batch_->Clear();
  list_keys_.clear();
  event_keys_.clear();
  key_bytes_ = 0;
  frontier_ = Frontier();
  open_tiles_.clear();
}

absl::Status AuditStore::Restart() {
  AwaitBegun().IgnoreError();  // What it could not write is folded again.
  ForgetPending();
  if (!Failure().ok()) {
    if (absl::Status opened = OpenAgain(); !opened.ok()) return opened;
  }
  return Load();
}

absl::Status AuditStore::Sync() {
  if (absl::Status failure = Failure(); !failure.ok()) return failure;
  absl::ReaderMutexLock lock(&database_mutex_);
  if (!db_) return NotOpen();
  return KeepFailure(FromRocks(db_->SyncWAL(), "syncing the store of the audit log"));
}

}  // namespace trialog::audit
