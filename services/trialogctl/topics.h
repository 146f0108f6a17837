// `trialogctl topics` and `owners`: what stands on Kafka, without asking any service.
#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace trialog::ctl {

// `what` is "create", which makes those that are missing and then checks all, or "check". FAILED_PRECONDITION, reason
// TOPIC_SETTINGS, when one would not keep what is written to it.
absl::Status Topics(std::string_view what);

// Prints who owns each partition of `service` (empty: of all five), as its log says: reads the topics from their
// beginning.
absl::Status Owners(std::string_view service);

}  // namespace trialog::ctl
