// What the commands that read whole logs share.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "platform/log/kafka/options.h"
#include "platform/log/log.h"
#include "platform/view/store.h"
#include "services/audit/verify/derive.h"
#include "trialog/event/v1/fold.pb.h"

namespace trialog::ctl {

// From the flags; INVALID_ARGUMENT, reason FLAG_MISSING, without --kafka_brokers.
absl::StatusOr<log::kafka::Options> AskedKafka();

// The log on Kafka or, when that is nothing, the embedded one of a data folder whose server is stopped.
absl::StatusOr<std::unique_ptr<log::Log>> OpenLog(const std::optional<log::kafka::Options>& kafka,
                                                  const std::string& data);

// Calls `visit` with every record of a partition, in order, and ends with its first error.
absl::Status ForEachRecord(log::Log& log, const std::string& topic, int partition, int64_t from,
                           const std::function<absl::Status(const log::StoredRecord&)>& visit);

// A report for each record.
std::vector<log::Report> AppendAndWait(log::Appender& appender, std::vector<std::string> records);

// What a reader knows at the end of a partition.
absl::StatusOr<event::v1::FoldState> FoldWhole(log::Log& log, const std::string& topic, int partition);

// That a service's store, and the facts in it, were folded from this log, and it reacted to what is there. DATA_LOSS,
// as log::CheckContinues and reaction::AdmissionAtCause say.
absl::Status CheckIsOf(log::Log& log, const audit::ServiceStore& service, const view::Store& store);

// Of a service's log.
int PartitionsOf(std::string_view service);

}  // namespace trialog::ctl
