// `trialogctl topics`: the topics of the five services.
#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace trialog::ctl {

// `what` is "create", which makes those that are missing and then checks all, or "check". FAILED_PRECONDITION, reason
// TOPIC_SETTINGS, when one would not keep what is written to it.
absl::Status Topics(std::string_view what);

}  // namespace trialog::ctl
