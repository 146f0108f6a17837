// What the standalone and the single services have in common beside their configuration.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "platform/sealing/key_store.h"
#include "platform/telemetry/metrics.h"
#include "services/process/config.h"

namespace trialog::process {

// FAILED_PRECONDITION, reason NOT_INITIALISED: a key of the data folder is missing, or is none.
absl::Status NotInitialised(const std::string& data, const absl::Status& cause);

// Metrics of the data folder's disk.
void CollectDisk(const Config& config, telemetry::Metrics& metrics);
// Metrics of auth's key store.
void CollectKeys(const sealing::KeyStore& keys, telemetry::Metrics& metrics);

}  // namespace trialog::process
