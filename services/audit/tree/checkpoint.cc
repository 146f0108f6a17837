#include "services/audit/tree/checkpoint.h"

#include <charconv>

#include "platform/errors/errors.h"
#include "platform/sealing/encoding.h"
#include "platform/text/text.h"
#include "services/audit/tree/hashing.h"

namespace trialog::audit {

std::string CheckpointText(const Checkpoint& checkpoint) {
  std::string text = Cat(checkpoint.origin, '\n', checkpoint.size, '\n', sealing::Base64(checkpoint.root), '\n');
  for (const std::string& line : checkpoint.extensions) Append(text, line, '\n');
  return text;
}

absl::StatusOr<Checkpoint> ParseCheckpoint(std::string_view text) {
  const absl::Status malformed = Refuse(absl::StatusCode::kInvalidArgument, "CHECKPOINT_MALFORMED",
                                        "a checkpoint is origin, size and root, a line each");
  if (text.empty() || text.back() != '\n' || text.size() > 64 * 1024) return malformed;
  const std::vector<std::string_view> lines = Split(text.substr(0, text.size() - 1), '\n');
  if (lines.size() < 3) return malformed;
  for (std::string_view line : lines) {
    if (line.empty()) return malformed;
  }
  Checkpoint checkpoint;
  checkpoint.origin = lines[0];
  const auto [end, error] = std::from_chars(lines[1].data(), lines[1].data() + lines[1].size(), checkpoint.size);
  const auto root = sealing::FromBase64(lines[2]);
  if (error != std::errc() || end != lines[1].data() + lines[1].size() || Cat(checkpoint.size) != lines[1] || !root ||
      root->size() != kHashSize) {
    return malformed;
  }
  checkpoint.root = *root;
  checkpoint.extensions.assign(lines.begin() + 3, lines.end());
  return checkpoint;
}

}  // namespace trialog::audit
