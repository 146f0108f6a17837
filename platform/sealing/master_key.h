// The master key: the one secret that lives outside every store. Whoever holds it and a copy of the key store can read
// personal data; whoever lacks it has noise.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "platform/runtime/runtime.h"
#include "platform/sealing/secret_key.h"

namespace trialog::sealing {

class MasterKey {
 public:
  explicit MasterKey(SecretKey key) : key_(std::move(key)) {}

  // Reads a file of mode 0600 (or 0400) that holds 32 bytes as hexadecimal digits or base64, and a newline or none.
  // FAILED_PRECONDITION when others may read it, NOT_FOUND, or INVALID_ARGUMENT; the content is never repeated.
  static absl::StatusOr<MasterKey> FromFile(const std::string& path);

  // Draws a key and writes it to a new file of mode 0600, durably. ALREADY_EXISTS rather than overwrite one.
  static absl::StatusOr<MasterKey> CreateFile(const std::string& path, Runtime& runtime);

  const SecretKey& key() const { return key_; }
  // Tells keys apart without telling the key: 16 hexadecimal digits.
  std::string Id() const;

 private:
  SecretKey key_;
};

}  // namespace trialog::sealing
