#include "services/process/open_log.h"

#include "platform/disk/watermark.h"
#include "platform/errors/errors.h"
#include "platform/log/embedded/embedded_log.h"
#include "platform/log/kafka/kafka_log.h"
#include "platform/log/kafka/topics.h"
#include "platform/relay/kafka_outlet.h"
#include "platform/sealing/kafka_key_journal.h"
#include "rocksdb/env.h"

namespace trialog::process {

absl::StatusOr<std::unique_ptr<log::Log>> OpenLog(const Config& config, const std::vector<std::string>& services,
                                                  rocksdb::Env* env) {
  if (config.kafka) {
    log::kafka::Options kafka = *config.kafka;
    // What is written must be folded, here too.
    kafka.may_append = [data = config.data, keep = config.min_free_bytes] { return disk::CheckWatermark(data, keep); };
    if (absl::Status checked = log::kafka::CheckTopics(kafka, log::kafka::PrivateTopics(kafka, services));
        !checked.ok()) {
      return checked;
    }
    return log::KafkaLog::Open(kafka);
  }
  return log::EmbeddedLog::Open({.path = config.data + "/log",
                                 .file_system = env ? env->GetFileSystem() : nullptr,
                                 .min_free_bytes = config.min_free_bytes,
                                 .compress = config.compress});
}

absl::StatusOr<std::unique_ptr<relay::Outlet>> OpenPublicTopics(const Config& config,
                                                                const std::vector<std::string>& services) {
  if (!config.kafka) return nullptr;
  const auto topics = log::kafka::PublicTopics(*config.kafka, services);
  if (topics.empty()) return nullptr;
  if (absl::Status checked = log::kafka::CheckTopics(*config.kafka, topics); !checked.ok()) return checked;
  return relay::KafkaOutlet::Open(*config.kafka);
}

absl::Status CheckSiteIsNew(log::Log& log) {
  for (int p = 0; p < log::kPartitions; ++p) {
    const auto end = log.EndOffset("auth", p);
    if (!end.ok()) return end.status();
    if (*end == 0) continue;
    return Refuse(
        absl::StatusCode::kFailedPrecondition, "KEYS_ARE_ELSEWHERE",
        "auth has written before, and neither the topic of keys nor this process has a key: start the process "
        "that has them in keys/db first, alone");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<sealing::KeyJournal>> OpenKeyJournal(const Config& config) {
  if (!config.kafka) return nullptr;
  if (absl::Status checked = log::kafka::CheckTopics(*config.kafka, {log::kafka::KeysTopic(*config.kafka)});
      !checked.ok()) {
    return checked;
  }
  return sealing::KafkaKeyJournal::Open(*config.kafka);
}

}  // namespace trialog::process
