#include "platform/log/admission.h"

#include "platform/errors/errors.h"
#include "platform/sealing/digest.h"
#include "platform/text/text.h"

namespace trialog::log {
namespace {

using event::v1::Claim;
using event::v1::FoldState;
using event::v1::LogRecord;

void Alarm(FoldState& state) { state.set_alarms(state.alarms() + 1); }

Verdict AdmitClaim(FoldState& state, const Claim& claim, int64_t offset) {
  if (claim.term() <= state.term()) return Verdict::kClaimLost;
  if (claim.term() != state.term() + 1) Alarm(state);
  state.set_term(claim.term());
  state.set_owner(claim.owner());
  state.set_address(claim.address());
  state.set_next_seq(1);
  state.set_claim_offset(offset);
  return Verdict::kClaimed;
}

Verdict CountStale(FoldState& state) {
  state.set_ignored_stale(state.ignored_stale() + 1);
  return Verdict::kStale;
}

Verdict CountDuplicate(FoldState& state) {
  state.set_ignored_duplicate(state.ignored_duplicate() + 1);
  return Verdict::kDuplicate;
}

Verdict CountGap(FoldState& state) {
  state.set_ignored_gap(state.ignored_gap() + 1);
  return Verdict::kGap;
}

// The rule for Data and Release alike. `admitted` is the verdict when the record counts.
template <typename Written>
Verdict AdmitWritten(FoldState& state, const Written& written, std::string_view bytes, Verdict admitted) {
  if (written.term() > state.term()) {  // Its writer saw a claim that this log no longer has.
    Alarm(state);
    return CountGap(state);
  }
  // An empty owner owns nothing: neither before the first claim nor after a release.
  if (written.term() < state.term() || written.owner().empty() || written.owner() != state.owner())
    return CountStale(state);
  if (written.seq() < state.next_seq()) return CountDuplicate(state);
  if (written.seq() > state.next_seq()) return CountGap(state);
  state.set_next_seq(written.seq() + 1);
  state.set_last_hash(RecordHash(bytes));
  return admitted;
}

}  // namespace

std::string_view Name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kClaimed:
      return "claimed";
    case Verdict::kAdmitted:
      return "admitted";
    case Verdict::kReleased:
      return "released";
    case Verdict::kClaimLost:
      return "claim-lost";
    case Verdict::kStale:
      return "stale";
    case Verdict::kDuplicate:
      return "duplicate";
    case Verdict::kGap:
      return "gap";
    case Verdict::kUnknown:
      return "unknown";
  }
  return "";
}

absl::StatusOr<LogRecord> ParseRecord(std::string_view bytes, int64_t offset) {
  LogRecord record;
  if (!record.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Refuse(
        absl::StatusCode::kDataLoss, "LOG_RECORD_UNREADABLE",
        Cat("the bytes at offset ", offset, " are not a log record; restore the log from a replica or a backup"));
  }
  if (record.kind_case() == LogRecord::KIND_NOT_SET) {
    return Refuse(absl::StatusCode::kFailedPrecondition, "LOG_RECORD_KIND_UNKNOWN",
                  Cat("the record at offset ", offset, " is of a kind newer than this program; upgrade it"));
  }
  return record;
}

Verdict Admit(FoldState& state, const LogRecord& record, std::string_view bytes, int64_t offset) {
  state.set_next_offset(offset + 1);
  switch (record.kind_case()) {
    case LogRecord::kClaim:
      return AdmitClaim(state, record.claim(), offset);
    case LogRecord::kRelease: {
      const Verdict verdict = AdmitWritten(state, record.release(), bytes, Verdict::kReleased);
      if (verdict == Verdict::kReleased) {
        state.clear_owner();
        state.clear_address();
      }
      return verdict;
    }
    case LogRecord::kData: {
      const bool follows = record.data().prev() == state.last_hash();
      const Verdict verdict = AdmitWritten(state, record.data(), bytes, Verdict::kAdmitted);
      if (verdict == Verdict::kAdmitted) {
        if (!follows) Alarm(state);
        *state.mutable_record_time() = record.data().record_time();
        state.set_admitted(state.admitted() + 1);
      }
      return verdict;
    }
    case LogRecord::KIND_NOT_SET:
      return Verdict::kUnknown;
  }
  return Verdict::kUnknown;
}

event::v1::FoldState AdmissionBefore(const event::v1::LogRecord& admitted, int64_t offset) {
  event::v1::FoldState state;
  state.set_next_offset(offset);
  state.set_term(admitted.data().term());
  state.set_owner(admitted.data().owner());
  state.set_next_seq(admitted.data().seq());
  state.set_last_hash(admitted.data().prev());
  return state;
}

std::string RecordHash(std::string_view bytes) { return sealing::Sha256(bytes); }

}  // namespace trialog::log
