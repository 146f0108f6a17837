// Content that is too large for the log, as immutable files named by their SHA-256. docs/formats/blob.md.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace rocksdb {
class Env;
}

namespace trialog::blob {

inline constexpr size_t kMaxBlobBytes = size_t{64} << 20;

struct BlobOptions {
  rocksdb::Env* env = nullptr;  // Where the files are. Null: the operating system's. Outlives the folder.
  uint64_t min_free_bytes = 0;  // Of the disk, which Put keeps free.
};

// One folder of blobs, which several processes may share. Thread safe; calls block on the disk.
class BlobFolder {
 public:
  // Makes the folder when it is missing, and deletes what a crash left half written a while ago. UNAVAILABLE when the
  // disk does not allow it.
  static absl::StatusOr<std::unique_ptr<BlobFolder>> Open(const std::string& path, const BlobOptions& options = {});

  // Stores `content` and returns its SHA-256, 32 bytes. Durable when it returns; storing the same content again changes
  // nothing, or mends a damaged file. INVALID_ARGUMENT BLOB_TOO_LARGE, RESOURCE_EXHAUSTED DISK_WATERMARK or DISK_FULL,
  // UNAVAILABLE BLOB_WRITE_FAILED.
  absl::StatusOr<std::string> Put(std::string_view content);

  // The content whose SHA-256 is `sha256`. NOT_FOUND; DATA_LOSS BLOB_DAMAGED when the file holds anything else, or the
  // disk cannot give it back; UNAVAILABLE BLOB_READ_FAILED.
  absl::StatusOr<std::string> Get(std::string_view sha256) const;

  // The SHA-256 of every blob last written before `time`.
  absl::StatusOr<std::vector<std::string>> OlderThan(absl::Time time) const;
  // Deletes a blob; OK when there is none.
  absl::Status Remove(std::string_view sha256);

 private:
  BlobFolder(std::string path, rocksdb::Env& env, uint64_t min_free_bytes);
  std::string PathOf(std::string_view sha256) const;
  absl::Status Write(const std::string& temporary, std::string_view content, const std::string& name);
  absl::Status SyncFolder() const;

  const std::string path_;
  rocksdb::Env& env_;
  const uint64_t min_free_bytes_;
  const std::string temporary_;        // What temporary names begin with: nobody else's do.
  std::atomic<uint64_t> written_ = 0;  // Temporary names so far.
};

}  // namespace trialog::blob
