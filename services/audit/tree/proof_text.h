// A proof as a file that is checked without a server (C2SP tlog-proof, v1).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace trialog::audit {

// That `leaf` is at `index` of the tree that `note`, a signed checkpoint, tells of. The leaf itself is the extra data.
std::string ProofText(std::string_view leaf, uint64_t index, const std::vector<std::string>& hashes,
                      std::string_view note);

}  // namespace trialog::audit
