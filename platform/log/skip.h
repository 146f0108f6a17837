// Records that nobody here can fold, and the operator's word that they are passed over: an event like any other,
// further on in the same partition (ADR 29, docs/formats/log-record.md).
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "platform/log/admission.h"
#include "platform/log/log.h"
#include "trialog/event/v1/fold.pb.h"
#include "trialog/event/v1/record.pb.h"

namespace trialog::log {

// Admit of a stored record, whatever it is: what cannot be read has no part in admission, and is `record` without a
// kind.
Verdict AdmitAny(event::v1::FoldState& state, const StoredRecord& stored, event::v1::LogRecord& record);

// Whether an admitted record behind `stored` skips it. `after`: admission behind it. Reads on to the end of the
// partition, so only for a record that stops a fold.
absl::StatusOr<bool> IsSkipped(Log& log, const std::string& topic, int partition, event::v1::FoldState after,
                               const StoredRecord& stored);

// ParseRecord for whoever folds a partition and stands with `before` before the record: one that cannot be read and is
// skipped is a record without a kind, which has no part in admission.
absl::StatusOr<event::v1::LogRecord> ParseUnlessSkipped(Log& log, const std::string& topic, int partition,
                                                        const event::v1::FoldState& before, const StoredRecord& stored);

}  // namespace trialog::log
