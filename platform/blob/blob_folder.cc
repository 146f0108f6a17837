#include "platform/blob/blob_folder.h"

#include <cerrno>
#include <system_error>
#include <vector>

#include "absl/time/clock.h"
#include "platform/disk/watermark.h"
#include "platform/errors/errors.h"
#include "platform/sealing/digest.h"
#include "platform/sealing/encoding.h"
#include "platform/text/text.h"
#include "rocksdb/env.h"

namespace trialog::blob {
namespace {

constexpr std::string_view kTemporary = "tmp-";
// What was half written so long ago is nobody's any more; younger, another process may be writing it.
constexpr absl::Duration kAbandonedAfter = absl::Hours(1);

// The operating system's own words: they end RocksDB's text, of which the rest names files.
std::string Why(const rocksdb::Status& status) {
  const std::string text = status.ToString();
  const size_t colon = text.rfind(": ");
  return colon == std::string::npos ? text : text.substr(colon + 2);
}

bool IsError(const rocksdb::Status& status, int error) { return Why(status) == std::generic_category().message(error); }

absl::Status WriteFailed(const rocksdb::Status& status) {
  if (status.IsNoSpace() || IsError(status, EDQUOT)) {
    return RetryLater(absl::StatusCode::kResourceExhausted, "DISK_FULL", "no room is left for files",
                      absl::Seconds(30));
  }
  return RetryLater(absl::StatusCode::kUnavailable, "BLOB_WRITE_FAILED",
                    Cat("a file could not be written: ", Why(status)), absl::Seconds(1));
}

absl::Status ReadFailed(const rocksdb::Status& status) {
  return RetryLater(absl::StatusCode::kUnavailable, "BLOB_READ_FAILED", Cat("a file could not be read: ", Why(status)),
                    absl::Seconds(1));
}

absl::Status Damaged(std::string_view sha256) {
  return Refuse(absl::StatusCode::kDataLoss, "BLOB_DAMAGED",
                Cat("blob ", sealing::Hex(sha256), " is not what was stored; restore it from a backup"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<BlobFolder>> BlobFolder::Open(const std::string& path, const BlobOptions& options) {
  rocksdb::Env* const env = options.env != nullptr ? options.env : rocksdb::Env::Default();
  if (rocksdb::Status made = env->CreateDirIfMissing(path); !made.ok()) return WriteFailed(made);
  std::vector<std::string> names;
  if (rocksdb::Status listed = env->GetChildren(path, &names); !listed.ok()) return ReadFailed(listed);
  const absl::Time abandoned = absl::Now() - kAbandonedAfter;
  for (const std::string& name : names) {
    const std::string file = Cat(path, "/", name);
    uint64_t seconds = 0;
    if (!HasPrefix(name, kTemporary) || !env->GetFileModificationTime(file, &seconds).ok()) continue;
    // What cannot be deleted now takes room, no more.
    if (absl::FromUnixSeconds(static_cast<int64_t>(seconds)) <= abandoned) env->DeleteFile(file).PermitUncheckedError();
  }
  std::unique_ptr<BlobFolder> folder(new BlobFolder(path, *env, options.min_free_bytes));
  if (absl::Status synced = folder->SyncFolder(); !synced.ok()) return synced;
  return folder;
}

BlobFolder::BlobFolder(std::string path, rocksdb::Env& env, uint64_t min_free_bytes)
    : path_(std::move(path)),
      env_(env),
      min_free_bytes_(min_free_bytes),
      temporary_(Cat(path_, "/", kTemporary, env.GenerateUniqueId().substr(0, 36), "-")) {}

std::string BlobFolder::PathOf(std::string_view sha256) const { return Cat(path_, "/", sealing::Hex(sha256)); }

absl::Status BlobFolder::SyncFolder() const {
  std::unique_ptr<rocksdb::Directory> folder;
  rocksdb::Status status = env_.NewDirectory(path_, &folder);
  if (status.ok()) status = folder->Fsync();
  return status.ok() ? absl::OkStatus() : WriteFailed(status);
}

absl::Status BlobFolder::Write(const std::string& temporary, std::string_view content, const std::string& name) {
  std::unique_ptr<rocksdb::WritableFile> file;
  rocksdb::Status status = env_.NewWritableFile(temporary, &file, rocksdb::EnvOptions());
  if (!status.ok()) return WriteFailed(status);
  status = file->Append(rocksdb::Slice(content.data(), content.size()));
  if (status.ok()) status = file->Fsync();
  if (status.ok()) status = file->Close();
  if (status.ok()) status = env_.RenameFile(temporary, name);
  if (status.ok()) return SyncFolder();
  env_.DeleteFile(temporary).PermitUncheckedError();
  return WriteFailed(status);
}

absl::StatusOr<std::string> BlobFolder::Put(std::string_view content) {
  if (content.size() > kMaxBlobBytes) {
    return Refuse(absl::StatusCode::kInvalidArgument, "BLOB_TOO_LARGE", Cat("at most ", kMaxBlobBytes, " bytes"));
  }
  if (absl::Status room = disk::CheckWatermark(path_, min_free_bytes_); !room.ok()) return room;
  std::string sha256 = sealing::Sha256(content);
  const std::string temporary = Cat(temporary_, written_.fetch_add(1));
  if (absl::Status written = Write(temporary, content, PathOf(sha256)); !written.ok()) return written;
  return sha256;
}

absl::StatusOr<std::string> BlobFolder::Get(std::string_view sha256) const {
  if (sha256.size() != sealing::kSha256Size) return NotFound("blob");
  const std::string path = PathOf(sha256);
  uint64_t size = 0;
  rocksdb::Status status = env_.GetFileSize(path, &size);
  if (status.ok() && size > kMaxBlobBytes) return Damaged(sha256);
  std::string content;
  if (status.ok()) status = rocksdb::ReadFileToString(&env_, path, &content);
  if (status.IsPathNotFound() || status.IsNotFound()) return NotFound("blob");
  if (IsError(status, EIO)) return Damaged(sha256);
  if (!status.ok()) return ReadFailed(status);
  if (sealing::Sha256(content) != sha256) return Damaged(sha256);
  return content;
}

absl::StatusOr<std::vector<std::string>> BlobFolder::OlderThan(absl::Time time) const {
  std::vector<std::string> names, old;
  if (rocksdb::Status listed = env_.GetChildren(path_, &names); !listed.ok()) return ReadFailed(listed);
  for (const std::string& name : names) {
    auto sha256 = sealing::FromHex(name);
    uint64_t seconds = 0;
    if (!sha256 || sha256->size() != sealing::kSha256Size) continue;                    // Half written, or not ours.
    if (!env_.GetFileModificationTime(Cat(path_, "/", name), &seconds).ok()) continue;  // Gone meanwhile.
    if (absl::FromUnixSeconds(static_cast<int64_t>(seconds)) < time) old.push_back(*std::move(sha256));
  }
  return old;
}

absl::Status BlobFolder::Remove(std::string_view sha256) {
  const rocksdb::Status removed = env_.DeleteFile(PathOf(sha256));
  return removed.ok() || removed.IsPathNotFound() || removed.IsNotFound() ? absl::OkStatus() : WriteFailed(removed);
}

}  // namespace trialog::blob
