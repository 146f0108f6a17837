#include "services/trialogctl/topics.h"

#include <cstdio>

#include "platform/errors/errors.h"
#include "platform/log/kafka/topics.h"
#include "platform/text/text.h"
#include "services/process/kafka_flags.h"

namespace trialog::ctl {

absl::Status Topics(std::string_view what) {
  if (what != "create" && what != "check")
    return Refuse(absl::StatusCode::kInvalidArgument, "BAD_FLAG", Cat("'", what, "' is neither create nor check"));
  const auto flags = process::ReadKafkaFlags();
  if (!flags.ok()) return flags.status();
  if (!*flags) return Refuse(absl::StatusCode::kInvalidArgument, "FLAG_MISSING", "give --kafka_brokers");
  const log::kafka::Options& kafka = **flags;
  const auto topics = log::kafka::PrivateTopics(kafka, {"auth", "inventory", "trials", "analytics", "audit"});
  if (what == "create") {
    if (absl::Status made = log::kafka::CreateTopics(kafka, topics); !made.ok()) return made;
  }
  if (absl::Status checked = log::kafka::CheckTopics(kafka, topics); !checked.ok()) return checked;
  for (const auto& topic : topics) std::printf("%s: %d partitions\n", topic.name.c_str(), topic.partitions);
  return absl::OkStatus();
}

}  // namespace trialog::ctl
