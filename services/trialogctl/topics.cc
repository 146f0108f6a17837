#include "services/trialogctl/topics.h"

#include <cstdio>

#include "platform/errors/errors.h"
#include "platform/log/admission.h"
#include "platform/log/kafka/kafka_log.h"
#include "platform/log/kafka/topics.h"
#include "platform/text/text.h"
#include "services/process/common.h"
#include "services/process/kafka_flags.h"

namespace trialog::ctl {

namespace {

absl::StatusOr<log::kafka::Options> Kafka() {
  auto flags = process::ReadKafkaFlags();
  if (!flags.ok()) return flags.status();
  if (!*flags) return Refuse(absl::StatusCode::kInvalidArgument, "FLAG_MISSING", "give --kafka_brokers");
  return **std::move(flags);
}

// What a reader knows at the end of the partition.
absl::StatusOr<event::v1::FoldState> FoldOf(log::Log& log, const std::string& service, int partition) {
  event::v1::FoldState fold;
  constexpr size_t kReadBytes = 1 << 20;
  while (true) {
    auto records = log.Read(service, partition, fold.next_offset(), kReadBytes);
    if (!records.ok()) return records.status();
    if (records->empty()) return fold;
    for (const log::StoredRecord& stored : *records) {
      auto record = log::ParseRecord(stored.bytes, stored.offset);
      if (!record.ok()) return record.status();
      log::Admit(fold, *record, stored.bytes, stored.offset);
    }
  }
}

}  // namespace

absl::Status Owners(std::string_view asked) {
  const auto kafka = Kafka();
  if (!kafka.ok()) return kafka.status();
  std::vector<std::string> services = process::AllServices();
  if (!asked.empty()) std::erase_if(services, [&](const std::string& service) { return service != asked; });
  if (services.empty()) {
    return Refuse(absl::StatusCode::kInvalidArgument, "BAD_FLAG", Cat("'", asked, "' is none of the five services"));
  }
  auto log = log::KafkaLog::Open(*kafka);
  if (!log.ok()) return log.status();
  for (const std::string& service : services) {
    const int partitions = log::kafka::PrivateTopics(*kafka, {service})[0].partitions;
    for (int p = 0; p < partitions; ++p) {
      const auto fold = FoldOf(**log, service, p);
      if (!fold.ok()) return fold.status();
      std::printf("%s %d: %s, term %llu, %llu records, %llu fenced, %llu alarms\n", service.c_str(), p,
                  fold->owner().empty() ? "nobody" : fold->address().c_str(),
                  static_cast<unsigned long long>(fold->term()), static_cast<unsigned long long>(fold->admitted()),
                  static_cast<unsigned long long>(fold->ignored_stale()),
                  static_cast<unsigned long long>(fold->alarms()));
    }
  }
  return absl::OkStatus();
}

absl::Status Topics(std::string_view what) {
  if (what != "create" && what != "check")
    return Refuse(absl::StatusCode::kInvalidArgument, "BAD_FLAG", Cat("'", what, "' is neither create nor check"));
  const auto kafka = Kafka();
  if (!kafka.ok()) return kafka.status();
  const auto topics = log::kafka::PrivateTopics(*kafka, process::AllServices());
  if (what == "create") {
    if (absl::Status made = log::kafka::CreateTopics(*kafka, topics); !made.ok()) return made;
  }
  if (absl::Status checked = log::kafka::CheckTopics(*kafka, topics); !checked.ok()) return checked;
  for (const auto& topic : topics) std::printf("%s: %d partitions\n", topic.name.c_str(), topic.partitions);
  return absl::OkStatus();
}

}  // namespace trialog::ctl
