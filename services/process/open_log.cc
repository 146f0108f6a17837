#include "services/process/open_log.h"

#include "platform/log/embedded/embedded_log.h"
#include "platform/log/kafka/kafka_log.h"
#include "platform/log/kafka/topics.h"
#include "rocksdb/env.h"

namespace trialog::process {

absl::StatusOr<std::unique_ptr<log::Log>> OpenLog(const Config& config, const std::vector<std::string>& services,
                                                  rocksdb::Env* env) {
  if (config.kafka) {
    const log::kafka::Options& kafka = *config.kafka;
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

}  // namespace trialog::process
