// The events of other services that a service has dealt with, as its own log names them.
#pragma once

#include "absl/status/statusor.h"
#include "platform/log/log.h"
#include "trialog/event/v1/fold.pb.h"
#include "trialog/event/v1/record.pb.h"

namespace trialog::reaction {

// An event as the cause that a record names.
event::v1::Cause CauseOf(const event::v1::PublicEvent& event);

// What a reader of the source's log knew before the record of the last event dealt with, to go on from there.
// DATA_LOSS, CAUSE_MISSING, when no event stands there. Whether it is that event is not known: audit, which folds all
// logs, tells one log from another (log::CheckContinues).
absl::StatusOr<event::v1::FoldState> AdmissionAtCause(log::Log& log, const event::v1::Cause& cause);

// The same of all causes that a partition's fold knows.
absl::Status CheckCauses(log::Log& log, const event::v1::FoldState& own);

}  // namespace trialog::reaction
