// What is asked of the person at the terminal.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace trialog::ctl {

// A password, typed without echo; `twice` asks again and compares. FAILED_PRECONDITION, reason NO_TERMINAL, without
// one.
absl::StatusOr<std::string> AskPassword(std::string_view prompt, bool twice);

}  // namespace trialog::ctl
