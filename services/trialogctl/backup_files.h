// Folders of files that are copied whole, with a list of what they must be.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

namespace trialog::ctl {

// One file of a backup.
struct BackupFile {
  std::string path;  // Below the backup's folder.
  uint64_t bytes = 0;
  std::string sha256;  // Lower-case hexadecimal.
};

// The list, `backup.json` in the backup's folder.
struct Manifest {
  std::vector<BackupFile> files;
  nlohmann::json facts;  // What else is known of them.
};

inline constexpr char kManifestName[] = "backup.json";

// Copies what is below `parts` of `from` (folders, those that are there) into `to`, and forces it to disk. What RocksDB
// keeps for itself alone (its lock and its own log) is left out.
absl::StatusOr<std::vector<BackupFile>> CopyParts(const std::string& from, const std::vector<std::string>& parts,
                                                  const std::string& to);

// Copies the files of a manifest from the backup's folder into `to`. DATA_LOSS, reason BACKUP_DAMAGED, names the first
// that is not what the manifest says.
absl::Status CopyListed(const std::string& backup, const Manifest& manifest, const std::string& to);

// DATA_LOSS, reason BACKUP_DAMAGED, when there is none that can be read.
absl::StatusOr<Manifest> ReadManifest(const std::string& backup);
absl::Status WriteManifest(const std::string& backup, const Manifest& manifest);

// Renames a folder once everything in it is on disk; what has that name already is in the way (ALREADY_EXISTS).
absl::Status PublishFolder(const std::string& from, const std::string& to);

}  // namespace trialog::ctl
