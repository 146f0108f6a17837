// The flags that say how Kafka is reached: the same for servers and trialogctl.
#pragma once

#include <optional>

#include "absl/status/statusor.h"
#include "platform/log/kafka/options.h"

namespace trialog::process {

// What the flags say; nothing when they name no brokers. INVALID_ARGUMENT, reason BAD_CONFIGURATION: a fault a line.
absl::StatusOr<std::optional<log::kafka::Options>> ReadKafkaFlags();

}  // namespace trialog::process
