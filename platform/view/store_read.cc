#include <algorithm>

#include "openssl/evp.h"
#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "platform/view/rocks.h"
#include "platform/view/row_codec.h"
#include "platform/view/store.h"
#include "platform/view/store_keys.h"
#include "platform/view/times.h"
#include "rocksdb/db.h"

namespace trialog::view {

bool Store::Sound(const rocksdb::Status& status) const {
  if (status.ok()) return true;
  if (!status.IsNotFound()) {
    absl::MutexLock lock(&mutex_);
    damage_ = FromRocks(status, Cat("reading the store of ", domain_.service));
    sound_ = false;
  }
  return false;
}

bool Store::Sound(bool well_formed, std::string_view what) const {
  return well_formed || Sound(rocksdb::Status::Corruption(ToSlice(what)));
}

absl::Status Store::Health() const {
  if (sound_) return absl::OkStatus();
  absl::MutexLock lock(&mutex_);
  return damage_;
}

rocksdb::Iterator* Store::NewRowIterator() const {
  rocksdb::ReadOptions options;
  options.prefix_same_as_start = true;
  return db_->NewIterator(options, families_[kRows]);
}

RowPtr Store::FindLatest(int partition, const Table& table, std::string_view name, rocksdb::Iterator* reused) const {
  const std::string key = keys::RowName(partition, table.id, name);
  RowCache::Answer cached = cache_.Get(key);
  if (cached.hit) return cached.row;
  std::unique_ptr<rocksdb::Iterator> own(reused == nullptr ? NewRowIterator() : nullptr);
  const auto found = Versions(own ? *own : *reused, table, key, INT64_MAX, 1);
  RowPtr row = !found.empty() && found[0].row->resource ? found[0].row : nullptr;
  // A fold that asks for a row which is not there is about to write it.
  if (row || own) cache_.Offer(key, row, found.empty() ? -1 : found[0].offset, cached.ticket);
  return row;
}

RowPtr Store::FindAt(int partition, const Table& table, std::string_view name, int64_t offset) const {
  // Mostly the version that a command has just written, which is the latest.
  const RowCache::Answer latest = cache_.Get(keys::RowName(partition, table.id, name));
  if (latest.hit && latest.offset <= offset) return latest.row;
  std::vector<Version> found = History(partition, table, name, offset, 1);
  return !found.empty() && found[0].row->resource ? found[0].row : nullptr;
}

std::vector<Version> Store::History(int partition, const Table& table, std::string_view name, int64_t offset,
                                    size_t limit) const {
  std::unique_ptr<rocksdb::Iterator> it(NewRowIterator());
  return Versions(*it, table, keys::RowName(partition, table.id, name), offset, limit);
}

std::vector<Version> Store::Versions(rocksdb::Iterator& it, const Table& table, std::string_view row_name,
                                     int64_t offset, size_t limit) const {
  std::vector<Version> versions;
  for (it.Seek(keys::RowVersion(std::string(row_name), offset)); it.Valid() && versions.size() < limit; it.Next()) {
    const std::string_view key = FromSlice(it.key());
    if (key.size() != row_name.size() + 8 || !HasPrefix(key, row_name)) break;
    absl::StatusOr<RowPtr> row = ParseRow(table, FromSlice(it.value()));
    if (!Sound(row.ok(), "a row does not parse")) break;
    versions.push_back({keys::OffsetOfVersion(key), *std::move(row)});
  }
  Sound(it.status());
  return versions;
}

std::vector<std::string> Store::Names(int partition, const Table& table, std::string_view prefix,
                                      std::string_view after, size_t limit) const {
  std::vector<std::string> names;
  const std::string start = keys::RowPrefix(partition, table.id, prefix);
  rocksdb::ReadOptions options;
  options.total_order_seek = true;
  std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options, families_[kRows]));
  std::string next = start;
  if (after >= prefix && !after.empty()) {
    next = keys::RowPrefix(partition, table.id, after);
    next += '\x01';  // Beyond all versions of `after`, before every longer name: names hold no character below it.
  }
  while (names.size() < limit) {
    it->Seek(next);
    if (!it->Valid() || !HasPrefix(FromSlice(it->key()), start)) break;
    const std::string_view key = FromSlice(it->key());
    if (!Sound(keys::IsRowVersion(key), "a row's key is none")) break;
    const std::string_view name = keys::NameOfVersion(key);
    names.emplace_back(name);
    next = keys::RowPrefix(partition, table.id, name);
    next += '\x01';
  }
  Sound(it->status());
  return names;
}

// Record times never go back from one record to the next, so that the offset is found by halving.
int64_t Store::OffsetAt(int partition, absl::Time time) const {
  std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}, families_[kRecords]));
  int64_t at = -1;  // The last record found that is not after `time`.
  for (int64_t low = 0, high = next_offset(partition) - 1; low <= high;) {
    const int64_t middle = low + (high - low) / 2;
    it->SeekForPrev(keys::RecordKey(partition, middle));
    const bool found = it->Valid() && HasPrefix(FromSlice(it->key()), keys::Partition(partition));
    if (found && !Sound(keys::IsRecordKey(FromSlice(it->key())), "a record's key is none")) break;
    if (!found || keys::OffsetOfRecord(FromSlice(it->key())) < low) {
      low = middle + 1;  // No record between the two.
      continue;
    }
    const int64_t offset = keys::OffsetOfRecord(FromSlice(it->key()));
    event::v1::RecordNote note;
    if (!ParseNote(FromSlice(it->value()), note)) break;
    if (FromProto(note.record_time()) <= time) {
      at = offset;
      low = middle + 1;
    } else {
      high = offset - 1;
    }
  }
  Sound(it->status());
  return at;
}

