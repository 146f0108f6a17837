// A commit: rows, keys, notes and request ids of some records and the position after them, in one write.
#include <algorithm>

#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "platform/view/rocks.h"
#include "platform/view/row_codec.h"
#include "platform/view/store.h"
#include "platform/view/store_keys.h"
#include "platform/view/times.h"
#include "rocksdb/db.h"
#include "rocksdb/write_batch.h"

namespace trialog::view {
namespace {

// Keys and values one behind the other, to be put in the keys' order: the memtable then finds each place beside the
// last.
class Sorted {
 public:
  explicit Sorted(size_t entries) { entries_.reserve(entries); }

  // What is appended to bytes() before Middle is the key, what comes behind it the value.
  std::string& bytes() { return bytes_; }
  void Begin() { entries_.push_back({bytes_.size(), 0, 0}); }
  void Middle() { entries_.back().middle = bytes_.size(); }
  void End() { entries_.back().end = bytes_.size(); }

  void Put(rocksdb::ColumnFamilyHandle* family, rocksdb::WriteBatch& batch) {
    std::sort(entries_.begin(), entries_.end(), [this](const Entry& a, const Entry& b) { return Key(a) < Key(b); });
    for (const Entry& entry : entries_) {
      batch.Put(family, ToSlice(Key(entry)), {bytes_.data() + entry.middle, entry.end - entry.middle});
    }
  }

 private:
  struct Entry {
    size_t begin, middle, end;
  };
  std::string_view Key(const Entry& entry) const {
    return std::string_view(bytes_).substr(entry.begin, entry.middle - entry.begin);
  }

