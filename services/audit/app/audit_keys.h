// The keys of the audit log: what signs its checkpoints and what salts its leaves. Both follow from one seed in a file
// outside the log; losing it means that no rebuild gives the same tree.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "platform/runtime/runtime.h"
#include "platform/sealing/note.h"
#include "platform/sealing/secret_key.h"

namespace trialog::audit {

struct AuditKeys {
  sealing::NoteSigner signer;  // Its name is the log's origin.
  sealing::SecretKey salt_key;
};

// Reads the seed from a file of mode 0600. The errors are those of MasterKey::FromFile; INVALID_ARGUMENT for an origin
// that cannot name a key (white space, '+').
absl::StatusOr<AuditKeys> LoadAuditKeys(const std::string& path, std::string_view origin);

// Draws a seed into a new file of mode 0600, durably; never overwrites one. For `trialogctl init`.
absl::Status CreateAuditKeyFile(const std::string& path, Runtime& runtime);

}  // namespace trialog::audit
