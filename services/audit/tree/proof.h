// Inclusion and consistency proofs: made from a tree (RFC 6962 sections 2.1.1 and 2.1.2), verified without one (the
// algorithms of RFC 9162 sections 2.1.3.2 and 2.1.4.2, which accept the same proofs).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "services/audit/tree/tree.h"

namespace trialog::audit {

// Hashes from the leaf's sibling up to the root's child. INVALID_ARGUMENT unless index < size.
absl::StatusOr<std::vector<std::string>> InclusionProof(uint64_t index, uint64_t size, HashReader& reader);

// Shows that the tree of `to` leaves begins with the one of `from`. Empty when they are equal or `from` is 0.
// INVALID_ARGUMENT unless from <= to.
absl::StatusOr<std::vector<std::string>> ConsistencyProof(uint64_t from, uint64_t to, HashReader& reader);

// Whether `proof` shows that the leaf of this hash is at `index` in the tree of `size` leaves and this root.
bool VerifyInclusion(uint64_t index, uint64_t size, std::string_view leaf_hash, std::string_view root,
                     const std::vector<std::string>& proof);

// Whether `proof` shows that the tree (to, to_root) begins with the tree (from, from_root).
bool VerifyConsistency(uint64_t from, uint64_t to, std::string_view from_root, std::string_view to_root,
                       const std::vector<std::string>& proof);

}  // namespace trialog::audit
