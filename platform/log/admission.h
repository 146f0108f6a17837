// Which records of a partition count: a pure function of the log's prefix, the same for every reader (design section 4,
// docs/formats/log-record.md). Whoever folds a log asks Admit for each record and acts only on what it admits.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "trialog/event/v1/fold.pb.h"
#include "trialog/event/v1/record.pb.h"

namespace trialog::log {

enum class Verdict {
  kClaimed,    // A claim that set the term.
  kAdmitted,   // Data: its events are facts.
  kReleased,   // The owner left; the term has no owner now.
  kClaimLost,  // Ignored: a claim of a term that is not higher than the current one.
  kStale,      // Ignored: from a writer that is not the owner of the current term (fenced).
  kDuplicate,  // Ignored: the owner's, with a sequence number that was admitted before.
  kGap,        // Ignored: the owner's, with a sequence number beyond the next; or of a term that nobody claimed.
  kUnknown,    // Ignored: no kind that this program knows. A reader stops before it comes to this (ParseRecord).
};

// Name for logs and metrics, for example "duplicate".
std::string_view Name(Verdict verdict);

// True for the verdicts that change what the log says.
inline bool Counts(Verdict verdict) {
  return verdict == Verdict::kClaimed || verdict == Verdict::kAdmitted || verdict == Verdict::kReleased;
}

// Parses a stored record. DATA_LOSS, reason LOG_RECORD_UNREADABLE, when the bytes are not a record;
// FAILED_PRECONDITION, reason LOG_RECORD_KIND_UNKNOWN, when it is of a kind newer than this program. Both stop the fold
// of that partition.
absl::StatusOr<event::v1::LogRecord> ParseRecord(std::string_view bytes, int64_t offset);

// Folds one more record into `state`. `bytes` are the record as stored, `offset` where it stands. Total: never fails,
// and `state.next_offset` is offset + 1 afterwards. Ignored records are counted in `state`. Two things raise
// `state.alarms` because only a log that lost records shows them; neither has a part in admission: a term that is not
// the one after the current, and admitted data whose `prev` is not the hash of what was admitted before it.
Verdict Admit(event::v1::FoldState& state, const event::v1::LogRecord& record, std::string_view bytes, int64_t offset);

// How admission stood before an admitted Data record, which says it itself: its own term and owner, its own number
// next. So a reader that was there before goes on without the log before it. Counts begin at zero.
event::v1::FoldState AdmissionBefore(const event::v1::LogRecord& admitted, int64_t offset);

// SHA-256 of a record's stored bytes, 32 bytes: what `Data.prev` and `FoldState.last_hash` hold.
std::string RecordHash(std::string_view bytes);

}  // namespace trialog::log
