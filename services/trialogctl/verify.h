// `trialogctl verify`: whether a standalone's folder holds what its log says.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "platform/log/kafka/options.h"
#include "services/audit/verify/verify.h"

namespace trialog::ctl {

// The stores of rows of a data folder, also those that are not there.
std::vector<audit::ServiceStore> ServiceStores(const std::string& data);

// Checks the folder of a standalone that is not running: log files, tree, checkpoints, every store byte for byte, the
// logs' own chains, and the invariants of the domains that state some. Prints progress and the result. The first fault
// is the error. `kafka`: where the log is; nothing: in the folder. `checkpoint_file`: a signed checkpoint kept
// elsewhere, which binds what an intruder could rewrite; empty: none.
absl::Status VerifyDataFolder(const std::string& data, const std::optional<log::kafka::Options>& kafka,
                              const std::string& checkpoint_file);

// Writes keys/audit.pub: the public key that the folder's audit log signs with, as C2SP verifier keys are written. What
// whoever checks a checkpoint needs; nothing secret.
absl::Status WriteLogKey(const std::string& data);

}  // namespace trialog::ctl
