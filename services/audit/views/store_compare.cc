// What verification asks of a store: its hash, everything in it, and where two stores differ.
#include "platform/sealing/digest.h"
#include "platform/sealing/encoding.h"
#include "platform/text/text.h"
#include "platform/view/rocks.h"
#include "rocksdb/db.h"
#include "services/audit/views/audit_store.h"

namespace trialog::audit {
namespace {

using view::FromSlice;

// Keys and values of one family, in order, of one snapshot.
class Walk {
 public:
  Walk(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family, const rocksdb::Snapshot* snapshot) {
    rocksdb::ReadOptions options;
    options.snapshot = snapshot;
    options.fill_cache = false;
    options.total_order_seek = true;  // Events are hashed in memory.
    it_.reset(db.NewIterator(options, family));
    it_->SeekToFirst();
  }
  bool Valid() const { return it_->Valid(); }
  void Next() { it_->Next(); }
  std::string_view key() const { return FromSlice(it_->key()); }
  std::string_view value() const { return FromSlice(it_->value()); }
  absl::Status status() const { return view::FromRocks(it_->status(), "reading the store of the audit log"); }

 private:
  std::unique_ptr<rocksdb::Iterator> it_;
};

std::string Describe(std::string_view family, std::string_view key) {
  if (family == "entries" && key.size() == 8) return Cat("entry ", view::ReadU64(key));
  if (family == "checkpoints" && key.size() == 8) return Cat("checkpoint of size ", view::ReadU64(key));
  if (family == "tiles" && key.size() == 9) {
    return Cat("tile ", static_cast<int>(key[0]), "/", view::ReadU64(key.substr(1)));
  }
  if (family == "records" && key.size() > 10) {
    const size_t end = key.size() - 11;  // NUL, partition, offset.
    return Cat("record at offset ", view::ReadU64(key.substr(end + 3)), " of partition ",
               view::ReadU16(key.substr(end + 1)), " of ", key.substr(0, end));
  }
  return Cat("key ", sealing::Hex(key), " of ", family);
}

}  // namespace

absl::Status AuditStore::ForEach(
    const std::function<bool(std::string_view family, std::string_view key, std::string_view value)>& visit) const {
  rocksdb::ManagedSnapshot snapshot(db_.get());
  for (auto* family : families_) {
    Walk walk(*db_, family, snapshot.snapshot());
    for (; walk.Valid(); walk.Next()) {
      if (!visit(family->GetName(), walk.key(), walk.value())) return absl::OkStatus();
    }
    if (absl::Status status = walk.status(); !status.ok()) return status;
  }
  return absl::OkStatus();
}

// A chain over length-prefixed parts rather than one text: the store may be larger than memory.
absl::StatusOr<std::string> AuditStore::ContentHash() const {
  std::string hash(sealing::kSha256Size, '\0');
  std::string block;
  const auto fold = [&] { hash = sealing::Sha256({hash, block}); };
  const absl::Status walked = ForEach([&](std::string_view family, std::string_view key, std::string_view value) {
    for (std::string_view part : {family, key, value}) sealing::AppendLengthPrefixed(block, part);
    fold();
    block.clear();
    return true;
  });
  if (!walked.ok()) return walked;
  return hash;
}

absl::StatusOr<std::string> AuditStore::FirstDifference(const AuditStore& kept, const AuditStore& rebuilt) {
  // Entries first: of all that follows from a changed entry, an operator wants to hear of the entry.
  for (const int family : {kEntries, kRecords, kTiles, kCheckpoints, kEvents, kLists, kMeta}) {
    const std::string name = kept.families_[family]->GetName();
    Walk a(*kept.db_, kept.families_[family], nullptr), b(*rebuilt.db_, rebuilt.families_[family], nullptr);
    for (; a.Valid() || b.Valid(); a.Next(), b.Next()) {
      if (a.Valid() && b.Valid() && a.key() == b.key() && a.value() == b.value()) continue;
      if (absl::Status status = a.status(); !status.ok()) return status;
      if (absl::Status status = b.status(); !status.ok()) return status;
      if (!a.Valid() || (b.Valid() && b.key() < a.key())) {
        return Cat(Describe(name, b.key()), " is missing in the store of the audit log");
      }
      if (!b.Valid() || a.key() < b.key()) return Cat(Describe(name, a.key()), " does not follow from the logs");
      return Cat(Describe(name, a.key()), " differs from what the logs say");
    }
    if (absl::Status status = a.status(); !status.ok()) return status;
    if (absl::Status status = b.status(); !status.ok()) return status;
  }
  return std::string();
}

}  // namespace trialog::audit
