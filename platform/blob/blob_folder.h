// Content that is too large for the log, as immutable files named by their SHA-256. docs/formats/blob.md.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace rocksdb {
class Env;
}

namespace trialog::blob {

inline constexpr size_t kMaxBlobBytes = size_t{64} << 20;

// One folder of blobs; one process at a time. Thread safe; calls block on the disk.
class BlobFolder {
 public:
  // Makes the folder when it is missing, and deletes what a crash left half written. UNAVAILABLE when the disk does not
  // allow it. `env` is where the files are: null for the operating system's, as in every store; it outlives the folder.
  static absl::StatusOr<std::unique_ptr<BlobFolder>> Open(const std::string& path, rocksdb::Env* env = nullptr);

  // Stores `content` and returns its SHA-256, 32 bytes. Durable when it returns; storing the same content again changes
  // nothing, or mends a damaged file. INVALID_ARGUMENT BLOB_TOO_LARGE, RESOURCE_EXHAUSTED DISK_FULL, UNAVAILABLE
  // BLOB_WRITE_FAILED.
  absl::StatusOr<std::string> Put(std::string_view content);

  // The content whose SHA-256 is `sha256`. NOT_FOUND; DATA_LOSS BLOB_DAMAGED when the file holds anything else, or the
  // disk cannot give it back; UNAVAILABLE BLOB_READ_FAILED.
  absl::StatusOr<std::string> Get(std::string_view sha256) const;

 private:
  BlobFolder(std::string path, rocksdb::Env& env) : path_(std::move(path)), env_(env) {}
  std::string PathOf(std::string_view sha256) const;
  absl::Status Write(const std::string& temporary, std::string_view content, const std::string& name);
  absl::Status SyncFolder() const;

  const std::string path_;
  rocksdb::Env& env_;
  std::atomic<uint64_t> written_ = 0;  // Temporary names so far; those of an earlier process are gone.
};

}  // namespace trialog::blob
