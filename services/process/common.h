// What the standalone and the single services have in common beside their configuration.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "platform/sealing/key_store.h"
#include "platform/sealing/master_key.h"
#include "platform/telemetry/metrics.h"
#include "services/process/config.h"

namespace trialog::process {

// FAILED_PRECONDITION, reason NOT_INITIALISED: a key of the data folder is missing, or is none.
absl::Status NotInitialised(const std::string& data, const absl::Status& cause);

// The five, in the order in which they start.
const std::vector<std::string>& AllServices();

// A service's own secret, derived from the data folder's: one file to keep instead of ten. The same for a standalone
// and for single services, so that a site may go from one to the other.
std::string Derived(const sealing::MasterKey& secret, std::string_view purpose);

// Metrics of the data folder's disk.
void CollectDisk(const Config& config, telemetry::Metrics& metrics);
// Metrics of auth's key store.
void CollectKeys(const sealing::KeyStore& keys, telemetry::Metrics& metrics);

}  // namespace trialog::process
