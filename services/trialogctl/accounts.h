// Commands that make an organisation and its first administrator, and that sign people in. What they work on, flags
// say.
#pragma once

#include "absl/status/status.h"

namespace trialog::ctl {

// Of a folder: makes keys and a one-time token. With --server: makes the organisation with that token.
absl::Status Init();
// Signs in and keeps the session.
absl::Status Login();
// Prints an access token of the session, renewed if need be.
absl::Status PrintToken();

}  // namespace trialog::ctl
