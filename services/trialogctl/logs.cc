#include "services/trialogctl/logs.h"

#include <filesystem>

#include "absl/synchronization/notification.h"
#include "platform/errors/errors.h"
#include "platform/log/admission.h"
#include "platform/log/continuity.h"
#include "platform/log/embedded/embedded_log.h"
#include "platform/log/kafka/kafka_log.h"
#include "platform/log/kafka/topics.h"
#include "platform/log/skip.h"
#include "platform/reaction/causes.h"
#include "platform/text/text.h"
#include "services/process/kafka_flags.h"
#include "services/trialogctl/flags.h"

namespace trialog::ctl {

absl::StatusOr<log::kafka::Options> AskedKafka() {
  auto flags = process::ReadKafkaFlags();
  if (!flags.ok()) return flags.status();
  if (!*flags) return Missing("kafka_brokers");
  return **std::move(flags);
}

absl::StatusOr<std::unique_ptr<log::Log>> OpenLog(const std::optional<log::kafka::Options>& kafka,
                                                  const std::string& data) {
  if (kafka) return log::KafkaLog::Open(*kafka);
  if (!std::filesystem::is_directory(data + "/log")) {
    return Refuse(absl::StatusCode::kFailedPrecondition, "NO_LOG", Cat(data, "/log: there is no embedded log"));
  }
  return log::EmbeddedLog::Open({.path = data + "/log"});
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

std::vector<log::Report> AppendAndWait(log::Appender& appender, std::vector<std::string> records) {
  std::vector<log::Report> reports;
  absl::Notification reported;
  appender.Append(std::move(records), [&](std::vector<log::Report> got) {
    reports = std::move(got);
    reported.Notify();
  });
  reported.WaitForNotification();
  return reports;
}

absl::StatusOr<event::v1::FoldState> FoldWhole(log::Log& log, const std::string& topic, int partition) {
  event::v1::FoldState fold;
  absl::Status read = ForEachRecord(log, topic, partition, 0, [&](const log::StoredRecord& stored) {
    const auto record = log::ParseUnlessSkipped(log, topic, partition, fold, stored);
    if (record.ok()) log::Admit(fold, *record, stored.bytes, stored.offset);
    return record.status();
  });
  if (!read.ok()) return read;
  return fold;
}

absl::Status CheckIsOf(log::Log& log, const audit::ServiceStore& service, const view::Store& store) {
  const std::string name(service.domain->service);
  absl::Status checked;
  for (int p = 0; p < service.partitions; ++p) {
    checked.Update(log::CheckContinues(log, name, p, store.fold(p)));
    checked.Update(reaction::CheckCauses(log, store.fold(p)));
  }
  for (const auto& facts : service.facts) {
    for (int p = 0; p < log::kPartitions; ++p) {
      checked.Update(log::CheckContinues(log, facts.source, p, store.fact_fold(facts.source, p)));
    }
  }
  return checked;
}

int PartitionsOf(std::string_view service) {
  return log::kafka::PrivateTopics({}, {std::string(service)}).front().partitions;
}

}  // namespace trialog::ctl
