#include "services/trialogctl/backup_files.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>

#include "absl/strings/escaping.h"
#include "platform/errors/errors.h"
#include "platform/text/text.h"

namespace trialog::ctl {
namespace {

namespace fs = std::filesystem;

constexpr size_t kChunk = 1 << 20;
constexpr mode_t kOwnerOnly = 0600;

absl::Status CannotCopy(const fs::path& path, std::string_view what) {
  return Refuse(absl::StatusCode::kFailedPrecondition, "BACKUP_FILE",
                Cat(path.string(), ": ", what, ": ", strerror(errno)));
}

absl::Status Damaged(std::string_view what) {
  return Refuse(absl::StatusCode::kDataLoss, "BACKUP_DAMAGED", Cat("the backup is not what was made: ", what));
}

absl::Status Sync(const fs::path& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return CannotCopy(path, "cannot be opened");
  const bool synced = fsync(file) == 0;
  close(file);
  return synced ? absl::OkStatus() : CannotCopy(path, "cannot be written to disk");
}

absl::Status SyncFolders(const fs::path& root) {
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(root, error)) {
    if (!entry.is_directory()) continue;
    if (absl::Status synced = Sync(entry.path()); !synced.ok()) return synced;
  }
  return Sync(root);
}

// Files of mode 0600, as secrets have to be and the others may.
absl::StatusOr<BackupFile> CopyFile(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::create_directories(to.parent_path(), error);
  std::ifstream in(from, std::ios::binary);
  if (!in) return CannotCopy(from, "cannot be read");
  const int out = open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kOwnerOnly);
  if (out < 0) return CannotCopy(to, "cannot be made");
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> hash(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  EVP_DigestInit_ex(hash.get(), EVP_sha256(), nullptr);
  BackupFile file;
  std::string chunk(kChunk, '\0');
  bool written = true;
  while (written && (in.read(chunk.data(), static_cast<std::streamsize>(chunk.size())), in.gcount() > 0)) {
    const auto count = static_cast<size_t>(in.gcount());
    EVP_DigestUpdate(hash.get(), chunk.data(), count);
    for (size_t done = 0; written && done < count;) {
      const ssize_t wrote = write(out, chunk.data() + done, count - done);
      written = wrote > 0;
      done += static_cast<size_t>(std::max<ssize_t>(wrote, 0));
    }
    file.bytes += count;
  }
  written = written && fsync(out) == 0;
  close(out);
  if (!written) return CannotCopy(to, "cannot be written");
  if (in.bad()) return CannotCopy(from, "cannot be read to its end");
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_DigestFinal_ex(hash.get(), digest, &size);
  file.sha256 = absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(digest), size));
  return file;
}

bool LeftOut(const fs::path& path) {
  const std::string name = path.filename();
  return name == "LOCK" || name == "LOG" || name.rfind("LOG.old", 0) == 0;
}

// No way out of the folder.
bool IsBelow(const fs::path& path) {
  if (path.empty() || path.is_absolute()) return false;
  return std::none_of(path.begin(), path.end(), [](const fs::path& part) { return part == ".." || part == "."; });
}

}  // namespace

absl::StatusOr<std::vector<BackupFile>> CopyParts(const std::string& from, const std::vector<std::string>& parts,
                                                  const std::string& to) {
  std::vector<BackupFile> files;
  for (const std::string& part : parts) {
    const fs::path root = fs::path(from) / part;
    std::error_code error;
    if (!fs::exists(root, error)) continue;
    std::vector<fs::path> paths;
    for (const auto& entry : fs::recursive_directory_iterator(root, error)) {
      if (entry.is_regular_file() && !LeftOut(entry.path())) paths.push_back(entry.path());
    }
    if (error)
      return Refuse(absl::StatusCode::kFailedPrecondition, "BACKUP_FILE", Cat(root.string(), ": ", error.message()));
    std::sort(paths.begin(), paths.end());
    for (const fs::path& path : paths) {
      const fs::path relative = path.lexically_relative(from);
      auto copied = CopyFile(path, to / relative);
      if (!copied.ok()) return copied.status();
      copied->path = relative.string();
      files.push_back(*std::move(copied));
    }
  }
  return files;
}

absl::Status CopyListed(const std::string& backup, const Manifest& manifest, const std::string& to) {
  for (const BackupFile& file : manifest.files) {
    if (!IsBelow(file.path)) return Damaged(Cat("it lists ", file.path));
    const fs::path from = fs::path(backup) / file.path;
    if (std::error_code error; !fs::is_regular_file(from, error)) return Damaged(Cat(file.path, " is missing"));
    const auto copied = CopyFile(from, fs::path(to) / file.path);
    if (!copied.ok()) return copied.status();
    if (copied->bytes != file.bytes || copied->sha256 != file.sha256) return Damaged(Cat(file.path, " has changed"));
  }
  return absl::OkStatus();
}

absl::StatusOr<Manifest> ReadManifest(const std::string& backup) {
  std::ifstream in(fs::path(backup) / kManifestName);
  const auto json = nlohmann::json::parse(in, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || json.value("format", 0) != 1 || !json.contains("files") || !json["files"].is_array()) {
    return Damaged(
        Cat(backup, "/", kManifestName, " cannot be read, or is of a format that this program does not know"));
  }
  Manifest manifest;
  for (const auto& file : json["files"]) {
    const bool whole = file.is_object() && file.contains("path") && file["path"].is_string() &&
                       file.contains("bytes") && file["bytes"].is_number_unsigned() && file.contains("sha256") &&
                       file["sha256"].is_string();
    if (!whole) return Damaged(Cat(kManifestName, " lists what is no file"));
    manifest.files.push_back({file["path"], file["bytes"], file["sha256"]});
  }
  manifest.facts = json.value("facts", nlohmann::json::object());
  return manifest;
}

absl::Status WriteManifest(const std::string& backup, const Manifest& manifest) {
  nlohmann::json json = {{"format", 1}, {"files", nlohmann::json::array()}, {"facts", manifest.facts}};
  for (const BackupFile& file : manifest.files) {
    json["files"].push_back({{"path", file.path}, {"bytes", file.bytes}, {"sha256", file.sha256}});
  }
  const fs::path path = fs::path(backup) / kManifestName;
  std::ofstream(path) << json.dump(1) << "\n";
  return Sync(path);
}

absl::Status PublishFolder(const std::string& from, const std::string& to) {
  if (absl::Status synced = SyncFolders(from); !synced.ok()) return synced;
  std::error_code error;
  if (fs::exists(to, error))
    return Refuse(absl::StatusCode::kAlreadyExists, "FOLDER_EXISTS", Cat(to, " is there already; move it away"));
  fs::rename(from, to, error);
  if (error) return Refuse(absl::StatusCode::kFailedPrecondition, "BACKUP_FILE", Cat(to, ": ", error.message()));
  return Sync(fs::absolute(to).parent_path());
}

}  // namespace trialog::ctl
