#include "platform/log/continuity.h"

#include "platform/errors/errors.h"
#include "platform/log/admission.h"
#include "platform/text/text.h"

namespace trialog::log {

absl::Status CheckNotBehind(Log& log, const std::string& topic, int partition, int64_t next_offset) {
  const absl::StatusOr<int64_t> end = log.EndOffset(topic, partition);
  if (!end.ok()) return end.status();
  if (*end >= next_offset) return absl::OkStatus();
  return Refuse(absl::StatusCode::kDataLoss, "LOG_ENDS_BEFORE_STORE",
                Cat("the log of ", topic, " ends in partition ", partition, " at offset ", *end,
                    ", but a store has folded it up to ", next_offset,
                    ": acknowledged records are missing; restore the log from a backup"));
}

absl::Status CheckContinues(Log& log, const std::string& topic, int partition, const event::v1::FoldState& fold) {
  if (absl::Status behind = CheckNotBehind(log, topic, partition, fold.next_offset()); !behind.ok()) return behind;
  if (fold.term() == 0) return absl::OkStatus();
  const auto found = log.Read(topic, partition, fold.claim_offset(), 1);
  // Damage stops the partition when it is folded, and not the others.
  if (!found.ok()) return IsDamaged(found.status()) ? absl::OkStatus() : found.status();
  if (!found->empty() && found->front().offset == fold.claim_offset()) {
    const auto record = ParseRecord(found->front().bytes, fold.claim_offset());
    if (record.ok() && record->claim().term() == fold.term() &&
        (fold.owner().empty() || record->claim().owner() == fold.owner())) {
      return absl::OkStatus();
    }
  }
  return Refuse(absl::StatusCode::kDataLoss, "LOG_IS_ANOTHER",
                Cat("the log of ", topic, " is not the one that the store was folded from: in partition ", partition,
                    " the claim at offset ", fold.claim_offset(),
                    " is another; give this service its own log back, or take the store away if the log is right"));
}

}  // namespace trialog::log
