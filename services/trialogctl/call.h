// `trialogctl call`: any method of the API, by its name, with JSON.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace trialog::ctl {

// Calls `method` ("trialog.auth.v1.AuthService/WhoAmI") with `json`, a request in its JSON form (empty: an empty one),
// and prints the answer; each of a stream's, one a line, until it ends. With the saved session where that is one of the
// server's, or `server` is empty; else without a token. INVALID_ARGUMENT: NO_SUCH_METHOD, BAD_JSON; else the server's.
absl::Status Call(const std::string& server, std::string_view method, std::string_view json);

}  // namespace trialog::ctl
