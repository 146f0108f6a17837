// Hashes of a Merkle tree as RFC 6962 section 2.1 has them: leaves and inner nodes are kept apart by a first byte.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace trialog::audit {

// SHA-256, 32 bytes.
inline constexpr size_t kHashSize = 32;

// SHA-256(0x00, leaf).
std::string HashLeaf(std::string_view leaf);
// SHA-256(0x01, left, right).
std::string HashChildren(std::string_view left, std::string_view right);
// The root of the tree without leaves: SHA-256 of nothing.
const std::string& EmptyRoot();

}  // namespace trialog::audit
