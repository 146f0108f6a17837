#include "services/trialogctl/topics.h"

#include <cstdio>

#include "absl/time/clock.h"
#include "platform/errors/errors.h"
#include "platform/log/kafka/kafka_log.h"
#include "platform/log/kafka/topics.h"
#include "platform/text/text.h"
#include "services/process/common.h"
#include "services/trialogctl/logs.h"

namespace trialog::ctl {

absl::Status Owners(std::string_view asked) {
  const auto kafka = AskedKafka();
  if (!kafka.ok()) return kafka.status();
  std::vector<std::string> services = process::AllServices();
  if (!asked.empty()) std::erase_if(services, [&](const std::string& service) { return service != asked; });
  if (services.empty()) {
    return Refuse(absl::StatusCode::kInvalidArgument, "BAD_FLAG", Cat("'", asked, "' is none of the five services"));
  }
  auto log = log::KafkaLog::Open(*kafka);
  if (!log.ok()) return log.status();
  for (const std::string& service : services) {
    for (int p = 0; p < PartitionsOf(service); ++p) {
      const auto fold = FoldWhole(**log, service, p);
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
  const auto kafka = AskedKafka();
  if (!kafka.ok()) return kafka.status();
  const auto topics = log::kafka::AllTopics(*kafka, process::AllServices());
  if (what == "create") {
    if (absl::Status made = log::kafka::CreateTopics(*kafka, topics); !made.ok()) return made;
  }
  // The broker that is asked may hear of new topics a little later than the one that made them.
  constexpr absl::Duration kHeardOf = absl::Seconds(15), kLookAgain = absl::Milliseconds(200);
  const absl::Time give_up = absl::Now() + (what == "create" ? kHeardOf : absl::ZeroDuration());
  absl::Status checked = log::kafka::CheckTopics(*kafka, topics);
  while (!checked.ok() && absl::Now() < give_up) {
    absl::SleepFor(kLookAgain);
    checked = log::kafka::CheckTopics(*kafka, topics);
  }
  if (!checked.ok()) return checked;
  for (const auto& topic : topics) std::printf("%s: %d partitions\n", topic.name.c_str(), topic.partitions);
  return absl::OkStatus();
}

}  // namespace trialog::ctl
