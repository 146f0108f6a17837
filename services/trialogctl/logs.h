// What the commands that read whole logs share.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "platform/log/kafka/options.h"
#include "platform/log/log.h"
#include "trialog/event/v1/fold.pb.h"

namespace trialog::ctl {

// From the flags; INVALID_ARGUMENT, reason FLAG_MISSING, without --kafka_brokers.
absl::StatusOr<log::kafka::Options> AskedKafka();

// Calls `visit` with every record of a partition, in order, and ends with its first error.
absl::Status ForEachRecord(log::Log& log, const std::string& topic, int partition, int64_t from,
                           const std::function<absl::Status(const log::StoredRecord&)>& visit);

// What a reader knows at the end of a partition.
absl::StatusOr<event::v1::FoldState> FoldWhole(log::Log& log, const std::string& topic, int partition);

// Of a service's log.
int PartitionsOf(std::string_view service);

}  // namespace trialog::ctl
