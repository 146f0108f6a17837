#include "platform/sealing/key_table.h"

#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "platform/view/state.h"

namespace trialog::sealing {
namespace {

using event::v1::KeyRecord;
using event::v1::Sealed;
using namespace key_row;

rocksdb::Slice ToSlice(std::string_view text) { return {text.data(), text.size()}; }

std::string Number(int64_t number) { return std::string(view::OrderedBytes(static_cast<uint64_t>(number))); }
int64_t NumberIn(std::string_view bytes) {
  uint64_t number = 0;
  for (unsigned char byte : bytes) number = number << 8 | byte;
  return static_cast<int64_t>(number);
}

}  // namespace

std::string key_row::LookupKey(std::string_view organization, int64_t epoch) {
  return Cat(kLookup, organization, '/', Number(epoch));
}

absl::Status FromKeyDisk(const rocksdb::Status& status) {
  if (status.ok()) return absl::OkStatus();
  if (status.IsNoSpace()) {
    return RetryLater(absl::StatusCode::kResourceExhausted, "DISK_FULL", "the key store's disk is full; make room",
                      absl::Seconds(10));
  }
  return Refuse(status.IsCorruption() ? absl::StatusCode::kDataLoss : absl::StatusCode::kUnavailable, "KEY_STORE_DISK",
                Cat("the key store's disk answers: ", status.ToString()));
}

absl::Status KeyDoesNotOpen(std::string_view what) {
  return Refuse(absl::StatusCode::kDataLoss, "WRAPPED_KEY_DAMAGED",
                Cat(what, " does not open; restore the key store from a backup"));
}

absl::StatusOr<std::unique_ptr<KeyTable>> KeyTable::Open(const std::string& path, rocksdb::Env* env,
                                                         bool create_if_missing) {
  rocksdb::Options rocks;
  rocks.create_if_missing = create_if_missing;
  rocks.paranoid_checks = true;
  // The default would silently drop keys that stand behind a flipped byte.
  rocks.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  rocks.write_buffer_size = 4 << 20;
  // Wrapped keys are noise; and a search for one in the files stays honest.
  rocks.compression = rocksdb::kNoCompression;
  if (env != nullptr) rocks.env = env;
  rocksdb::DB* raw = nullptr;
  if (absl::Status status = FromKeyDisk(rocksdb::DB::Open(rocks, path, &raw)); !status.ok()) return status;
  return std::unique_ptr<KeyTable>(new KeyTable(std::unique_ptr<rocksdb::DB>(raw)));
}

absl::StatusOr<KeyTable::Lineage> KeyTable::LineageOf(const std::string& path) {
  auto table = Open(path, nullptr, /*create_if_missing=*/false);
  if (!table.ok()) return table.status();
  Lineage lineage;
  lineage.written = (*table)->db().GetLatestSequenceNumber();
  if (absl::Status known = FromKeyDisk((*table)->db().GetDbIdentity(lineage.id)); !known.ok()) return known;
  return lineage;
}

absl::StatusOr<std::optional<std::string>> KeyTable::Get(std::string_view row) const {
  std::string value;
  const rocksdb::Status found = db_->Get({}, ToSlice(row), &value);
  if (found.IsNotFound()) return std::nullopt;
  if (!found.ok()) return FromKeyDisk(found);
  return value;
}

absl::StatusOr<std::optional<Sealed>> KeyTable::GetSealed(std::string_view row) const {
  const auto value = Get(row);
  if (!value.ok()) return value.status();
  if (!value->has_value()) return std::nullopt;
  Sealed sealed;
  if (!sealed.ParseFromString(**value)) return KeyDoesNotOpen("a stored key");
  return sealed;
}

absl::StatusOr<std::optional<KeyTable::DataKeyRow>> KeyTable::FindDataKey(std::string_view subject) const {
  const auto value = Get(Cat(kBySubject, subject));
  if (!value.ok()) return value.status();
  if (!value->has_value()) return std::nullopt;
  const std::string& stored = **value;
  if (stored.size() < 1 + kIdSize) return KeyDoesNotOpen("a stored key");
  DataKeyRow row{stored.substr(1, kIdSize), std::nullopt};
  if (stored[0] == kErased) return row;
  if (stored[0] != kPresent || !row.wrapped.emplace().ParseFromString(stored.substr(1 + kIdSize)))
    return KeyDoesNotOpen("a stored key");
  return row;
}

absl::StatusOr<std::optional<std::string>> KeyTable::SubjectOf(std::string_view key_id) const {
  return Get(Cat(kById, key_id));
}

absl::StatusOr<std::optional<KeyTable::LookupKeyRow>> KeyTable::FindLookupKey(std::string_view organization,
                                                                              int64_t epoch) const {
  auto sealed = GetSealed(key_row::LookupKey(organization, epoch));
  if (!sealed.ok()) return sealed.status();
  if (!sealed->has_value()) return std::nullopt;
  return LookupKeyRow{epoch, **std::move(sealed)};
}

absl::StatusOr<std::optional<KeyTable::LookupKeyRow>> KeyTable::LatestLookupKey(std::string_view organization) const {
  const std::string prefix = Cat(kLookup, organization, '/');
  const std::unique_ptr<rocksdb::Iterator> last(db_->NewIterator({}));
  last->SeekForPrev(prefix + std::string(sizeof(uint64_t), '\xff'));
  if (!last->status().ok()) return FromKeyDisk(last->status());
  if (!last->Valid() || !HasPrefix(ToView(last->key()), prefix)) return std::nullopt;
  LookupKeyRow row{NumberIn(ToView(last->key()).substr(prefix.size())), {}};
  if (!row.wrapped.ParseFromArray(last->value().data(), static_cast<int>(last->value().size())))
    return KeyDoesNotOpen("a look-up key");
  return row;
}

absl::StatusOr<std::optional<Sealed>> KeyTable::Check() const { return GetSealed(kCheck); }

bool KeyTable::Empty() const {
  const std::unique_ptr<rocksdb::Iterator> any(db_->NewIterator({}));
  any->SeekToFirst();
  return !any->Valid() && any->status().ok();
}

absl::Status KeyTable::ForEach(const Each& each) const {
  const auto check = Check();
  if (!check.ok()) return check.status();
  if (!check->has_value()) return KeyDoesNotOpen("the check value of the key store");
  KeyRecord first;
  *first.mutable_check()->mutable_wrapped() = **check;
  absl::Status status = each(first);
  const std::unique_ptr<rocksdb::Iterator> row(db_->NewIterator({}));
  for (row->SeekToFirst(); row->Valid() && status.ok(); row->Next()) {
    const std::string_view name = ToView(row->key());
    if (HasPrefix(name, kBySubject)) {
      status = WithDataKey(name.substr(kBySubject.size()), each);
    } else if (HasPrefix(name, kLookup)) {
      status = WithLookupKey(name.substr(kLookup.size()), ToView(row->value()), each);
    }
  }
  status.Update(FromKeyDisk(row->status()));
  return status;
}

absl::Status KeyTable::WithDataKey(std::string_view subject, const Each& each) const {
  auto row = FindDataKey(subject);
  if (!row.ok()) return row.status();
  if (!row->has_value()) return absl::OkStatus();
  KeyRecord record;
  if ((*row)->wrapped) {
    KeyRecord::MadeDataKey& made = *record.mutable_made_data_key();
    made.set_subject(std::string(subject));
    made.set_key_id((*row)->id);
    *made.mutable_wrapped() = *std::move((*row)->wrapped);
  } else {
    record.mutable_destroyed_data_key()->set_subject(std::string(subject));
    record.mutable_destroyed_data_key()->set_key_id((*row)->id);
    record.mutable_destroyed_data_key()->set_settled(true);
  }
  return each(record);
}

absl::Status KeyTable::WithLookupKey(std::string_view name, std::string_view value, const Each& each) const {
  if (name.size() < 1 + sizeof(uint64_t)) return KeyDoesNotOpen("the name of a look-up key");
  const size_t organization = name.size() - 1 - sizeof(uint64_t);
  KeyRecord record;
  KeyRecord::MadeLookupKey& made = *record.mutable_made_lookup_key();
  made.set_organization(std::string(name.substr(0, organization)));
  made.set_epoch(NumberIn(name.substr(organization + 1)));
  if (!made.mutable_wrapped()->ParseFromArray(value.data(), static_cast<int>(value.size())))
    return KeyDoesNotOpen("a look-up key");
  return each(record);
}

absl::Status KeyTable::FoldMade(const KeyRecord::MadeDataKey& made, rocksdb::WriteBatch& batch) const {
  const auto row = FindDataKey(made.subject());
  if (!row.ok() || row->has_value()) return row.status();
  if (made.key_id().size() != kIdSize) return KeyDoesNotOpen("a key in the topic of keys");
  batch.Put(Cat(kBySubject, made.subject()), Cat(kPresent, made.key_id(), made.wrapped().SerializeAsString()));
  batch.Put(Cat(kById, made.key_id()), made.subject());
  return absl::OkStatus();
}

absl::Status KeyTable::FoldDestroyed(const KeyRecord::DestroyedDataKey& destroyed, rocksdb::WriteBatch& batch) const {
  const auto row = FindDataKey(destroyed.subject());
  if (!row.ok()) return row.status();
  const bool erased = row->has_value() && !(*row)->wrapped;
  if (erased && !destroyed.settled()) return absl::OkStatus();
  const std::string id = row->has_value() && !destroyed.settled() ? (*row)->id : destroyed.key_id();
  if (id.size() != kIdSize) return KeyDoesNotOpen("a key in the topic of keys");
  // In a topic that forgot the right one, a key that came second looks like the first.
  if (row->has_value() && (*row)->id != id) batch.Delete(Cat(kById, (*row)->id));
  batch.Put(Cat(kBySubject, destroyed.subject()), Cat(kErased, id));
  batch.Put(Cat(kById, id), destroyed.subject());
  return absl::OkStatus();
}

absl::Status KeyTable::Fold(const KeyRecord& record, rocksdb::WriteBatch& batch) const {
  switch (record.kind_case()) {
    case KeyRecord::kCheck: {
      const auto check = Check();
      if (!check.ok()) return check.status();
      if (!check->has_value()) batch.Put(key_row::kCheck, record.check().wrapped().SerializeAsString());
      return absl::OkStatus();
    }
    case KeyRecord::kMadeDataKey:
      return FoldMade(record.made_data_key(), batch);
    case KeyRecord::kDestroyedDataKey:
      return FoldDestroyed(record.destroyed_data_key(), batch);
    case KeyRecord::kMadeLookupKey: {
      const KeyRecord::MadeLookupKey& made = record.made_lookup_key();
      const auto latest = LatestLookupKey(made.organization());
      if (!latest.ok()) return latest.status();
      if (latest->has_value() && (*latest)->epoch >= made.epoch()) return absl::OkStatus();
      batch.Put(key_row::LookupKey(made.organization(), made.epoch()), made.wrapped().SerializeAsString());
      return absl::OkStatus();
    }
    case KeyRecord::kDestroyedLookupKeys: {
      const KeyRecord::DestroyedLookupKeys& destroyed = record.destroyed_lookup_keys();
      batch.DeleteRange(key_row::LookupKey(destroyed.organization(), 0),
                        key_row::LookupKey(destroyed.organization(), destroyed.before_epoch()));
      return absl::OkStatus();
    }
    case KeyRecord::KIND_NOT_SET:
      break;
  }
  return Refuse(absl::StatusCode::kDataLoss, "KEY_RECORD_UNKNOWN",
                "a record of the topic of keys is of a kind that this build does not know; run a newer one");
}

absl::Status KeyTable::Write(rocksdb::WriteBatch& batch, bool synced) {
  rocksdb::WriteOptions options;
  options.sync = synced;
  return FromKeyDisk(db_->Write(options, &batch));
}

absl::StatusOr<std::optional<int64_t>> KeyTable::Position() const {
  const auto value = Get(kPosition);
  if (!value.ok()) return value.status();
  if (!value->has_value()) return std::nullopt;
  return NumberIn(**value);
}

void KeyTable::SetPosition(int64_t next, rocksdb::WriteBatch& batch) { batch.Put(kPosition, Number(next)); }

absl::StatusOr<std::optional<std::string>> KeyTable::Topic() const { return Get(kTopic); }

void KeyTable::SetTopic(std::string_view topic, rocksdb::WriteBatch& batch) { batch.Put(kTopic, ToSlice(topic)); }

absl::Status KeyTable::Compact() {
  if (absl::Status status = FromKeyDisk(db_->Flush({})); !status.ok()) return status;
  rocksdb::CompactRangeOptions options;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  return FromKeyDisk(db_->CompactRange(options, nullptr, nullptr));
}

}  // namespace trialog::sealing
