// Deriving a service's store from the logs, outside the service: to compare it, or to take its place.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "platform/command/decision.h"
#include "platform/facts/fact_folder.h"
#include "platform/log/log.h"
#include "platform/view/store.h"

namespace trialog::audit {

// A service's store of rows.
struct ServiceStore {
  const Domain* domain = nullptr;
  std::string path;
  int partitions = log::kPartitions;  // Of its own topic.
  // Foreign streams that it folds into facts.
  struct Facts {
    std::string source;
    facts::FoldFact fold;
  };
  std::vector<Facts> facts = {};
};

// Folds a partition of a foreign stream into the store's facts, from where they are up to offset `end` (exclusive).
// DATA_LOSS, reason LOG_ENDS_BEFORE_STORE, when the log does not go so far.
absl::Status DeriveFacts(const ServiceStore::Facts& facts, int partition, int64_t end, log::Log& log,
                         view::Store& store);

}  // namespace trialog::audit
