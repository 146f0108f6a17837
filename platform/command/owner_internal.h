// What the files of the partition owner share.
#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "platform/errors/errors.h"
#include "platform/text/text.h"

namespace trialog {

// A record reported as written must be readable soon; a reader that does not find it within this many reads gives up.
inline constexpr int kReadBackAttempts = 3;
inline constexpr size_t kReadBytes = 1 << 20;

inline absl::Status OwnerUnavailable(std::string_view why) {
  return RetryLater(absl::StatusCode::kUnavailable, "OWNER_CHANGED",
                    Cat("the outcome is not known (", why, "); repeat with the same request_id"),
                    absl::Milliseconds(50));
}

inline absl::Status CannotFold() { return OwnerUnavailable("the partition cannot be folded"); }

inline absl::Status ClockWrong() {
  return RetryLater(absl::StatusCode::kUnavailable, "CLOCK_WRONG",
                    "this server's clock jumped or differs from its log's, so it writes nothing; set it and restart",
                    absl::Seconds(1));
}

}  // namespace trialog
