// Files that hold secrets: mode 0600, written whole or not at all.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace trialog::ctl {

// Largest file read: the passwords of a demo with the most patients and clinicians take half of it.
inline constexpr size_t kMaxSecretFile = size_t{1} << 20;

// The content without white space at its ends. NOT_FOUND, or FAILED_PRECONDITION (SECRET_FILE) when others may read it
// or it is larger.
absl::StatusOr<std::string> ReadSecretFile(const std::string& path);

// The content of a file that is no secret. NOT_FOUND, reason NO_SUCH_FILE.
absl::StatusOr<std::string> ReadText(const std::string& path);

// Makes a new file, durably; ALREADY_EXISTS rather than overwrite one.
absl::Status CreateSecretFile(const std::string& path, std::string_view text);

// Replaces the file or makes it: a reader finds the old content or the new.
absl::Status ReplaceSecretFile(const std::string& path, std::string_view text);

}  // namespace trialog::ctl
