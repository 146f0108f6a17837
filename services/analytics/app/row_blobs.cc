#include "services/analytics/app/row_blobs.h"

#include "platform/errors/errors.h"
#include "platform/sealing/aead.h"
#include "platform/sealing/digest.h"
#include "platform/text/text.h"
#include "services/analytics/domain/names.h"

namespace trialog::analytics {
namespace {

using sealing::DataKey;

std::string AssociatedData(std::string_view dataset, std::string_view key_id) {
  std::string data;
  for (std::string_view part : {std::string_view("trialog.analytics.rows.v1"), key_id, dataset}) {
    sealing::AppendLengthPrefixed(data, part);
  }
  return data;
}

absl::Status Erased(std::string_view dataset) {
  return BrokenRule("ROWS_ERASED", dataset, "the rows of this dataset were erased for good");
}

absl::Status Damaged(std::string_view version) {
  return Refuse(absl::StatusCode::kDataLoss, "ROWS_DAMAGED",
                Cat("the rows of ", version, " are damaged; restore a backup"));
}

// Fetches one key and goes on with it on the queue; `fail` hears of everything else.
void WithKey(service::Backend& backend, sealing::KeyRequest request, absl::Time deadline,
             std::shared_ptr<WorkQueue> queue, std::function<void(const DataKey&)> use,
             std::function<void(const absl::Status&)> fail) {
  if (backend.keys() == nullptr) {
    return fail(Refuse(absl::StatusCode::kInternal, "NO_KEYS", "rows cannot be kept without data keys"));
  }
  backend.GetKeys(std::move(request), deadline,
                  [queue = std::move(queue), use = std::move(use),
                   fail = std::move(fail)](absl::StatusOr<std::vector<DataKey>> keys) {
                    if (!keys.ok()) return fail(keys.status());
                    if (keys->size() != 1) return fail(absl::InternalError("one data key was asked for"));
                    if (!queue->Post([use, key = keys->front()] { use(key); })) fail(QueueFull());
                  });
}

}  // namespace

void RowBlobs::Store(std::string dataset, Rows rows, absl::Time deadline, std::shared_ptr<WorkQueue> queue,
                     Stored done) {
  sealing::KeyRequest request{std::string(OrganizationOf(dataset)), {dataset}, {}, true};
  WithKey(
      backend_, std::move(request), deadline, std::move(queue),
      [this, dataset, rows = std::move(rows), done](const DataKey& key) { done(Seal(dataset, *rows, key)); }, done);
}

absl::StatusOr<StoredRows> RowBlobs::Seal(const std::string& dataset, const v1::DataRows& rows, const DataKey& key) {
  if (key.state != DataKey::State::kPresent) return Erased(dataset);
  std::string content = backend_.runtime().RandomBytes(sealing::kNonceSize);
  content += sealing::AeadSeal(key.key, content, AssociatedData(dataset, key.id), rows.SerializeAsString());
  auto sha256 = blobs_.Put(content);
  if (!sha256.ok()) return sha256.status();
  StoredRows stored{.row_count = rows.rows_size()};
  stored.hold = pending_.Hold(*sha256);
  stored.blob.set_sha256(*std::move(sha256));
  stored.blob.set_size(static_cast<int64_t>(content.size()));
  stored.blob.set_key_id(key.id);
  return stored;
}

void RowBlobs::Load(const v1::DatasetVersion& version, absl::Time deadline, std::shared_ptr<WorkQueue> queue,
                    Loaded done) {
  sealing::KeyRequest request;
  request.organization = std::string(OrganizationOf(version.name()));
  request.key_ids = {version.content().key_id()};
  WithKey(
      backend_, std::move(request), deadline, std::move(queue),
      [this, version, done](const DataKey& key) { done(Open(version, key)); }, done);
}

absl::StatusOr<RowBlobs::Rows> RowBlobs::Open(const v1::DatasetVersion& version, const DataKey& key) {
  if (key.state == DataKey::State::kErased) return Erased(DatasetOf(version.name()));
  if (key.state != DataKey::State::kPresent) return Damaged(version.name());
  auto content = blobs_.Get(version.content().sha256());
  if (absl::IsNotFound(content.status()) || absl::IsDataLoss(content.status())) return Damaged(version.name());
  if (!content.ok()) return content.status();
  if (content->size() < sealing::kNonceSize) return Damaged(version.name());
  const std::string_view sealed(*content);
  const auto bytes =
      sealing::AeadOpen(key.key, sealed.substr(0, sealing::kNonceSize),
                        AssociatedData(DatasetOf(version.name()), key.id), sealed.substr(sealing::kNonceSize));
  auto rows = std::make_shared<v1::DataRows>();
  if (!bytes || !rows->ParseFromString(*bytes)) return Damaged(version.name());
  return Rows(std::move(rows));
}

}  // namespace trialog::analytics
