// Commands that make an organisation and its first administrator, and that sign people in. What they work on, flags
// say.
#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace trialog::ctl {

// INVALID_ARGUMENT, FLAG_MISSING: a command cannot do without this flag.
absl::Status Missing(std::string_view flag);

// Of a folder: makes keys and a one-time token. With --server: makes the organisation with that token.
absl::Status Init();
// Signs in and keeps the session.
absl::Status Login();
// Prints an access token of the session, renewed if need be.
absl::Status PrintToken();

}  // namespace trialog::ctl
