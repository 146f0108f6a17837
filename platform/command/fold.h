// Folding admitted records into a service's store: the one place where events become rows.
#pragma once

#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "platform/command/decision.h"
#include "platform/log/admission.h"
#include "platform/log/log.h"
#include "platform/view/store.h"

namespace trialog {

// Applies the events of one admitted record to `changes`, in order; `record` tags the writes. FAILED_PRECONDITION with
// reason UNKNOWN_EVENT when this build does not know an event: the fold stops there, loudly, until it is upgraded.
absl::Status EvolveRecord(const Domain& domain, const event::v1::Data& data, uint64_t record, view::ChangeSet& changes);

// Adds to a commit what every admitted record leaves beside its rows: its time, its request id, how far a reaction went.
void NoteRecord(const event::v1::Data& data, int64_t offset, view::Commit& commit);

// Folds records read from the log, admitted or not, as one commit on top of the store. `seen`, when given, is called
// for each record with what admission said of it, before the commit.
absl::Status FoldRecords(const Domain& domain, view::Store& store, int partition,
                         const std::vector<log::StoredRecord>& records,
                         const std::function<void(const log::StoredRecord&, const event::v1::LogRecord&, log::Verdict)>&
                             seen = nullptr);

// Reads and folds until the end of the log or until `limit_offset` (exclusive), in bounded batches.
absl::Status CatchUp(const Domain& domain, view::Store& store, log::Log& log, int partition,
                     int64_t limit_offset = INT64_MAX);

}  // namespace trialog
