#include "services/trialogctl/logs.h"

#include "platform/errors/errors.h"
#include "platform/log/admission.h"
#include "platform/log/kafka/topics.h"
#include "services/process/kafka_flags.h"

namespace trialog::ctl {

absl::StatusOr<log::kafka::Options> AskedKafka() {
  auto flags = process::ReadKafkaFlags();
  if (!flags.ok()) return flags.status();
  if (!*flags) return Refuse(absl::StatusCode::kInvalidArgument, "FLAG_MISSING", "give --kafka_brokers");
  return **std::move(flags);
}

absl::Status ForEachRecord(log::Log& log, const std::string& topic, int partition, int64_t from,
                           const std::function<absl::Status(const log::StoredRecord&)>& visit) {
  constexpr size_t kReadBytes = 1 << 20;
  while (true) {
    const auto records = log.Read(topic, partition, from, kReadBytes);
    if (!records.ok()) return records.status();
    if (records->empty()) return absl::OkStatus();
    for (const log::StoredRecord& stored : *records) {
      if (absl::Status visited = visit(stored); !visited.ok()) return visited;
    }
    from = records->back().offset + 1;
  }
}

absl::StatusOr<event::v1::FoldState> FoldWhole(log::Log& log, const std::string& topic, int partition) {
  event::v1::FoldState fold;
  absl::Status read = ForEachRecord(log, topic, partition, 0, [&](const log::StoredRecord& stored) {
    const auto record = log::ParseRecord(stored.bytes, stored.offset);
    if (record.ok()) log::Admit(fold, *record, stored.bytes, stored.offset);
    return record.status();
  });
  if (!read.ok()) return read;
  return fold;
}

int PartitionsOf(std::string_view service) {
  return log::kafka::PrivateTopics({}, {std::string(service)}).front().partitions;
}

}  // namespace trialog::ctl