  std::string bytes_;
  std::vector<Entry> entries_;
};

int64_t OffsetOf(const Commit& commit, uint64_t record) {
  return commit.offset_of ? commit.offset_of(record) : static_cast<int64_t>(record);
}

}  // namespace

absl::Status Store::Write(const Commit& commit) {
  CountNothing();
  rocksdb::WriteBatch batch;
  WriteRows(commit, batch);
  WriteKeys(commit, batch);
  if (absl::Status noted = WriteRecords(commit, batch); !noted.ok()) return noted;
  event::v1::FoldState fold = commit.fold;
  WriteRequests(commit, fold, batch);
  batch.Put(keys::Fold(commit.partition), fold.SerializeAsString());
  if (auto status = db_->Write(Unlogged(), &batch); !status.ok()) {
    remembered_since_[commit.partition] = absl::InfinitePast();  // What was to be forgotten is still there.
    return FromRocks(status, "writing the store");
  }
  Publish(commit, std::move(fold));
  return absl::OkStatus();
}

void Store::Publish(const Commit& commit, event::v1::FoldState fold) {
  if (commit.changes) {
    for (const auto& write : commit.changes->writes()) {
      cache_.Set(keys::RowName(commit.partition, write.table->id, write.name),
                 write.row->resource ? write.row : nullptr, OffsetOf(commit, write.record));
    }
  }
  {
    absl::MutexLock lock(&mutex_);
    next_offset_[commit.partition].store(fold.next_offset(), std::memory_order_release);
    folds_[commit.partition] = std::move(fold);
  }
  absl::MutexLock lock(&listeners_mutex_);
  for (auto& [id, wake] : listeners_[commit.partition]) wake();
}

void Store::WriteRows(const Commit& commit, rocksdb::WriteBatch& batch) const {
  if (!commit.changes) return;
  Sorted rows(commit.changes->writes().size());
  for (const auto& write : commit.changes->writes()) {
    rows.Begin();
    keys::AppendRowName(rows.bytes(), commit.partition, write.table->id, write.name);
    keys::AppendVersion(rows.bytes(), OffsetOf(commit, write.record));
    rows.Middle();
    AppendRow(*write.row, rows.bytes());
    rows.End();
  }
  rows.Put(families_[kRows], batch);
}

void Store::WriteKeys(const Commit& commit, rocksdb::WriteBatch& batch) const {
  if (!commit.changes) return;
  // Both maps are in the order of the families: index, then key.
  std::string stored_key = keys::Partition(commit.partition);
  const auto prefixed = [&stored_key](const std::string& index_and_key) {
    stored_key.resize(1);
    stored_key += index_and_key;
    return rocksdb::Slice(stored_key);
  };
  for (const auto& [key, name] : commit.changes->keys()) {
    if (name) {
      batch.Put(families_[kKeys], prefixed(key), *name);
    } else {
      batch.Delete(families_[kKeys], prefixed(key));
    }
  }
  std::string bytes;
  for (const auto& [key, count] : commit.changes->counts()) {
    if (count == 0) {
      batch.Delete(families_[kCounts], prefixed(key));
      continue;
    }
    bytes.clear();
    AppendU64(bytes, static_cast<uint64_t>(count));
    batch.Put(families_[kCounts], prefixed(key), bytes);
  }
}

absl::Status Store::WriteRecords(const Commit& commit, rocksdb::WriteBatch& batch) const {
  static const std::deque<ChangeSet::RowWrite> kNone;
  const auto& writes = commit.changes ? commit.changes->writes() : kNone;
  event::v1::RecordNote note;
  std::string bytes;
  size_t next = 0;
  for (const Commit::Record& record : commit.records) {
    note.Clear();
    *note.mutable_record_time() = record.data->record_time();
    if (!record.data->request_key().empty()) {
      note.set_request_key(record.data->request_key());
      note.set_request_mac(record.data->request_mac());
      *note.mutable_names() = record.data->result().names();
    }
    for (; next < writes.size() && OffsetOf(commit, writes[next].record) == record.offset; ++next) {
      auto* change = note.add_changes();
      change->set_table(writes[next].table->id);
      change->set_name(writes[next].name);
    }
    note.SerializeToString(&bytes);
    batch.Put(families_[kRecords], keys::RecordKey(commit.partition, record.offset), bytes);
  }
  return next == writes.size() ? absl::OkStatus() : absl::InternalError("a change belongs to no record of its commit");
}

// The same whatever records are written together: first what these records make the store forget, then what they add
// and do not themselves make it forget.
void Store::WriteRequests(const Commit& commit, event::v1::FoldState& fold, rocksdb::WriteBatch& batch) {
  for (const Commit::Record& record : commit.records) {
    if (!record.data->request_key().empty()) fold.set_requests(fold.requests() + 1);
  }
  const int64_t now = absl::ToUnixSeconds(FromProto(fold.record_time()));
  Forget(commit, absl::FromUnixSeconds(now) - kRememberRequests, fold, batch);
  Sorted kept(commit.records.size());
  for (const Commit::Record& record : commit.records) {
    if (record.data->request_key().empty() || record.offset < fold.remembered_from()) continue;
    kept.Begin();
    kept.bytes() += static_cast<char>(commit.partition);
    kept.bytes() += record.data->request_key();
    kept.Middle();
    AppendU64(kept.bytes(), static_cast<uint64_t>(record.offset));
    kept.End();
  }
  kept.Put(families_[kRequests], batch);
}

// Forgets by log time alone, so that every replica forgets the same whatever its clock says: walks from the oldest
// record that is remembered over those before `oldest`, and over as many as are too many.
void Store::Forget(const Commit& commit, absl::Time oldest, event::v1::FoldState& fold, rocksdb::WriteBatch& batch) {
  absl::Time& since = remembered_since_[commit.partition];
  if (since >= oldest && fold.requests() <= kMaxRequests) return;
  const auto stays = [&](absl::Time time) { return time >= oldest && fold.requests() <= kMaxRequests; };
  const std::string partition = keys::Partition(commit.partition);
  std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}, families_[kRecords]));
  event::v1::RecordNote note;
  for (it->Seek(keys::RecordKey(commit.partition, fold.remembered_from()));
       it->Valid() && HasPrefix(FromSlice(it->key()), partition); it->Next()) {
    if (!Sound(keys::IsRecordKey(FromSlice(it->key())), "a record's key is none")) return;
    if (!ParseNote(FromSlice(it->value()), note)) return;
    const int64_t offset = keys::OffsetOfRecord(FromSlice(it->key()));
    fold.set_remembered_from(offset);
    since = FromProto(note.record_time());
    if (stays(since)) return;
    if (note.request_key().empty()) continue;
    fold.set_requests(fold.requests() - 1);
    if (OffsetOfRequest(commit.partition, note.request_key()) != offset) continue;  // Used again since.
    batch.Delete(families_[kRequests], keys::RequestKey(commit.partition, note.request_key()));
  }
  if (!Sound(it->status())) return;
  for (const Commit::Record& record : commit.records) {
    fold.set_remembered_from(record.offset);
    since = FromProto(record.data->record_time());
    if (stays(since)) return;
    if (!record.data->request_key().empty()) fold.set_requests(fold.requests() - 1);
  }
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

absl::Status Store::WriteFacts(std::string_view source, int partition, const event::v1::FoldState& fold,
                               const std::vector<FactWrite>& writes) {
  rocksdb::WriteBatch batch;
  for (const FactWrite& write : writes) {
    if (write.value) {
      batch.Put(families_[kFacts], write.key, *write.value);
    } else {
      batch.Delete(families_[kFacts], write.key);
    }
  }
  batch.Put(keys::FactFold(partition, source), fold.SerializeAsString());
  return FromRocks(db_->Write(Unlogged(), &batch), "writing facts");
}

}  // namespace trialog::view
