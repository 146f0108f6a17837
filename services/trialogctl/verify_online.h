// `trialogctl verify --server`: whether a running server's audit log is what it was, and holds what it says.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace trialog::ctl {

struct OnlineOptions {
  std::string server;
  std::string log_key_file;     // The log's public key, from outside the server: keys/audit.pub of its folder.
  std::string checkpoint_file;  // A checkpoint kept from before; the latest is kept there afterwards. Empty: none is.
  std::string entries = "100";  // How many to prove, or "all".
};

// With the saved session of an auditor. Checks the latest checkpoint's signature, that it continues the kept one, and
// that entries are in its tree and are what their leaves commit to. Prints what holds; the first fault is the error.
absl::Status VerifyServer(const OnlineOptions& options);

}  // namespace trialog::ctl