bool Store::ParseNote(std::string_view bytes, event::v1::RecordNote& note) const {
  return note.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) ||
         Sound(false, "a record's note does not parse");
}

std::vector<Change> Store::Changes(int partition, int64_t offset, size_t limit) const {
  std::vector<Change> changes;
  event::v1::RecordNote note;
  std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}, families_[kRecords]));
  for (it->Seek(keys::RecordKey(partition, offset)); it->Valid() && changes.size() < limit; it->Next()) {
    const std::string_view key = FromSlice(it->key());
    if (!HasPrefix(key, keys::Partition(partition)) || !Sound(keys::IsRecordKey(key), "a record's key is none") ||
        !ParseNote(FromSlice(it->value()), note)) {
      break;
    }
    for (auto& change : *note.mutable_changes()) {
      const auto table = std::find_if(domain_.tables.begin(), domain_.tables.end(),
                                      [&](const Table* t) { return t->id == change.table(); });
      if (table == domain_.tables.end()) continue;
      changes.push_back({keys::OffsetOfRecord(key), *table, std::move(*change.mutable_name())});
    }
  }
  Sound(it->status());
  return changes;
}

int64_t Store::OffsetOfRequest(int partition, std::string_view key) const {
  rocksdb::PinnableSlice offset;
  const auto status = db_->Get({}, families_[kRequests], keys::RequestKey(partition, key), &offset);
  // One that cannot be read is damage, not a request never seen: its command would be carried out again.
  if (!Sound(status) || !Sound(offset.size() == 8, "a request's offset is none")) return -1;
  return static_cast<int64_t>(ReadU64(FromSlice(offset)));
}

std::optional<Answered> Store::FindRequest(int partition, std::string_view key) const {
  const int64_t offset = OffsetOfRequest(partition, key);
  if (offset < 0) return std::nullopt;
  rocksdb::PinnableSlice bytes;
  const auto status = db_->Get({}, families_[kRecords], keys::RecordKey(partition, offset), &bytes);
  event::v1::RecordNote note;
  if (!Sound(status.IsNotFound() ? rocksdb::Status::Corruption("a request without its record") : status) ||
      !ParseNote(FromSlice(bytes), note)) {
    return std::nullopt;
  }
  return Answered{offset, std::move(*note.mutable_request_mac()), {note.names().begin(), note.names().end()}};
}

event::v1::FoldState Store::fact_fold(std::string_view source, int partition) const {
  std::string bytes;
  event::v1::FoldState fold;
  if (!Sound(db_->Get({}, keys::FactFold(partition, source), &bytes))) return fold;
  return Sound(fold.ParseFromString(bytes), "where facts are folded does not parse") ? fold : event::v1::FoldState();
}

std::optional<std::string> Store::Fact(std::string_view key) const {
  std::string value;
  if (!Sound(db_->Get({}, families_[kFacts], ToSlice(key), &value))) return std::nullopt;
  return value;
}

std::vector<std::pair<std::string, std::string>> Store::Facts(std::string_view prefix) const {
  std::vector<std::pair<std::string, std::string>> facts;
  std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}, families_[kFacts]));
  for (it->Seek(ToSlice(prefix)); it->Valid() && HasPrefix(FromSlice(it->key()), prefix); it->Next()) {
    facts.emplace_back(it->key().ToString(), it->value().ToString());
  }
  Sound(it->status());
  return facts;
}

void Store::ForEach(
    const std::function<void(std::string_view family, std::string_view key, std::string_view value)>& visit) const {
  rocksdb::ReadOptions options;
  options.snapshot = db_->GetSnapshot();
  options.total_order_seek = true;
  for (auto* family : families_) {
    std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options, family));
    for (it->SeekToFirst(); it->Valid(); it->Next())
      visit(family->GetName(), FromSlice(it->key()), FromSlice(it->value()));
    Sound(it->status());
  }
  db_->ReleaseSnapshot(options.snapshot);
}

std::string Store::ContentHash() const {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr);
  const auto add = [&](std::string_view part) {
    std::string length;
    AppendU64(length, part.size());
    EVP_DigestUpdate(context.get(), length.data(), length.size());
    EVP_DigestUpdate(context.get(), part.data(), part.size());
  };
  ForEach([&](std::string_view family, std::string_view key, std::string_view value) {
    add(family);
    add(key);
    add(value);
  });
  std::string digest(32, '\0');
  EVP_DigestFinal_ex(context.get(), reinterpret_cast<unsigned char*>(digest.data()), nullptr);
  return digest;
}

}  // namespace trialog::view
