// The rows of the key store, and what a record makes of them. Format: docs/formats/sealed.md, "Key store".
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "rocksdb/db.h"
#include "rocksdb/write_batch.h"
#include "trialog/event/v1/key_record.pb.h"
#include "trialog/event/v1/sealed.pb.h"

namespace trialog::sealing {

// Thread safe; knows no key in the clear. Errors: RESOURCE_EXHAUSTED DISK_FULL, UNAVAILABLE KEY_STORE_DISK, DATA_LOSS
// for what cannot have been written by this.
class KeyTable {
 public:
  // `env`: null is the machine's own file system; outlives the table.
  static absl::StatusOr<std::unique_ptr<KeyTable>> Open(const std::string& path, rocksdb::Env* env,
                                                        bool create_if_missing);

  // Which store it is, the same in each copy of it, and how far it was written: of two copies of one that went the same
  // way, the one with more has all that the other has. Of a store that nobody has open.
  struct Lineage {
    std::string id;
    uint64_t written = 0;
  };
  static absl::StatusOr<Lineage> LineageOf(const std::string& path);

  struct DataKeyRow {
    std::string id;
    std::optional<event::v1::Sealed> wrapped;  // Absent: erased for good.
  };
  absl::StatusOr<std::optional<DataKeyRow>> FindDataKey(std::string_view subject) const;
  absl::StatusOr<std::optional<std::string>> SubjectOf(std::string_view key_id) const;

  struct LookupKeyRow {
    int64_t epoch = 0;
    event::v1::Sealed wrapped;
  };
  absl::StatusOr<std::optional<LookupKeyRow>> FindLookupKey(std::string_view organization, int64_t epoch) const;
  absl::StatusOr<std::optional<LookupKeyRow>> LatestLookupKey(std::string_view organization) const;

  absl::StatusOr<std::optional<event::v1::Sealed>> Check() const;
  bool Empty() const;
  // Records that make the same rows; the check value first. Stops at the first error of `each`.
  using Each = std::function<absl::Status(const event::v1::KeyRecord&)>;
  absl::Status ForEach(const Each& each) const;

  // Adds to `batch` what `record` makes of the rows as they stand; records of one batch are about different keys. One
  // that comes second changes nothing. DATA_LOSS, KEY_RECORD_UNKNOWN, for a kind that this build does not know.
  absl::Status Fold(const event::v1::KeyRecord& record, rocksdb::WriteBatch& batch) const;
  // One fold, synced to disk or not.
  absl::Status Write(rocksdb::WriteBatch& batch, bool synced);

  // How far the topic of keys is folded; absent: none ever was.
  absl::StatusOr<std::optional<int64_t>> Position() const;
  static void SetPosition(int64_t next, rocksdb::WriteBatch& batch);
  // What tells the topic from others.
  absl::StatusOr<std::optional<std::string>> Topic() const;
  static void SetTopic(std::string_view topic, rocksdb::WriteBatch& batch);

  // No file holds afterwards what was overwritten or deleted before.
  absl::Status Compact();

  rocksdb::DB& db() { return *db_; }

 private:
  explicit KeyTable(std::unique_ptr<rocksdb::DB> db) : db_(std::move(db)) {}
  absl::StatusOr<std::optional<std::string>> Get(std::string_view row) const;
  absl::StatusOr<std::optional<event::v1::Sealed>> GetSealed(std::string_view row) const;
  absl::Status WithDataKey(std::string_view subject, const Each& each) const;
  absl::Status WithLookupKey(std::string_view name, std::string_view value, const Each& each) const;
  absl::Status FoldMade(const event::v1::KeyRecord::MadeDataKey& made, rocksdb::WriteBatch& batch) const;
  absl::Status FoldDestroyed(const event::v1::KeyRecord::DestroyedDataKey& destroyed, rocksdb::WriteBatch& batch) const;

  const std::unique_ptr<rocksdb::DB> db_;
};

// Keys of the table. Part of the stored format: do not change.
namespace key_row {
inline constexpr char kCheck[] = "m/check";        // Wrapped zeroes: opens under the right master key only.
inline constexpr char kRotating[] = "m/rotating";  // The former master key, wrapped under the current one.
inline constexpr char kPosition[] = "m/position";
inline constexpr char kTopic[] = "m/topic";
inline constexpr std::string_view kBySubject = "s/";
inline constexpr std::string_view kById = "i/";  // Id to subject.
inline constexpr std::string_view kLookup = "l/";
// First byte of a subject's value; the key's id (36 characters) and, when present, the wrapped key follow.
inline constexpr char kPresent = 'P';
inline constexpr char kErased = 'E';
inline constexpr size_t kIdSize = 36;

std::string LookupKey(std::string_view organization, int64_t epoch);
}  // namespace key_row

inline std::string_view ToView(rocksdb::Slice slice) { return {slice.data(), slice.size()}; }

// What the disk says, as a status.
absl::Status FromKeyDisk(const rocksdb::Status& status);
// DATA_LOSS, WRAPPED_KEY_DAMAGED.
absl::Status KeyDoesNotOpen(std::string_view what);

}  // namespace trialog::sealing
