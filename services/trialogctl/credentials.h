// A file with what people sign in with.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace trialog::ctl {

struct Credentials {
  std::string organization;  // Its id.
  std::string username;
  std::string password;
};

// One person's of a file of mode 0600, a JSON object: {"organization", "username", "password"}, or those of many,
// {"organization", "people": [{"username", "password"}]}, of whom `username` is chosen; of one person it may be empty.
// INVALID_ARGUMENT, reason CREDENTIALS_FILE, that says what is missing and repeats no password; else as ReadSecretFile.
absl::StatusOr<Credentials> ReadCredentials(const std::string& path, std::string_view username);

}  // namespace trialog::ctl
