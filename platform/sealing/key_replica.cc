#include "platform/sealing/key_replica.h"

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
// However quiet it is: a destroyed key must not be given out because a wake was lost.
constexpr absl::Duration kLook = absl::Seconds(10);
// Behind what the journal says: its clock is the brokers', and what another replica writes for it suffices.
constexpr absl::Duration kLetGoMargin = absl::Minutes(1);
// Key of the entry for that, a deletion of nothing.
constexpr char kLetGoKey[] = "t/";
// After a write that failed others are refused at once for so long, so that those that wait behind it do not each wait
// as long again.
constexpr absl::Duration kRefuseFor = absl::Milliseconds(500);

int64_t Milliseconds(absl::Duration time) { return absl::ToInt64Milliseconds(time); }

absl::Status EndsBeforeStore(int64_t end, int64_t position) {
  return Refuse(absl::StatusCode::kDataLoss, "KEY_TOPIC_ENDS_BEFORE_STORE",
                Cat("the topic of keys ends at offset ", end, ", but was folded up to ", position,
                    ": keys that were given out are missing"));
}

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

// Nobody wakes it any more; then its tasks end, as the last member.
KeyReplica::~KeyReplica() { tail_.reset(); }

void KeyReplica::SetOnDestroyed(std::function<void(std::string_view)> on_destroyed) {
  absl::MutexLock lock(&on_destroyed_mutex_);
  on_destroyed_ = std::move(on_destroyed);
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
  absl::Status folded = FoldUpTo(*end);
  WakeFollower();
  return folded;
}

absl::StatusOr<int64_t> KeyReplica::Append(std::vector<KeyJournal::Entry> entries) {
  if (Milliseconds(runtime_.Monotonic()) < refuse_until_) {
    return RetryLater(absl::StatusCode::kUnavailable, "KEYS_NOT_WRITTEN",
                      "the topic of keys cannot be written now; try again", kRefuseFor);
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
  if (Milliseconds(runtime_.Monotonic()) < refuse_until_) {
    return RetryLater(absl::StatusCode::kUnavailable, "LOG_UNAVAILABLE", "the topic of keys does not answer now",
                      kRefuseFor);
  }
  const auto end = journal_->End();
  if (!end.ok()) {
    refuse_until_ = Milliseconds(runtime_.Monotonic() + kRefuseFor);
    return end.status();
  }
  {
    absl::MutexLock lock(&fold_mutex_);
    if (*end < position_) return EndsBeforeStore(*end, position_);
  }
  absl::Status folded = FoldUpTo(*end);
  WakeFollower();
  return folded;
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
  std::string destroyed;
  if (!stored.bytes.empty()) {  // Else a record that need not be kept any more.
    const auto record = Parsed(stored);
    if (!record.ok()) return record.status();
    if (absl::Status folded = table_.Fold(*record, batch); !folded.ok()) return folded;
    destroys = record->has_destroyed_data_key() || record->has_destroyed_lookup_keys();
    destroyed = record->destroyed_data_key().subject();
  }
  KeyTable::SetPosition(stored.offset + 1, batch);
  // What a power cut takes away is folded again.
  if (absl::Status written = table_.Write(batch, /*synced=*/false); !written.ok()) return written;
  position_ = stored.offset + 1;
  if (runtime_.Monotonic() >= let_go_at_ - kLetGoMargin) let_go_at_ = absl::InfiniteDuration();  // By this entry.
  if (destroys) {
    compaction_due_ = true;
    let_go_at_ = runtime_.Monotonic() + journal_->lets_go_after() + kLetGoMargin;
  }
  if (!destroyed.empty()) {
    absl::MutexLock lock(&on_destroyed_mutex_);
    if (on_destroyed_) on_destroyed_(destroyed);
  }
  return absl::OkStatus();
}

absl::Status KeyReplica::CheckSameTopic(int64_t position, int64_t end) {
  if (position > end) return EndsBeforeStore(end, position);
  if (position == 0) return absl::OkStatus();
  const auto known = table_.Topic();
  if (!known.ok()) return known.status();
  const auto first = journal_->First();
  if (!first.ok()) return first.status();
  if (*known == Sha256(*first)) return absl::OkStatus();
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
    if (absl::Status published = Publish(opens); !published.ok()) return published;
  }
  compaction_due_ = true;  // A crash may have come between an erasure and the compaction for it.
  {
    absl::MutexLock lock(&fold_mutex_);
    position_ = position->value_or(0);
    // An erasure may have been folded before, and nothing been written since.
    let_go_at_ = runtime_.Monotonic() + journal_->lets_go_after() + kLetGoMargin;
  }
  if (absl::Status same = CheckSameTopic(position->value_or(0), *end); !same.ok()) return same;
  if (absl::Status folded = CatchUp(); !folded.ok()) return folded;
  Follow();
  return absl::OkStatus();
}

