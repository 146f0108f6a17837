// From an embedded log to Kafka: a small site that outgrows one machine keeps its history and its proofs.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "platform/log/kafka/options.h"
#include "platform/log/log.h"

namespace trialog::ctl {

// Copies every record of `from` into `to`, a log whose topics were made and are empty, to the same partition and
// offset, and compares all of both at the end. Begun again after a break it goes on. `from` must not grow meanwhile.
// FAILED_PRECONDITION, reason TOPIC_IS_NOT_EMPTY: something else stands there, or it came to stand elsewhere (a broker
// failed at the wrong moment): make the topics anew.
absl::Status CopyLog(log::Log& from, log::Log& to);

// The log of a data folder whose server is stopped, into the topics of the flags.
absl::Status ImportLog(const std::string& data, const log::kafka::Options& kafka);

}  // namespace trialog::ctl
