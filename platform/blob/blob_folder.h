// Content that is too large for the log, as immutable files named by their SHA-256. docs/formats/blob.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace trialog::blob {

inline constexpr size_t kMaxBlobBytes = size_t{64} << 20;

// One folder of blobs; one process at a time. Thread safe; calls block on the disk.
class BlobFolder {
 public:
  // Makes the folder when it is missing, and deletes what a crash left half written. UNAVAILABLE when the disk does not
  // allow it. Put keeps `min_free_bytes` of the disk free.
  static absl::StatusOr<std::unique_ptr<BlobFolder>> Open(const std::string& path, uint64_t min_free_bytes = 0);

  // Stores `content` and returns its SHA-256, 32 bytes. Durable when it returns; storing the same content again changes
  // nothing, or mends a damaged file. INVALID_ARGUMENT BLOB_TOO_LARGE, RESOURCE_EXHAUSTED DISK_WATERMARK or DISK_FULL,
  // UNAVAILABLE BLOB_WRITE_FAILED.
  absl::StatusOr<std::string> Put(std::string_view content);

  // The content whose SHA-256 is `sha256`. NOT_FOUND; DATA_LOSS BLOB_DAMAGED when the file holds anything else;
  // UNAVAILABLE BLOB_READ_FAILED.
  absl::StatusOr<std::string> Get(std::string_view sha256) const;

  // The SHA-256 of every blob last written before `time`.
  absl::StatusOr<std::vector<std::string>> OlderThan(absl::Time time) const;
  // Deletes a blob; OK when there is none.
  absl::Status Remove(std::string_view sha256);

 private:
  BlobFolder(std::string path, uint64_t min_free_bytes) : path_(std::move(path)), min_free_bytes_(min_free_bytes) {}
  std::string PathOf(std::string_view sha256) const;
  absl::Status SyncFolder() const;

  const std::string path_;
  const uint64_t min_free_bytes_;
};

}  // namespace trialog::blob
