// Deletes blobs that nothing names: rows that were stored for a command that was refused, repeated, or lost in a crash.
// docs/adr/0009-orphan-blobs.md says why that is safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/blob/blob_folder.h"
#include "platform/service/backend.h"
#include "services/analytics/app/pending_blobs.h"

namespace trialog::analytics {

struct SweepOptions {
  absl::Duration older_than = absl::Hours(24);  // Younger ones stay, whatever names them.
  absl::Duration every = absl::Hours(1);
};

class BlobSweeper {
 public:
  // All outlive it.
  BlobSweeper(service::Backend& backend, blob::BlobFolder& blobs, const PendingBlobs& pending,
              SweepOptions options = {});
  ~BlobSweeper();

  // Sweeps now and then, on a thread of its own, until it is destroyed.
  void Start();
  // How many it deleted. An error, and nothing deleted, while what names blobs is not known to the end of the log.
  absl::StatusOr<int64_t> Sweep();

 private:
  void SweepAndGoOn();
  absl::Status FoldedToTheEnd() const;

  service::Backend& backend_;
  blob::BlobFolder& blobs_;
  const PendingBlobs& pending_;
  const SweepOptions options_;
  std::unique_ptr<Executor> executor_;  // Last: its tasks use all of the above.
};

}  // namespace trialog::analytics
