// What commands say of the flags that they were given.
#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "platform/errors/errors.h"
#include "platform/text/text.h"

namespace trialog::ctl {

// INVALID_ARGUMENT, FLAG_MISSING: a command cannot do without this flag, or these.
inline absl::Status Missing(std::string_view flag) {
  return Refuse(absl::StatusCode::kInvalidArgument, "FLAG_MISSING", Cat("give --", flag));
}

}  // namespace trialog::ctl
