// Rows of dataset versions at rest: serialised, sealed under the dataset's data key, in a blob. docs/formats/blob.md.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "platform/blob/blob_folder.h"
#include "platform/service/backend.h"
#include "services/analytics/app/pending_blobs.h"
#include "services/analytics/app/work_queue.h"
#include "services/analytics/domain/dataset.h"
#include "trialog/analytics/v1/dataset.pb.h"

namespace trialog::analytics {

// Thread safe. Both outlive it, and it outlives the tasks of the queues it is given.
class RowBlobs {
 public:
  RowBlobs(service::Backend& backend, blob::BlobFolder& blobs) : backend_(backend), blobs_(blobs) {}

  using Rows = std::shared_ptr<const v1::DataRows>;

  // Seals and stores rows of `dataset` (a resource name, whose data key is made if need be). `done` runs on the queue
  // with what an event may name, durable; or, from any thread, with an error, a little before `deadline` where keys do
  // not come.
  using Stored = std::function<void(absl::StatusOr<StoredRows>)>;
  void Store(std::string dataset, Rows rows, absl::Time deadline, std::shared_ptr<WorkQueue> queue, Stored done);

  // The rows of `version` of its own dataset. `done` as above. FAILED_PRECONDITION ROWS_ERASED when the key was
  // destroyed; DATA_LOSS ROWS_DAMAGED when the blob is missing or not what was stored.
  using Loaded = std::function<void(absl::StatusOr<Rows>)>;
  void Load(const v1::DatasetVersion& version, absl::Time deadline, std::shared_ptr<WorkQueue> queue, Loaded done);

  // Blobs stored for commands that are not yet decided.
  const PendingBlobs& pending() const { return pending_; }

 private:
  absl::StatusOr<StoredRows> Seal(const std::string& dataset, const v1::DataRows& rows, const sealing::DataKey& key);
  absl::StatusOr<Rows> Open(const v1::DatasetVersion& version, const sealing::DataKey& key);

  service::Backend& backend_;
  blob::BlobFolder& blobs_;
  PendingBlobs pending_;
};

}  // namespace trialog::analytics
