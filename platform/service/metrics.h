// Metrics that several parts tell in the same words.
#pragma once

#include <cstdint>
#include <string_view>

#include "platform/telemetry/metrics.h"

namespace trialog::service {

// How many records of a log `source` a `reader` within `service` ("state", "callers", "reactions", "tree") has not yet
// taken in.
void TellFoldLag(telemetry::Metrics& metrics, std::string_view service, std::string_view source,
                 std::string_view reader, int64_t lag);

}  // namespace trialog::service
