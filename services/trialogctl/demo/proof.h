// The audit log seen from outside: checkpoints, proofs verified here, entries about refused calls.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "services/trialogctl/demo/world.h"

namespace trialog::ctl::demo {

// The server's latest signed checkpoint, as its note.
absl::StatusOr<std::string> LatestCheckpoint(const World& world);

// Proves the entry of a patient's enrolment against the latest checkpoint, and that this continues `kept`, a note from
// before. With `log_key` the signatures are checked too. DATA_LOSS, reason DEMO_UNPROVEN, when a proof does not hold.
absl::Status ProveOneRecord(const World& world, const std::string& kept, const std::string& log_key);

}  // namespace trialog::ctl::demo
