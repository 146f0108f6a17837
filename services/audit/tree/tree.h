// An append-only Merkle tree (RFC 6962 section 2.1) of which only the hashes of perfect subtrees are ever stored: they
// never change once written. Every root and proof is computed from them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "services/audit/tree/hashing.h"

namespace trialog::audit {

// The perfect subtree of 2^level leaves that begins at leaf index * 2^level.
struct NodeId {
  int level = 0;
  uint64_t index = 0;
  auto operator<=>(const NodeId&) const = default;
};

// Where the hashes of perfect subtrees come from: tiles, a store, a cache.
class HashReader {
 public:
  virtual ~HashReader() = default;
  // The hashes of `nodes` in their order. Each is complete in the tree being read. An error ends the computation.
  virtual absl::StatusOr<std::vector<std::string>> Read(const std::vector<NodeId>& nodes) = 0;
};

// The perfect subtrees that leaves [begin, end) fall into, from left to right: what their hash is computed from.
// `begin` is 0 or a multiple of the largest power of two below end - begin, as in each split of RFC 6962.
std::vector<NodeId> PerfectSubtrees(uint64_t begin, uint64_t end);

// Joins the hashes of PerfectSubtrees to the one of the whole range, right to left; the empty root when there is none.
std::string JoinSubtrees(const std::vector<std::string>& hashes);

// The right edge of a tree: all that appending needs, at most 64 hashes. Not thread safe.
class Frontier {
 public:
  Frontier() = default;  // Of the empty tree.
  // Of a tree of `size` leaves whose nodes are read.
  static absl::StatusOr<Frontier> Load(uint64_t size, HashReader& reader);

  // Adds a leaf; `emit` gets each perfect subtree that it completes (the leaf itself first), to be stored.
  void Append(std::string_view leaf_hash, const std::function<void(NodeId, const std::string&)>& emit);

  uint64_t size() const { return size_; }
  std::string Root() const { return JoinSubtrees(hashes_); }

 private:
  uint64_t size_ = 0;
  std::vector<std::string> hashes_;  // Of PerfectSubtrees(0, size).
};

// The root of the first `size` leaves.
absl::StatusOr<std::string> RootAt(uint64_t size, HashReader& reader);

}  // namespace trialog::audit
