#include "services/process/common.h"

#include "platform/disk/watermark.h"
#include "platform/errors/errors.h"
#include "platform/sealing/digest.h"
#include "platform/text/text.h"

namespace trialog::process {

absl::Status NotInitialised(const std::string& data, const absl::Status& cause) {
  return Refuse(absl::StatusCode::kFailedPrecondition, "NOT_INITIALISED",
                Cat("run `trialogctl init --data ", data, "` first (", FromAbsl(cause.message()), ")"));
}

const std::vector<std::string>& AllServices() {
  static const auto& services = *new std::vector<std::string>{"auth", "inventory", "trials", "analytics", "audit"};
  return services;
}

std::string Derived(const sealing::MasterKey& secret, std::string_view purpose) {
  return std::string(sealing::HkdfSha256(secret.key(), "trialog.standalone.v1", purpose).bytes());
}

void CollectDisk(const Config& config, telemetry::Metrics& metrics) {
  const disk::Space space = disk::SpaceAt(config.data);
  if (space.known) {
    metrics.Gauge("trialog_disk_free_bytes", "Bytes left on the disk of the data folder.", {},
                  static_cast<double>(space.free));
  }
  metrics.Gauge("trialog_disk_watermark_bytes", "Below so many bytes left, writes are refused.", {},
                static_cast<double>(config.min_free_bytes));
}

void CollectKeys(const sealing::KeyStore& keys, telemetry::Metrics& metrics) {
  metrics.Counter("trialog_data_keys_made_total",
                  "Data keys made by this process, also for commands refused afterwards.", {},
                  static_cast<double>(keys.data_keys_made()));
}

}  // namespace trialog::process
