// The audit log seen from outside: checkpoints, proofs verified here, entries about refused calls.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "services/trialogctl/demo/world.h"

namespace trialog::ctl::demo {

// The server's latest signed checkpoint, as its note.
absl::StatusOr<std::string> LatestCheckpoint(const World& world);

// Whether a text is a checkpoint's note, by its form; its signature is not looked at.
bool IsCheckpoint(const std::string& note);

// Proves the entry of a patient's enrolment against the latest checkpoint, and that this continues `before`, a note
// which is called `described`. With `log_key` the signatures are checked too. DATA_LOSS, reason DEMO_UNPROVEN, when a
// proof does not hold.
absl::Status ProveOneRecord(const World& world, const std::string& before, std::string_view described,
                            const std::string& log_key);

}  // namespace trialog::ctl::demo
