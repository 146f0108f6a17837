// Flags from the environment, and --help, for every program of ours.
#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace trialog::process {

// Variables `prefix`<FLAG> set the flags that are defined in this repository, `prefix`FLAGFILE names a flagfile that
// counts before them. To be called before absl::ParseCommandLine, so that the command line has the last word.
// INVALID_ARGUMENT, reason BAD_CONFIGURATION: a value that is none, or a variable that no flag has.
absl::Status FlagsFromEnvironment(std::string_view prefix);

// Sets what --help says: `text`, and the flags of this repository.
void SetUsage(std::string_view text);

}  // namespace trialog::process
