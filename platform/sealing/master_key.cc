#include "platform/sealing/master_key.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "platform/errors/errors.h"
#include "platform/sealing/digest.h"
#include "platform/sealing/encoding.h"
#include "platform/text/text.h"

namespace trialog::sealing {
namespace {

constexpr size_t kMaxFileBytes = 128;  // 64 digits and some white space.

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

absl::Status Failed(absl::StatusCode code, std::string_view path, std::string_view what) {
  return Refuse(code, "MASTER_KEY_FILE", Cat("master key file ", path, ": ", what));
}

absl::Status SyncFolderOf(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path();
  const File file(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (file.fd() < 0 || ::fsync(file.fd()) != 0) {
    return Failed(absl::StatusCode::kUnavailable, path, std::strerror(errno));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<MasterKey> MasterKey::FromFile(const std::string& path) {
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.fd() < 0) {
    const bool absent = errno == ENOENT;
    return Failed(absent ? absl::StatusCode::kNotFound : absl::StatusCode::kFailedPrecondition, path,
                  std::strerror(errno));
  }
  struct stat status;
  if (::fstat(file.fd(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return Failed(absl::StatusCode::kFailedPrecondition, path, "is not a file");
  }
  if ((status.st_mode & 0177) != 0) {
    return Failed(absl::StatusCode::kFailedPrecondition, path, "may be read or changed by others; give it mode 0600");
  }
  std::string text(kMaxFileBytes + 1, '\0');
  const ssize_t length = ::read(file.fd(), text.data(), text.size());
  std::string_view content(text.data(), length > 0 ? static_cast<size_t>(length) : 0);
  while (!content.empty() && (content.back() == '\n' || content.back() == '\r')) content.remove_suffix(1);

  auto bytes = content.size() == 2 * SecretKey::kSize ? FromHex(content) : FromBase64(content);
  Wipe(text);
  auto key = bytes ? SecretKey::FromBytes(*bytes) : std::nullopt;
  if (bytes) Wipe(*bytes);
  if (!key) return Failed(absl::StatusCode::kInvalidArgument, path, "does not hold 32 bytes as hexadecimal or base64");
  return MasterKey(*std::move(key));
}

absl::StatusOr<MasterKey> MasterKey::CreateFile(const std::string& path, Runtime& runtime) {
  const File file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file.fd() < 0) {
    const bool exists = errno == EEXIST;
    return Failed(exists ? absl::StatusCode::kAlreadyExists : absl::StatusCode::kFailedPrecondition, path,
                  std::strerror(errno));
  }
  std::string bytes = runtime.RandomBytes(SecretKey::kSize);
  MasterKey key(SecretKey::FromBytes(bytes).value());
  std::string text = Hex(bytes) + "\n";
  const bool written = ::write(file.fd(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       ::fchmod(file.fd(), 0600) == 0 && ::fsync(file.fd()) == 0;
  const int error = errno;
  Wipe(bytes);
  Wipe(text);
  if (!written) {
    ::unlink(path.c_str());
    return Failed(absl::StatusCode::kUnavailable, path, std::strerror(error));
  }
  if (absl::Status synced = SyncFolderOf(path); !synced.ok()) return synced;
  return key;
}

std::string MasterKey::Id() const { return Hex(HmacSha256(key_.bytes(), "trialog.master-key-id.v1").substr(0, 8)); }

}  // namespace trialog::sealing
