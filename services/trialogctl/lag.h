// How far readers are behind the logs, as Kafka knows it.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace trialog::ctl {

// Prints for each partition of the services with public events (or of one): the log's end, how far its public topic
// goes, and the public events that are not there yet. With a consumer group: how many records of each public topic it
// has not yet counted as read.
absl::Status Lag(std::string_view service, const std::string& group);

}  // namespace trialog::ctl
