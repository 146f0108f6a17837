#include "services/trialogctl/secret_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/ascii.h"
#include "platform/errors/errors.h"
#include "platform/text/text.h"

namespace trialog::ctl {
namespace {

class File {
 public:
  File(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }

 private:
  const int fd_;
};

absl::Status Failed(absl::StatusCode code, std::string_view path, std::string_view why) {
  return Refuse(code, "SECRET_FILE", Cat(path, ": ", why));
}

absl::Status SyncFolderOf(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path();
  const File file(folder.empty() ? "." : folder.string(), O_RDONLY | O_DIRECTORY);
  if (file.fd() >= 0 && ::fsync(file.fd()) == 0) return absl::OkStatus();
  return Failed(absl::StatusCode::kUnavailable, path, std::strerror(errno));
}

// Writes a file that is not there yet.
absl::Status WriteNew(const std::string& path, std::string_view text) {
  const File file(path, O_WRONLY | O_CREAT | O_EXCL);
  if (file.fd() < 0) {
    const bool exists = errno == EEXIST;
    return Failed(exists ? absl::StatusCode::kAlreadyExists : absl::StatusCode::kFailedPrecondition, path,
                  std::strerror(errno));
  }
  if (::write(file.fd(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(file.fd()) == 0) {
    return absl::OkStatus();
  }
  const int error = errno;
  ::unlink(path.c_str());
  return Failed(absl::StatusCode::kUnavailable, path, std::strerror(error));
}

}  // namespace

absl::StatusOr<std::string> ReadSecretFile(const std::string& path) {
  const File file(path, O_RDONLY);
  if (file.fd() < 0) {
    const bool absent = errno == ENOENT;
    return Failed(absent ? absl::StatusCode::kNotFound : absl::StatusCode::kFailedPrecondition, path,
                  std::strerror(errno));
  }
  struct stat status;
  if (::fstat(file.fd(), &status) != 0 || !S_ISREG(status.st_mode) || (status.st_mode & 077) != 0) {
    return Failed(absl::StatusCode::kFailedPrecondition, path,
                  "must be a file that only you may read; give it mode 0600");
  }
  const size_t size = static_cast<size_t>(status.st_size);
  if (size > kMaxSecretFile) return Failed(absl::StatusCode::kFailedPrecondition, path, "is larger than any of ours");
  std::string text(size, '\0');
  const ssize_t length = ::read(file.fd(), text.data(), text.size());
  if (length < 0) return Failed(absl::StatusCode::kUnavailable, path, std::strerror(errno));
  text.resize(static_cast<size_t>(length));
  absl::StripAsciiWhitespace(&text);
  return text;
}

absl::StatusOr<std::string> ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Refuse(absl::StatusCode::kNotFound, "NO_SUCH_FILE", Cat("cannot read ", path));
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

absl::Status CreateSecretFile(const std::string& path, std::string_view text) {
  if (absl::Status written = WriteNew(path, text); !written.ok()) return written;
  return SyncFolderOf(path);
}

absl::Status ReplaceSecretFile(const std::string& path, std::string_view text) {
  const std::string next = Cat(path, ".", ::getpid());
  if (absl::Status written = WriteNew(next, text); !written.ok()) return written;
  if (::rename(next.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::unlink(next.c_str());
    return Failed(absl::StatusCode::kUnavailable, path, std::strerror(error));
  }
  return SyncFolderOf(path);
}

}  // namespace trialog::ctl
