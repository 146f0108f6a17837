#include "platform/blob/blob_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "platform/disk/watermark.h"
#include "platform/errors/errors.h"
#include "platform/sealing/digest.h"
#include "platform/sealing/encoding.h"
#include "platform/text/text.h"

namespace trialog::blob {
namespace {

constexpr std::string_view kTemporary = "tmp-";

class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int descriptor() const { return descriptor_; }
  bool open() const { return descriptor_ >= 0; }

 private:
  const int descriptor_;
};

// The operating system's own words, which name no file.
std::string Why(int error) { return std::generic_category().message(error); }

absl::Status WriteFailed(int error) {
  if (error == ENOSPC || error == EDQUOT) {
    return RetryLater(absl::StatusCode::kResourceExhausted, "DISK_FULL", "no room is left for files",
                      absl::Seconds(30));
  }
  return RetryLater(absl::StatusCode::kUnavailable, "BLOB_WRITE_FAILED",
                    Cat("a file could not be written: ", Why(error)), absl::Seconds(1));
}

absl::Status ReadFailed(int error) {
  return RetryLater(absl::StatusCode::kUnavailable, "BLOB_READ_FAILED", Cat("a file could not be read: ", Why(error)),
                    absl::Seconds(1));
}

absl::Status Damaged(std::string_view sha256) {
  return Refuse(absl::StatusCode::kDataLoss, "BLOB_DAMAGED",
                Cat("blob ", sealing::Hex(sha256), " is not what was stored; restore it from a backup"));
}

absl::Status WriteAll(const File& file, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = write(file.descriptor(), content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return WriteFailed(errno);
    content.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<BlobFolder>> BlobFolder::Open(const std::string& path, uint64_t min_free_bytes) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return WriteFailed(error.value());
  for (std::filesystem::directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code ignored;  // What cannot be deleted now takes room, no more.
    if (HasPrefix(entry->path().filename().native(), kTemporary)) std::filesystem::remove(entry->path(), ignored);
  }
  if (error) return ReadFailed(error.value());
  std::unique_ptr<BlobFolder> folder(new BlobFolder(path, min_free_bytes));
  if (absl::Status synced = folder->SyncFolder(); !synced.ok()) return synced;
  return folder;
}

std::string BlobFolder::PathOf(std::string_view sha256) const { return Cat(path_, "/", sealing::Hex(sha256)); }

absl::Status BlobFolder::SyncFolder() const {
  const File folder(open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.open() || fsync(folder.descriptor()) != 0) return WriteFailed(errno);
  return absl::OkStatus();
}

absl::StatusOr<std::string> BlobFolder::Put(std::string_view content) {
  if (content.size() > kMaxBlobBytes) {
    return Refuse(absl::StatusCode::kInvalidArgument, "BLOB_TOO_LARGE", Cat("at most ", kMaxBlobBytes, " bytes"));
  }
  if (absl::Status room = disk::CheckWatermark(path_, min_free_bytes_); !room.ok()) return room;
  std::string sha256 = sealing::Sha256(content);
  std::string temporary = Cat(path_, "/", kTemporary, "XXXXXX");
  {
    const File file(mkostemp(temporary.data(), O_CLOEXEC));
    if (!file.open()) return WriteFailed(errno);
    absl::Status written = WriteAll(file, content);
    if (written.ok() && fsync(file.descriptor()) != 0) written = WriteFailed(errno);
    if (written.ok() && rename(temporary.c_str(), PathOf(sha256).c_str()) != 0) written = WriteFailed(errno);
    if (!written.ok()) {
      unlink(temporary.c_str());
      return written;
    }
  }
  if (absl::Status synced = SyncFolder(); !synced.ok()) return synced;
  return sha256;
}

absl::StatusOr<std::string> BlobFolder::Get(std::string_view sha256) const {
  if (sha256.size() != sealing::kSha256Size) return NotFound("blob");
  const File file(open(PathOf(sha256).c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.open()) return errno == ENOENT ? NotFound("blob") : ReadFailed(errno);
  struct stat status;
  if (fstat(file.descriptor(), &status) != 0) return ReadFailed(errno);
  if (static_cast<uint64_t>(status.st_size) > kMaxBlobBytes) return Damaged(sha256);
  std::string content(static_cast<size_t>(status.st_size), '\0');
  for (size_t have = 0; have < content.size();) {
    const ssize_t count = read(file.descriptor(), content.data() + have, content.size() - have);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno == EIO ? Damaged(sha256) : ReadFailed(errno);
    if (count == 0) return Damaged(sha256);
    have += static_cast<size_t>(count);
  }
  if (sealing::Sha256(content) != sha256) return Damaged(sha256);
  return content;
}

absl::StatusOr<std::vector<std::string>> BlobFolder::OlderThan(absl::Time time) const {
  std::vector<std::string> old;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(path_, error), end; !error && entry != end; entry.increment(error)) {
    auto sha256 = sealing::FromHex(entry->path().filename().native());
    struct stat status;
    if (!sha256 || sha256->size() != sealing::kSha256Size) continue;  // Half written, or not ours.
    if (stat(entry->path().c_str(), &status) != 0) continue;          // Gone meanwhile.
    if (absl::TimeFromTimespec(status.st_mtim) < time) old.push_back(*std::move(sha256));
  }
  if (error) return ReadFailed(error.value());
  return old;
}

absl::Status BlobFolder::Remove(std::string_view sha256) {
  if (unlink(PathOf(sha256).c_str()) != 0 && errno != ENOENT) return WriteFailed(errno);
  return absl::OkStatus();
}

}  // namespace trialog::blob
