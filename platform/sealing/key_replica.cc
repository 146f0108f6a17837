#include "platform/sealing/key_replica.h"

#include <set>
#include <utility>

#include "platform/errors/errors.h"
#include "platform/sealing/digest.h"
#include "platform/sealing/encoding.h"
#include "platform/telemetry/event_log.h"
#include "platform/text/text.h"

namespace trialog::sealing {
namespace {

using event::v1::KeyRecord;

constexpr size_t kReadBytes = 1 << 20;
constexpr int kPublishedAtOnce = 500;
constexpr absl::Duration kFoldAgain = absl::Seconds(1);
// After a write that failed others are refused at once for so long, so that those that wait behind it do not each wait
// as long again.
constexpr absl::Duration kRefuseFor = absl::Milliseconds(500);

int64_t Milliseconds(absl::Duration time) { return absl::ToInt64Milliseconds(time); }

absl::StatusOr<KeyRecord> Parsed(const log::StoredRecord& stored) {
  KeyRecord record;
  if (!record.ParseFromString(stored.bytes)) {
    return Refuse(absl::StatusCode::kDataLoss, "KEY_RECORD_DAMAGED",
                  Cat("offset ", stored.offset, " of the topic of keys is no record of a key"));
  }
  return record;
}

// Tells records of equal content apart by what is wrapped: a nonce is never used twice.
std::string Distinct(const event::v1::Sealed& wrapped) { return Hex(Sha256(wrapped.SerializeAsString()).substr(0, 8)); }

}  // namespace

std::string JournalKeyOf(const KeyRecord& record) {
  switch (record.kind_case()) {
    case KeyRecord::kCheck:
      return Cat("m/", Distinct(record.check().wrapped()));
    case KeyRecord::kMadeDataKey:
      return Cat("s/", record.made_data_key().subject(), '/', record.made_data_key().key_id());
    case KeyRecord::kDestroyedDataKey:
      return Cat(record.destroyed_data_key().settled() ? "f/" : "e/", record.destroyed_data_key().subject());
    case KeyRecord::kMadeLookupKey:
      return Cat("l/", record.made_lookup_key().organization(), '/', record.made_lookup_key().epoch(), '/',
                 Distinct(record.made_lookup_key().wrapped()));
    case KeyRecord::kDestroyedLookupKeys:
      return Cat("d/", record.destroyed_lookup_keys().organization());
    case KeyRecord::KIND_NOT_SET:
      break;
  }
  return "";
}

KeyReplica::~KeyReplica() {
  tail_.reset();
  following_.reset();
}

absl::Status KeyReplica::Commit(const std::vector<KeyRecord>& records) {
  if (journal_ == nullptr) {
    rocksdb::WriteBatch batch;
    for (const KeyRecord& record : records) {
      if (absl::Status folded = table_.Fold(record, batch); !folded.ok()) return folded;
    }
    return table_.Write(batch, /*synced=*/true);
  }
  std::vector<KeyJournal::Entry> entries;
  for (const KeyRecord& record : records) entries.push_back({JournalKeyOf(record), record.SerializeAsString()});
  const auto end = Append(std::move(entries));
  if (!end.ok()) return end.status();
  return FoldUpTo(*end);
}

absl::StatusOr<int64_t> KeyReplica::Append(std::vector<KeyJournal::Entry> entries) {
  if (Milliseconds(runtime_.Monotonic()) < refuse_until_) {
    return RetryLater(absl::StatusCode::kUnavailable, "KEYS_NOT_WRITTEN", "the topic of keys cannot be written now",
                      kRefuseFor);
  }
  auto end = journal_->Append(std::move(entries));
  if (!end.ok()) refuse_until_ = Milliseconds(runtime_.Monotonic() + kRefuseFor);
  return end;
}

absl::Status KeyReplica::Forget(const std::vector<KeyRecord>& records) {
  if (journal_ == nullptr || records.empty()) return absl::OkStatus();
  std::vector<KeyJournal::Entry> entries;
  for (const KeyRecord& record : records) entries.push_back({JournalKeyOf(record), ""});
  return Append(std::move(entries)).status();
}

absl::Status KeyReplica::CatchUp() {
  if (journal_ == nullptr) return absl::OkStatus();
  const auto end = journal_->End();
  if (!end.ok()) return end.status();
  return FoldUpTo(*end);
}

absl::Status KeyReplica::FoldUpTo(int64_t end) {
  absl::MutexLock lock(&fold_mutex_);
  while (position_ < end) {
    const auto read = journal_->Read(position_, kReadBytes);
    if (!read.ok()) return read.status();
    if (read->empty()) {
      return RetryLater(absl::StatusCode::kUnavailable, "LOG_READ_FAILED",
                        Cat("the topic of keys gives nothing at offset ", position_, " of ", end), kRefuseFor);
    }
    for (const log::StoredRecord& stored : *read) {
      if (absl::Status folded = FoldOne(stored); !folded.ok()) return folded;
    }
  }
  return absl::OkStatus();
}

absl::Status KeyReplica::FoldOne(const log::StoredRecord& stored) {
  rocksdb::WriteBatch batch;
  if (position_ == 0) KeyTable::SetTopic(Sha256(stored.bytes), batch);
  bool destroys = false;
  if (!stored.bytes.empty()) {  // Else a record that need not be kept any more.
    const auto record = Parsed(stored);
    if (!record.ok()) return record.status();
    if (absl::Status folded = table_.Fold(*record, batch); !folded.ok()) return folded;
    destroys = record->has_destroyed_data_key() || record->has_destroyed_lookup_keys();
  }
  KeyTable::SetPosition(stored.offset + 1, batch);
  // What a power cut takes away is folded again.
  if (absl::Status written = table_.Write(batch, /*synced=*/false); !written.ok()) return written;
  position_ = stored.offset + 1;
  if (destroys) compaction_due_ = true;
  return absl::OkStatus();
}

absl::Status KeyReplica::CheckSameTopic(int64_t position, int64_t end) {
  if (position > end) {
    return Refuse(absl::StatusCode::kDataLoss, "KEY_TOPIC_ENDS_BEFORE_STORE",
                  Cat("the topic of keys ends at offset ", end, ", but was folded up to ", position,
                      ": keys that were given out are missing"));
  }
  if (position == 0) return absl::OkStatus();
  const auto known = table_.Topic();
  if (!known.ok()) return known.status();
  const auto first = journal_->Read(0, 1);
  if (!first.ok()) return first.status();
  if (!first->empty() && *known == Sha256(first->front().bytes)) return absl::OkStatus();
  return Refuse(absl::StatusCode::kDataLoss, "KEY_TOPIC_IS_ANOTHER",
                "the topic of keys is not the one that this store was folded from: it was made anew, or is another "
                "cluster's");
}

absl::Status KeyReplica::Start(const Opens& opens) {
  if (journal_ == nullptr) return absl::OkStatus();
  const auto end = journal_->End();
  if (!end.ok()) return end.status();
  auto position = table_.Position();
  if (!position.ok()) return position.status();
  if (!position->has_value() && !table_.Empty()) {
    if (absl::Status published = Publish(*end, opens); !published.ok()) return published;
  }
  {
    absl::MutexLock lock(&fold_mutex_);
    position_ = position->value_or(0);
  }
  if (absl::Status same = CheckSameTopic(position->value_or(0), *end); !same.ok()) return same;
  if (absl::Status folded = CatchUp(); !folded.ok()) return folded;
  Follow();
  return absl::OkStatus();
}

// A store that was the only one so far: its keys go to the topic, which may hold a part of them since an earlier try,
// or what another replica without keys began with.
absl::Status KeyReplica::Publish(int64_t end, const Opens& opens) {
  std::set<std::string> there;
  for (int64_t next = 0; next < end;) {
    const auto read = journal_->Read(next, kReadBytes);
    if (!read.ok()) return read.status();
    if (read->empty()) break;
    for (const log::StoredRecord& stored : *read) {
      next = stored.offset + 1;
      if (stored.bytes.empty()) continue;
      const auto record = Parsed(stored);
      if (!record.ok()) return record.status();
      if (absl::Status fits = CompareWithTable(*record, opens); !fits.ok()) return fits;
      there.insert(JournalKeyOf(*record));
    }
  }
  std::vector<KeyJournal::Entry> entries;
  const auto flush = [&] {
    if (entries.empty()) return absl::OkStatus();
    return Append(std::exchange(entries, {})).status();
  };
  absl::Status status = table_.ForEach([&](const KeyRecord& record) {
    std::string key = JournalKeyOf(record);
    if (there.count(key) > 0) return absl::OkStatus();
    entries.push_back({std::move(key), record.SerializeAsString()});
    return entries.size() < kPublishedAtOnce ? absl::OkStatus() : flush();
  });
  status.Update(flush());
  return status;
}

absl::Status KeyReplica::CompareWithTable(const KeyRecord& record, const Opens& opens) const {
  const auto others = [] {
    return Refuse(absl::StatusCode::kFailedPrecondition, "KEY_TOPIC_HOLDS_OTHER_KEYS",
                  "this store has keys of its own, and the topic of keys has others: start with the store that the "
                  "topic was written from, or with an empty one");
  };
  if (record.has_check()) return opens(record.check().wrapped());
  if (record.has_made_data_key()) {
    const auto row = table_.FindDataKey(record.made_data_key().subject());
    if (!row.ok()) return row.status();
    return row->has_value() && (*row)->id == record.made_data_key().key_id() ? absl::OkStatus() : others();
  }
  if (record.has_destroyed_data_key()) {
    const auto row = table_.FindDataKey(record.destroyed_data_key().subject());
    if (!row.ok()) return row.status();
    return row->has_value() && !(*row)->wrapped ? absl::OkStatus() : others();
  }
  if (record.has_made_lookup_key()) {
    const KeyRecord::MadeLookupKey& made = record.made_lookup_key();
    const auto row = table_.FindLookupKey(made.organization(), made.epoch());
    if (!row.ok()) return row.status();
    return row->has_value() && (*row)->wrapped.ciphertext() == made.wrapped().ciphertext() ? absl::OkStatus()
                                                                                           : others();
  }
  return others();
}

void KeyReplica::Follow() {
  following_ = runtime_.NewExecutor("keys-follow");
  tail_ = journal_->Follow([this] {
    if (!woken_.exchange(true)) following_->Post([this] { FoldWhatCame(); });
  });
  if (!woken_.exchange(true)) following_->Post([this] { FoldWhatCame(); });  // What came before.
}

void KeyReplica::FoldWhatCame() {
  woken_ = false;
  absl::Status status = FoldUpTo(journal_->KnownEnd());
  // Whoever destroyed it waited for its own compaction; this is that of the other replicas.
  if (status.ok() && compaction_due_.exchange(false)) {
    status = table_.Compact();
    if (!status.ok()) compaction_due_ = true;
  }
  if (status.ok()) return;
  static telemetry::LineLimit limit(1);
  if (limit.Pass()) telemetry::Error("keys_not_followed", {{"reason", std::string(ReasonOf(status))}});
  following_->After(kFoldAgain, [this] {
    if (!woken_.exchange(true)) FoldWhatCame();
  });
}

}  // namespace trialog::sealing
