// Folding admitted records into a service's store: the one place where events become rows.
#pragma once

#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "platform/command/decision.h"
#include "platform/log/admission.h"
#include "platform/log/log.h"
#include "platform/runtime/runtime.h"
#include "platform/view/store.h"

namespace trialog {

// How records are folded. The defaults are the rules of the design; a test may break one, everywhere at once, to show
// that the simulation would notice (PlantedBugs in partition_owner.h).
struct FoldRules {
  // Which records count.
  log::Verdict (*admit)(event::v1::FoldState& state, const event::v1::LogRecord& record, std::string_view bytes,
                        int64_t offset) = log::Admit;
  // When set, the position is written apart from the rows, unless this says that the process dies in between.
  std::function<bool()> dies_before_position;
};

// Applies the events of one admitted record to `changes`, in order; `record` tags the writes. FAILED_PRECONDITION with
// reason UNKNOWN_EVENT when this build does not know an event: nothing is applied then, and the fold stops there,
// loudly, until it is upgraded.
absl::Status EvolveRecord(const Domain& domain, const event::v1::Data& data, uint64_t record, view::ChangeSet& changes);

// The same with the parsed events of the record: one for each that is a domain event, in order, of a known kind.
void EvolveBodies(const Domain& domain, const event::v1::Data& data,
                  const std::vector<std::shared_ptr<const google::protobuf::Message>>& bodies, uint64_t record,
                  view::ChangeSet& changes);

// Notes how far a reaction to a foreign stream went, when the admitted record is one.
void NoteCause(const event::v1::Data& data, event::v1::FoldState& fold);

// Writes a commit to the store.
absl::Status WriteCommit(view::Store& store, const view::Commit& commit, const FoldRules& rules = {});

// Called for each record with what admission said of it, before the commit.
using SeenRecord = std::function<void(const log::StoredRecord&, const event::v1::LogRecord&, log::Verdict)>;

// Folds records read from the log, admitted or not, as one commit on top of the store; all or none. What stops the fold
// is looked for further on in the log: an operator may have skipped it.
absl::Status FoldRecords(const Domain& domain, view::Store& store, log::Log& log, int partition,
                         const std::vector<log::StoredRecord>& records, const SeenRecord& seen = nullptr,
                         const FoldRules& rules = {});

// Reads and folds until the end of the log or until `limit_offset` (exclusive), in bounded batches.
absl::Status CatchUp(const Domain& domain, view::Store& store, log::Log& log, int partition,
                     int64_t limit_offset = INT64_MAX, const FoldRules& rules = {});

// The same to the end of the log, twice as fast: while `assistant` writes a batch, the next one is read and applied on
// top of it. Only with real threads, since it waits for the assistant; nobody else commits to the partition meanwhile.
absl::Status CatchUpInParallel(const Domain& domain, view::Store& store, log::Log& log, int partition,
                               Executor& assistant);

// Whether folding may succeed when it is tried again: the log or a disk does not answer just now. Everything else
// (damage, a record that this build does not know) needs an operator.
bool IsPassing(const absl::Status& status);

}  // namespace trialog
