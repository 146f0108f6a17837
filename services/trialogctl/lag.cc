#include "services/trialogctl/lag.h"

#include <cstdio>

#include "platform/errors/errors.h"
#include "platform/log/admission.h"
#include "platform/log/kafka/kafka_log.h"
#include "platform/log/kafka/topics.h"
#include "platform/relay/kafka_outlet.h"
#include "platform/text/text.h"
#include "platform/view/public_stream.h"
#include "services/process/common.h"
#include "services/trialogctl/logs.h"

namespace trialog::ctl {
namespace {

namespace kafka = log::kafka;

// Public events of the partition behind the place up to which they were relayed.
absl::StatusOr<int64_t> NotRelayed(log::Log& log, const std::string& service, int partition,
                                   const std::optional<relay::Outlet::Found>& highest) {
  const auto* prototype = view::EventPrototype(service);
  if (prototype == nullptr) return absl::InternalError(Cat("the events of ", service, " are not linked"));
  int64_t events = 0;
  // Admission begins at the first record where nothing was relayed, else at the one that was.
  event::v1::FoldState fold;
  bool begun = !highest.has_value();
  const absl::Status read = ForEachRecord(
      log, service, partition, begun ? 0 : highest->position.offset(), [&](const log::StoredRecord& stored) {
        const auto record = log::ParseUnlessSkipped(log, service, partition, fold, stored);
        if (!record.ok()) return record.status();
        if (!begun) fold = log::AdmissionBefore(*record, stored.offset);
        begun = true;
        if (log::Admit(fold, *record, stored.bytes, stored.offset) != log::Verdict::kAdmitted) return absl::OkStatus();
        for (const auto& event : view::PublicEvents(service, *prototype, partition, stored.offset, record->data())) {
          if (!highest || relay::Sequence(event.position()) > relay::Sequence(highest->position)) ++events;
        }
        return absl::OkStatus();
      });
  if (!read.ok()) return read;
  return events;
}

absl::Status PrintRelayLag(const kafka::Options& options, const std::vector<std::string>& services) {
  const auto log = log::KafkaLog::Open(options);
  if (!log.ok()) return log.status();
  const auto outlet = relay::KafkaOutlet::Open(options);
  if (!outlet.ok()) return outlet.status();
  for (const std::string& service : services) {
    for (int p = 0; p < log::kPartitions; ++p) {
      const auto end = (*log)->EndOffset(service, p);
      if (!end.ok()) return end.status();
      const auto highest = (*outlet)->Highest(service, p);
      if (!highest.ok()) return highest.status();
      const auto waiting = NotRelayed(**log, service, p, *highest);
      if (!waiting.ok()) return waiting.status();
      std::printf("%s %d: %lld records, relayed up to %s, %lld events not yet\n", service.c_str(), p,
                  static_cast<long long>(*end),
                  highest->has_value() ? relay::Sequence((*highest)->position).c_str() : "nothing",
                  static_cast<long long>(*waiting));
    }
  }
  return absl::OkStatus();
}

absl::Status PrintGroupLag(const kafka::Options& options, const std::vector<std::string>& services,
                           const std::string& group) {
  const auto client =
      kafka::Client::Make(RD_KAFKA_CONSUMER, options, {{"group.id", group}, {"enable.auto.commit", "false"}});
  if (!client.ok()) return client.status();
  for (const kafka::Topic& topic : kafka::PublicTopics(options, services)) {
    std::unique_ptr<rd_kafka_topic_partition_list_t, kafka::Destroyer<rd_kafka_topic_partition_list_destroy>> places(
        rd_kafka_topic_partition_list_new(topic.partitions));
    for (int p = 0; p < topic.partitions; ++p) rd_kafka_topic_partition_list_add(places.get(), topic.name.c_str(), p);
    const auto error = rd_kafka_committed((*client)->handle(), places.get(),
                                          static_cast<int>(absl::ToInt64Milliseconds(options.patience)));
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return kafka::FromKafka(error, Cat("group ", group));
    for (int i = 0; i < places->cnt; ++i) {
      const auto range = (*client)->QueryRange(topic.name, places->elems[i].partition, options.patience);
      if (!range.ok()) return range.status();
      const int64_t read = places->elems[i].offset;
      if (read < 0) continue;  // It does not read this topic, or not yet.
      std::printf("%s %s %d: %lld of %lld records read, %lld not yet\n", group.c_str(), topic.name.c_str(),
                  places->elems[i].partition, static_cast<long long>(read), static_cast<long long>(range->end),
                  static_cast<long long>(range->end - read));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Lag(std::string_view asked, const std::string& group) {
  const auto options = AskedKafka();
  if (!options.ok()) return options.status();
  std::vector<std::string> services = process::AllServices();
  std::erase_if(services,
                [&](const std::string& service) { return service == "audit" || (!asked.empty() && service != asked); });
  if (services.empty()) {
    return Refuse(absl::StatusCode::kInvalidArgument, "BAD_FLAG",
                  Cat("'", asked, "' is no service with public events"));
  }
  if (absl::Status printed = PrintRelayLag(*options, services); !printed.ok() || group.empty()) return printed;
  return PrintGroupLag(*options, services, group);
}

}  // namespace trialog::ctl
