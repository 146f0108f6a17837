// Whether a log still is the one that a store was folded from: asked before a start.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "platform/log/log.h"
#include "trialog/event/v1/fold.pb.h"

namespace trialog::log {

// DATA_LOSS, reason LOG_ENDS_BEFORE_STORE, when the partition ends before `next_offset`, up to which it was folded:
// acknowledged records are missing.
absl::Status CheckNotBehind(Log& log, const std::string& topic, int partition, int64_t next_offset);

// The same, and DATA_LOSS, reason LOG_IS_ANOTHER, when the claim that the fold knows does not stand where it found it:
// the topic was made anew, or the log is that of another cluster. A claim's owner is random and never used twice.
absl::Status CheckContinues(Log& log, const std::string& topic, int partition, const event::v1::FoldState& fold);

}  // namespace trialog::log
