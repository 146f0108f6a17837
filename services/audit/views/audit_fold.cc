#include "services/audit/views/audit_fold.h"

#include <algorithm>

#include "platform/errors/errors.h"
#include "platform/log/skip.h"
#include "platform/text/text.h"
#include "services/audit/domain/leaf.h"
#include "services/audit/views/sources.h"

namespace trialog::audit {
namespace {

constexpr size_t kReadBytes = 1 << 20;

absl::Status Lost(std::string_view reason, std::string_view message) {
  return Refuse(absl::StatusCode::kDataLoss, reason, message);
}

}  // namespace

absl::StatusOr<event::v1::FoldState*> AuditFold::StateOf(std::string_view source, int partition) {
  const auto [state, fresh] = folds_.try_emplace({std::string(source), partition});
  if (fresh) {
    auto stored = store_.Fold(source, partition);
    if (!stored.ok()) return stored.status();
    state->second = *std::move(stored);
  }
  return &state->second;
}

absl::StatusOr<int64_t> AuditFold::NextOf(std::string_view source, int partition) {
  auto state = StateOf(source, partition);
  if (!state.ok()) return state.status();
  return (*state)->next_offset();
}

absl::Status AuditFold::CommitWhenLong() {
  if (store_.pending_bytes() < commit_bytes_) return absl::OkStatus();
  return writer_ == nullptr ? store_.Commit() : store_.BeginCommit(*writer_);
}

absl::Status AuditFold::CatchUp() {
  if (failure_.ok()) failure_ = FoldOwnLog();
  return failure_;
}

absl::Status AuditFold::Restart() {
  folds_.clear();
  return failure_ = store_.Restart();
}

absl::Status AuditFold::FoldOwnLog() {
  auto own = StateOf(kOwnLog, kOwnPartition);
  if (!own.ok()) return own.status();
  while (true) {
    auto records = log_.Read(std::string(kOwnLog), kOwnPartition, (*own)->next_offset(), kReadBytes);
    if (!records.ok()) return records.status();
    if (records->empty()) return store_.Commit();
    for (const log::StoredRecord& stored : *records) {
      if (absl::Status folded = FoldOwn(stored); !folded.ok()) return folded;
      if (absl::Status committed = CommitWhenLong(); !committed.ok()) return committed;
    }
  }
}

// The own position moves only behind everything that the record brings. A range may be committed in parts: the source's
// position then says how far it was taken, and what a repeat of the record skips.
absl::Status AuditFold::FoldOwn(const log::StoredRecord& stored) {
  auto own = StateOf(kOwnLog, kOwnPartition);
  if (!own.ok()) return own.status();
  auto record = Parse(std::string(kOwnLog), kOwnPartition, **own, stored);
  if (!record.ok()) return record.status();
  event::v1::FoldState after = **own;
  if (log::Admit(after, *record, stored.bytes, stored.offset) == log::Verdict::kAdmitted) {
    v1::AuditEvent event;
    for (const event::v1::Event& any : record->data().events()) {
      if (!any.has_domain()) continue;
      if (!event.ParseFromString(any.domain())) return Lost("RECORD_DAMAGED", "an event of audit does not parse");
      absl::Status done;
      if (event.has_sequenced()) done = Take(event.sequenced());
      if (event.has_checkpoint_signed()) done = Check(event.checkpoint_signed(), record->data().record_time());
      if (!done.ok()) return done;
    }
    absl::Status appended = AppendEntries(kOwnLog, kOwnPartition, stored, record->data(), after.last_hash());
    if (!appended.ok()) return appended;
  }
  **own = after;
  store_.SetFold(kOwnLog, kOwnPartition, after);
  return absl::OkStatus();
}

// Only bytes that no build can read are passed over: what a later one knows, it may make a leaf of.
absl::StatusOr<event::v1::LogRecord> AuditFold::Parse(const std::string& source, int partition,
                                                      const event::v1::FoldState& before,
                                                      const log::StoredRecord& stored) {
  auto record = log::ParseRecord(stored.bytes, stored.offset);
  if (record.ok() || !absl::IsDataLoss(record.status())) return record;
  return log::ParseUnlessSkipped(log_, source, partition, before, stored);
}

absl::Status AuditFold::Take(const v1::Sequenced& range) {
  const std::string where = Cat("partition ", range.partition(), " of ", range.source());
  if (SourceEvent(range.source()) == nullptr) {
    return Refuse(
        absl::StatusCode::kFailedPrecondition, "UNKNOWN_SOURCE",
        Cat("audit's log names the service ", range.source(), ", which this build does not know; upgrade it"));
  }
  auto state = StateOf(range.source(), range.partition());
  if (!state.ok()) return state.status();
  event::v1::FoldState& fold = **state;
  if (range.from() > fold.next_offset()) {
    return Lost("SEQUENCE_GAP",
                Cat("offsets ", fold.next_offset(), " to ", range.from(), " of ", where, " have no place"));
  }
  bool reaches = false;  // The log is known to go as far as the range.
  while (fold.next_offset() < range.to()) {
    auto records = log_.Read(range.source(), range.partition(), fold.next_offset(), kReadBytes);
    if (!records.ok()) return records.status();
    if (records->empty() && !reaches) {
      auto end = log_.EndOffset(range.source(), range.partition());
      if (!end.ok()) return end.status();
      if (*end < range.to()) {
        return RetryLater(absl::StatusCode::kUnavailable, kSourceEndsEarly,
                          Cat("the log of ", where, " ends at ", *end, ", before ", range.to(),
                              ", up to which it was sequenced; if that does not pass, records were lost"),
                          absl::Seconds(1));
      }
      reaches = true;
      continue;  // What this process knew of the log may have ended before.
    }
    if (records->empty() || records->front().offset >= range.to()) {
      fold.set_next_offset(range.to());  // Offsets need not be dense.
    }
    for (const log::StoredRecord& stored : *records) {
      if (stored.offset >= range.to()) break;
      auto record = Parse(range.source(), range.partition(), fold, stored);
      if (!record.ok()) return record.status();
      if (log::Admit(fold, *record, stored.bytes, stored.offset) != log::Verdict::kAdmitted) continue;
      absl::Status appended =
          AppendEntries(range.source(), range.partition(), stored, record->data(), fold.last_hash());
      if (!appended.ok()) return appended;
    }
    store_.SetFold(range.source(), range.partition(), fold);
    if (absl::Status committed = CommitWhenLong(); !committed.ok()) return committed;
  }
  return absl::OkStatus();
}

absl::Status AuditFold::AppendEntries(std::string_view source, int partition, const log::StoredRecord& stored,
                                      const event::v1::Data& data, std::string_view record_hash) {
  RecordEntries record{source, partition, stored.offset, stored.bytes, {}};
  record.entries = EntriesOf({source, partition, stored.offset, stored.bytes}, data, record_hash, salt_key_);
  const std::string& unknown = SourceEvent(source)->GetDescriptor()->full_name();
  for (const v1::AuditEntry& entry : record.entries) {
    // The leaf of a later build would name the kind, and its root would differ: wait for that build.
    if (entry.content().type() != unknown) continue;
    return Refuse(absl::StatusCode::kFailedPrecondition, "UNKNOWN_EVENT",
                  Cat("offset ", stored.offset, " of partition ", partition, " of ", source,
                      " holds an event that this build does not know; upgrade audit"));
  }
  store_.Append(record);
  return absl::OkStatus();
}

absl::StatusOr<std::string> AuditFold::RootOf(uint64_t size) {
  if (size == store_.pending_size()) return store_.PendingRoot();
  if (size > store_.pending_size()) {
    return Lost("CHECKPOINT_CONFLICT", Cat(size, " leaves were signed, but there are only ", store_.pending_size()));
  }
  if (absl::Status committed = store_.Commit(); !committed.ok()) return committed;  // Its tiles are read.
  TileHashReader hashes = store_.Hashes(size);
  return RootAt(size, hashes);
}

absl::Status AuditFold::Check(const v1::CheckpointSigned& signed_state, const google::protobuf::Timestamp& time) {
  auto root = RootOf(signed_state.size());
  if (!root.ok()) return root.status();
  if (*root != signed_state.root()) {
    return Lost("CHECKPOINT_CONFLICT",
                Cat("the root of the first ", signed_state.size(),
                    " leaves is not the one that was signed: a log or the salt key was changed"));
  }
  v1::Checkpoint checkpoint;
  checkpoint.set_tree_size(signed_state.size());
  checkpoint.set_root(signed_state.root());
  *checkpoint.mutable_sign_time() = time;
  store_.AddCheckpoint(checkpoint);
  return absl::OkStatus();
}

}  // namespace trialog::audit
