// For tests: a tree of small texts whose roots and proofs are also computed by the recursive definitions of RFC 6962.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "services/audit/tree/tree.h"

namespace trialog::audit {

class TestTree final : public HashReader {
 public:
  explicit TestTree(const std::vector<std::string>& leaves) {
    for (const std::string& leaf : leaves) Add(leaf);
  }
  explicit TestTree(uint64_t size) {
    for (uint64_t i = 0; i < size; ++i) Add("leaf " + std::to_string(i));
  }

  absl::StatusOr<std::vector<std::string>> Read(const std::vector<NodeId>& nodes) override {
    std::vector<std::string> hashes;
    for (const NodeId& node : nodes) {
      auto found = nodes_.find(node);
      if (found == nodes_.end()) return absl::NotFoundError("no such node");
      hashes.push_back(found->second);
    }
    return hashes;
  }

  const std::string& leaf(uint64_t index) const { return leaves_[index]; }
  const std::map<NodeId, std::string>& nodes() const { return nodes_; }
  std::string Root() const { return frontier_.Root(); }

  // MTH(D[begin:end]) of section 2.1, word for word.
  std::string Mth(uint64_t begin, uint64_t end) const {
    if (begin == end) return EmptyRoot();
    if (end - begin == 1) return leaves_[begin];
    uint64_t k = 1;
    while (k * 2 < end - begin) k *= 2;
    return HashChildren(Mth(begin, begin + k), Mth(begin + k, end));
  }
  // PATH(m, D[begin:end]) of section 2.1.1.
  std::vector<std::string> Path(uint64_t m, uint64_t begin, uint64_t end) const {
    if (end - begin == 1) return {};
    uint64_t k = 1;
    while (k * 2 < end - begin) k *= 2;
    const bool left = m < k;
    auto path = left ? Path(m, begin, begin + k) : Path(m - k, begin + k, end);
    path.push_back(left ? Mth(begin + k, end) : Mth(begin, begin + k));
    return path;
  }
  // SUBPROOF(m, D[begin:end], whole) of section 2.1.2.
  std::vector<std::string> Subproof(uint64_t m, uint64_t begin, uint64_t end, bool whole) const {
    if (m == end - begin) return whole ? std::vector<std::string>() : std::vector<std::string>{Mth(begin, end)};
    uint64_t k = 1;
    while (k * 2 < end - begin) k *= 2;
    const bool left = m <= k;
    auto proof = left ? Subproof(m, begin, begin + k, whole) : Subproof(m - k, begin + k, end, false);
    proof.push_back(left ? Mth(begin + k, end) : Mth(begin, begin + k));
    return proof;
  }

 private:
  void Add(const std::string& leaf) {
    leaves_.push_back(HashLeaf(leaf));
    frontier_.Append(leaves_.back(), [this](NodeId node, const std::string& hash) { nodes_[node] = hash; });
  }
  std::vector<std::string> leaves_;  // Their hashes.
  Frontier frontier_;
  std::map<NodeId, std::string> nodes_;
};

}  // namespace trialog::audit
