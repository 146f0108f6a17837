// trialog-analytics: the analytics service alone.
#include "services/analytics/app/analytics_app.h"
#include "services/single/definition.h"

namespace trialog::single {

const bool kIsAuth = false;

absl::StatusOr<service::Definition> DefinitionOf(const Parts& parts) {
  static std::unique_ptr<blob::BlobFolder> blobs;  // One service a process; the definition only borrows it.
  auto opened = blob::BlobFolder::Open(parts.config.BlobsPath(), {.min_free_bytes = parts.config.min_free_bytes});
  if (!opened.ok()) return opened.status();
  blobs = *std::move(opened);
  analytics::AnalyticsParts analytics_parts;
  analytics_parts.blobs = blobs.get();
  if (!parts.config.trials_peer.empty()) analytics_parts.trials = parts.trials;
  return analytics::AnalyticsDefinition(analytics_parts);
}

}  // namespace trialog::single
