#include <algorithm>

#include "openssl/evp.h"
#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "platform/view/rocks.h"
#include "platform/view/store.h"
#include "platform/view/store_keys.h"
#include "platform/view/times.h"
#include "rocksdb/db.h"
#include "rocksdb/write_batch.h"

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

absl::StatusOr<RowPtr> Store::Parse(const Table& table, std::string_view bytes) const {
  event::v1::Row stored;
  if (!stored.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Refuse(absl::StatusCode::kDataLoss, "STORE_DAMAGED", "a row does not parse; rebuild the store from the log");
  }
  auto row = std::make_shared<Row>();
  row->sealed = std::move(*stored.mutable_sealed());
  row->meta = std::move(*stored.mutable_meta());
  if (!stored.deleted()) {
    std::shared_ptr<google::protobuf::Message> resource(table.prototype->New());
    if (!resource->ParseFromString(stored.resource())) {
      return Refuse(absl::StatusCode::kDataLoss, "STORE_DAMAGED", "a resource does not parse; rebuild the store");
    }
    row->resource = std::move(resource);
  }
  return row;
}

RowPtr Store::FindLatest(int partition, const Table& table, std::string_view name) const {
  const std::string key = keys::RowName(partition, table.id, name);
  RowCache::Answer cached = cache_.Get(key);
  if (cached.hit) return cached.row;
  RowPtr row = FindAt(partition, table, name, INT64_MAX);
  cache_.Offer(key, row, cached.ticket);
  return row;
}

RowPtr Store::FindAt(int partition, const Table& table, std::string_view name, int64_t offset) const {
  std::vector<Version> found = History(partition, table, name, offset, 1);
  return !found.empty() && found[0].row->resource ? found[0].row : nullptr;
}

std::vector<Version> Store::History(int partition, const Table& table, std::string_view name, int64_t offset,
                                    size_t limit) const {
  std::vector<Version> versions;
  const std::string row_name = keys::RowName(partition, table.id, name);
  rocksdb::ReadOptions options;
  options.prefix_same_as_start = true;
  std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options, families_[kRows]));
  for (it->Seek(keys::RowVersion(row_name, offset)); it->Valid() && versions.size() < limit; it->Next()) {
    const std::string_view key = FromSlice(it->key());
    if (key.size() != row_name.size() + 8 || !HasPrefix(key, row_name)) break;
    absl::StatusOr<RowPtr> row = Parse(table, FromSlice(it->value()));
    if (!Sound(row.ok(), "a row does not parse")) break;
    versions.push_back({keys::OffsetOfVersion(key), *std::move(row)});
  }
  Sound(it->status());
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

int64_t Store::OffsetAt(int partition, absl::Time time) const {
  std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}, families_[kTimes]));
  it->SeekForPrev(keys::TimeKey(partition, time, INT64_MAX));
  Sound(it->status());
  if (!it->Valid() || !HasPrefix(FromSlice(it->key()), keys::Partition(partition))) return -1;
  if (!Sound(it->key().size() == keys::kTimeKeyBytes, "a time's key is none")) return -1;
  return static_cast<int64_t>(ReadU64(FromSlice(it->key()).substr(9)));
}

std::vector<Change> Store::Changes(int partition, int64_t offset, size_t limit) const {
  std::vector<Change> changes;
  std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}, families_[kChanges]));
  for (it->Seek(keys::ChangeKey(partition, offset, 0)); it->Valid(); it->Next()) {
    const std::string_view key = FromSlice(it->key());
    if (!HasPrefix(key, keys::Partition(partition))) break;
    if (!Sound(key.size() == keys::kChangeKeyBytes && it->value().size() > 2, "a change is none")) break;
    const int64_t at = static_cast<int64_t>(ReadU64(key.substr(1)));
    if (changes.size() >= limit && at != changes.back().offset) break;
    const uint16_t id = ReadU16(FromSlice(it->value()));
    auto table = std::find_if(domain_.tables.begin(), domain_.tables.end(), [&](const Table* t) { return t->id == id; });
    if (table == domain_.tables.end()) continue;
    changes.push_back({at, *table, it->value().ToString().substr(2)});
  }
  Sound(it->status());
  return changes;
}

std::optional<event::v1::RequestOutcome> Store::FindRequest(int partition, std::string_view key) const {
  std::string bytes;
  auto status = db_->Get({}, families_[kRequests], keys::RequestKey(partition, key), &bytes);
  event::v1::RequestOutcome outcome;
  // An outcome that cannot be read is damage, not a request never seen: its command would be carried out again.
  if (!Sound(status) || !Sound(outcome.ParseFromString(bytes), "a request's outcome does not parse")) return std::nullopt;
  return outcome;
}

event::v1::FoldState Store::fact_fold(std::string_view source, int partition) const {
  std::string bytes;
  event::v1::FoldState fold;
  if (!Sound(db_->Get({}, keys::FactFold(partition, source), &bytes))) return fold;
  return Sound(fold.ParseFromString(bytes), "where facts are folded does not parse") ? fold : event::v1::FoldState();
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
  return FromRocks(db_->Write({}, &batch), "writing facts");
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
    for (it->SeekToFirst(); it->Valid(); it->Next()) visit(family->GetName(), FromSlice(it->key()), FromSlice(it->value()));
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