// A store that was the only one so far: its keys go to the topic, which may hold a part of them since an earlier try,
// or what another replica without keys began with. That other one may have made keys meanwhile, before ours landed: so
// it is compared once more.
absl::Status KeyReplica::Publish(const Opens& opens) {
  const auto there = CompareTopic(opens);
  if (!there.ok()) return there.status();
  std::vector<KeyJournal::Entry> entries;
  const auto flush = [&] {
    if (entries.empty()) return absl::OkStatus();
    return Append(std::exchange(entries, {})).status();
  };
  absl::Status status = table_.ForEach([&](const KeyRecord& record) {
    std::string key = JournalKeyOf(record);
    if (there->count(key) > 0) return absl::OkStatus();
    entries.push_back({std::move(key), record.SerializeAsString()});
    // The check value alone: what tells the topic from others must be its first record.
    return !record.has_check() && entries.size() < kPublishedAtOnce ? absl::OkStatus() : flush();
  });
  if (status.ok()) status = flush();
  if (!status.ok()) return status;
  return CompareTopic(opens).status();
}

absl::StatusOr<std::set<std::string>> KeyReplica::CompareTopic(const Opens& opens) {
  const auto end = journal_->End();
  if (!end.ok()) return end.status();
  std::set<std::string> there;
  for (int64_t next = 0; next < *end;) {
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
  return there;
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
  following_task_ = following_.get();
  tail_ = journal_->Follow([this] { WakeFollower(); });
  WakeFollower();  // What came before.
}

void KeyReplica::WakeFollower() {
  if (following_task_ == nullptr || woken_.exchange(true)) return;
  following_task_->Post([this] {
    woken_ = false;
    FoldWhatCame();
  });
}

void KeyReplica::FoldWhatCame() {
  absl::Status status;
  // Again, for what came behind it meanwhile: that wakes nobody.
  for (int64_t end = -1; status.ok() && end < journal_->KnownEnd();) {
    end = journal_->KnownEnd();
    status = FoldUpTo(end);
  }
  // Whoever destroyed it waited for its own compaction; this is that of the other replicas.
  if (status.ok() && compaction_due_.exchange(false)) {
    status = table_.Compact();
    if (!status.ok()) compaction_due_ = true;
  }
  if (status.ok()) return LookLater(kLook);
  static telemetry::LineLimit limit(1);
  if (limit.Pass()) telemetry::Error("keys_not_followed", {{"reason", std::string(ReasonOf(status))}});
  LookLater(kFoldAgain);
}

// One timer at a time.
void KeyReplica::LookLater(absl::Duration delay) {
  const absl::Duration at = runtime_.Monotonic() + delay;
  if (at >= look_at_) return;
  look_at_ = at;
  following_task_->After(delay, [this, at] {
    if (look_at_ != at) return;
    look_at_ = absl::InfiniteDuration();
    if (const auto end = journal_->End(); end.ok()) FoldUpTo(*end).IgnoreError();
    FoldWhatCame();
    LetGo();
  });
}

void KeyReplica::LetGo() {
  {
    absl::MutexLock lock(&fold_mutex_);
    if (runtime_.Monotonic() < let_go_at_) return;
  }
  // Tried again when it fails; of several replicas each may write one.
  if (const auto end = Append({{kLetGoKey, ""}}); end.ok()) FoldUpTo(*end).IgnoreError();
}

}  // namespace trialog::sealing
