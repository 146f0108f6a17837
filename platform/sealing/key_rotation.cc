// The master key changes while requests go on: docs/formats/sealed.md, "Key store".
#include "platform/errors/errors.h"
#include "platform/sealing/key_contexts.h"
#include "platform/sealing/key_store.h"
#include "platform/text/text.h"

namespace trialog::sealing {
namespace {

using event::v1::Sealed;
using namespace key_row;

constexpr int kRewrapBatch = 1024;

}  // namespace

// Completes what a crash or an error cut short.
absl::Status KeyStore::ResumeRotation() {
  std::string value;
  const rocksdb::Status rotating = table_->db().Get({}, kRotating, &value);
  if (rotating.IsNotFound()) return absl::OkStatus();
  if (!rotating.ok()) return FromKeyDisk(rotating);
  {
    absl::WriterMutexLock lock(&master_mutex_);
    Sealed former;
    if (!former.ParseFromString(value)) return KeyDoesNotOpen("the former master key");
    auto key = Unwrap(former, kFormerContext);
    if (!key.ok()) return key.status();
    former_.emplace(*std::move(key));
  }
  return FinishRotation();
}

absl::Status KeyStore::RotateMasterKey(MasterKey next) {
  if (replica_.shared()) {
    return Refuse(absl::StatusCode::kFailedPrecondition, "KEYS_ON_A_TOPIC",
                  "the keys lie in a topic that several replicas fold; their master key cannot be changed yet");
  }
  absl::MutexLock rotation(&rotation_mutex_);
  if (absl::Status resumed = ResumeRotation(); !resumed.ok()) return resumed;
  {
    absl::WriterMutexLock lock(&master_mutex_);
    if (next.Id() == master_.Id()) return absl::OkStatus();
    former_ = std::exchange(master_, std::move(next));
    rocksdb::WriteBatch batch;
    batch.Put(kCheck, Wrap(SecretKey(), kCheckContext).SerializeAsString());
    batch.Put(kRotating, Wrap(former_->key(), kFormerContext).SerializeAsString());
    if (absl::Status status = table_->Write(batch, /*synced=*/true); !status.ok()) {
      master_ = *std::exchange(former_, std::nullopt);  // Nobody has seen the new key yet.
      return status;
    }
  }
  return FinishRotation();
}

// From `from` on, at most kRewrapBatch rows; true when there are more.
absl::StatusOr<bool> KeyStore::RewrapSome(std::string& from) {
  rocksdb::WriteBatch batch;
  const std::unique_ptr<rocksdb::Iterator> row(table_->db().NewIterator({}));
  int seen = 0;
  for (row->Seek(from); row->Valid() && seen < kRewrapBatch; row->Next(), ++seen) {
    const std::string_view name = ToView(row->key());
    std::string_view value = ToView(row->value());
    std::string head, context;
    if (HasPrefix(name, kBySubject) && value.size() > 1 + kIdSize && value[0] == kPresent) {
      head = value.substr(0, 1 + kIdSize);
      context = DataKeyContext(value.substr(1, kIdSize), name.substr(kBySubject.size()));
    } else if (HasPrefix(name, kLookup)) {
      context = LookupKeyContext(name);
    } else {
      continue;
    }
    value.remove_prefix(head.size());
    Sealed wrapped;
    if (!wrapped.ParseFromArray(value.data(), static_cast<int>(value.size()))) return KeyDoesNotOpen("a stored key");
    if (wrapped.key_id() == master_.Id()) continue;
    auto key = Unwrap(wrapped, context);
    if (!key.ok()) return key.status();
    batch.Put(row->key(), Cat(head, Wrap(*key, context).SerializeAsString()));
  }
  if (!row->status().ok()) return FromKeyDisk(row->status());
  const bool more = row->Valid();
  if (more) from = row->key().ToString();
  if (absl::Status status = table_->Write(batch, /*synced=*/false); !status.ok()) return status;
  return more;
}

absl::Status KeyStore::FinishRotation() {
  std::string from;
  for (bool more = true; more;) {
    absl::WriterMutexLock lock(&master_mutex_);
    auto step = RewrapSome(from);
    if (!step.ok()) return step.status();
    more = *step;
  }
  {
    absl::WriterMutexLock lock(&master_mutex_);
    // Synced, and after the rewrapped rows in the same write-ahead log: they are durable once this is.
    rocksdb::WriteBatch batch;
    batch.Delete(kRotating);
    if (absl::Status status = table_->Write(batch, /*synced=*/true); !status.ok()) return status;
    former_.reset();
  }
  return table_->Compact();
}

}  // namespace trialog::sealing
