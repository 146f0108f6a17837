// The folder that a standalone server runs on, as `trialogctl init --data` makes it.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "platform/runtime/runtime.h"

namespace trialog::ctl {

// Where the operator's one-time token lies in a data folder.
std::string InitTokenPath(const std::string& data);

// Makes `data`/keys (mode 0700) with master.key (wraps all data keys), service.key (page tokens, request fingerprints)
// and init.token (makes the first organisation, once), each of mode 0600. What is there already is kept, so that it can
// be repeated after an error.
absl::Status MakeDataFolder(const std::string& data, Runtime& runtime);

}  // namespace trialog::ctl
