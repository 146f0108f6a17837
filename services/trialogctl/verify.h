// `trialogctl verify`: whether a standalone's folder holds what its log says.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace trialog::ctl {

// Checks the folder of a standalone that is not running: log files, tree, checkpoints, every store byte for byte, the
// logs' own chains, and the invariants of the domains that state some. Prints progress and the result. The first fault
// is the error. `checkpoint_file`: a signed checkpoint kept elsewhere, which binds what an intruder could rewrite;
// empty: none.
absl::Status VerifyDataFolder(const std::string& data, const std::string& checkpoint_file);

// Writes keys/audit.pub: the public key that the folder's audit log signs with, as C2SP verifier keys are written. What
// whoever checks a checkpoint needs; nothing secret.
absl::Status WriteLogKey(const std::string& data);

}  // namespace trialog::ctl
