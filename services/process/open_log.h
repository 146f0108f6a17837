// The log that the configuration names: embedded in the data folder, or on Kafka.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "platform/log/log.h"
#include "platform/relay/outlet.h"
#include "platform/sealing/key_journal.h"
#include "services/process/config.h"

namespace rocksdb {
class Env;
}

namespace trialog::process {

// Opens it. On Kafka the topics of `services` are checked first: FAILED_PRECONDITION, reason TOPIC_SETTINGS, when one
// is missing or would not keep what is written to it. `env` is that of the embedded log's files; null: the operating
// system's.
absl::StatusOr<std::unique_ptr<log::Log>> OpenLog(const Config& config, const std::vector<std::string>& services,
                                                  rocksdb::Env* env = nullptr);

// Where the public events of `services` go; null on an embedded log. Errors as above.
absl::StatusOr<std::unique_ptr<relay::Outlet>> OpenPublicTopics(const Config& config,
                                                                const std::vector<std::string>& services);

// FAILED_PRECONDITION, KEYS_ARE_ELSEWHERE, when auth's log is not empty: whoever wrote it had keys.
absl::Status CheckSiteIsNew(log::Log& log);

// Where the replicas of auth agree on keys; null on an embedded log. Errors as above.
absl::StatusOr<std::unique_ptr<sealing::KeyJournal>> OpenKeyJournal(const Config& config);

}  // namespace trialog::process
