#include "services/analytics/app/blob_sweeper.h"

#include <set>

#include "platform/errors/errors.h"
#include "platform/telemetry/event_log.h"
#include "platform/text/text.h"
#include "services/analytics/domain/tables.h"
#include "trialog/analytics/v1/dataset.pb.h"

namespace trialog::analytics {
namespace {

constexpr size_t kAtOnce = 256;

// Takes out of `blobs` what any version that a row ever had names: as_of shows those too.
void LeaveNamed(const view::Store& store, int partition, std::set<std::string>& blobs) {
  std::string after;
  while (!blobs.empty()) {
    const auto names = store.Names(partition, kVersions, "organizations/", after, kAtOnce);
    for (const std::string& name : names) {
      int64_t before = INT64_MAX;
      for (std::vector<view::Version> versions; before >= 0;) {
        versions = store.History(partition, kVersions, name, before, kAtOnce);
        for (const view::Version& version : versions) {
          if (version.row && version.row->resource)
            blobs.erase(version.row->As<v1::DatasetVersion>().content().sha256());
        }
        before = versions.size() < kAtOnce ? -1 : versions.back().offset - 1;
      }
    }
    if (names.size() < kAtOnce) return;
    after = names.back();
  }
}

}  // namespace

BlobSweeper::BlobSweeper(service::Backend& backend, blob::BlobFolder& blobs, const PendingBlobs& pending,
                         SweepOptions options)
    : backend_(backend),
      blobs_(blobs),
      pending_(pending),
      options_(options),
      executor_(backend.runtime().NewExecutor("analytics-blob-sweep")) {}

BlobSweeper::~BlobSweeper() = default;

void BlobSweeper::Start() {
  executor_->Post([this] { SweepAndGoOn(); });
}

void BlobSweeper::SweepAndGoOn() {
  const auto swept = Sweep();
  if (!swept.ok()) {
    telemetry::Warning("blob_sweep_put_off", {{"cause", std::string(FromAbsl(swept.status().message()))}});
  } else if (*swept > 0) {
    telemetry::Info("blobs_swept", {{"count", Cat(*swept)}});
  }
  executor_->After(options_.every, [this] { SweepAndGoOn(); });
}

absl::Status BlobSweeper::FoldedToTheEnd() const {
  if (absl::Status health = backend_.owner().Health(); !health.ok()) return health;
  const view::Store& store = backend_.store();
  for (int p = 0; p < backend_.owner().partitions; ++p) {
    const auto end = backend_.log().EndOffset(std::string(backend_.domain().service), p);
    if (!end.ok()) return end.status();
    if (store.next_offset(p) < *end) return absl::UnavailableError("the log is not folded to its end");
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> BlobSweeper::Sweep() {
  auto old = blobs_.OlderThan(backend_.runtime().Now() - options_.older_than);
  if (!old.ok()) return old.status();
  std::set<std::string> blobs(old->begin(), old->end());
  // Before the store is looked at: a command that let go of its blob was folded before that.
  std::erase_if(blobs, [&](const std::string& sha256) { return pending_.Contains(sha256); });
  if (blobs.empty()) return 0;
  if (absl::Status folded = FoldedToTheEnd(); !folded.ok()) return folded;
  for (int p = 0; p < backend_.owner().partitions; ++p) LeaveNamed(backend_.store(), p, blobs);
  // A damaged store may have hidden a name.
  if (absl::Status health = backend_.store().Health(); !health.ok()) return health;
  for (const std::string& sha256 : blobs) {
    if (absl::Status removed = blobs_.Remove(sha256); !removed.ok()) return removed;
  }
  return static_cast<int64_t>(blobs.size());
}

}  // namespace trialog::analytics
