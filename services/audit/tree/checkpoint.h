// The text that is signed for a state of the tree (C2SP tlog-checkpoint); the signature around it is a signed note.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace trialog::audit {

struct Checkpoint {
  std::string origin;  // Unique name of the log, the same for ever; also the key name that signs it.
  uint64_t size = 0;
  std::string root;                     // 32 bytes.
  std::vector<std::string> extensions;  // Opaque lines, none empty.
  bool operator==(const Checkpoint&) const = default;
};

// "<origin>\n<size>\n<base64 of root>\n" and one line an extension.
std::string CheckpointText(const Checkpoint& checkpoint);

// INVALID_ARGUMENT, reason CHECKPOINT_MALFORMED, for anything but the exact form.
absl::StatusOr<Checkpoint> ParseCheckpoint(std::string_view text);

}  // namespace trialog::audit
