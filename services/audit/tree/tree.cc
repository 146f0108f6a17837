#include "services/audit/tree/tree.h"

#include <bit>

namespace trialog::audit {

std::vector<NodeId> PerfectSubtrees(uint64_t begin, uint64_t end) {
  std::vector<NodeId> nodes;
  while (begin < end) {
    const int level = std::bit_width(end - begin) - 1;  // The largest perfect subtree that still fits.
    nodes.push_back({level, begin >> level});
    begin += uint64_t{1} << level;
  }
  return nodes;
}

std::string JoinSubtrees(const std::vector<std::string>& hashes) {
  if (hashes.empty()) return EmptyRoot();
  std::string root = hashes.back();
  for (size_t i = hashes.size() - 1; i-- > 0;) root = HashChildren(hashes[i], root);
  return root;
}

absl::StatusOr<Frontier> Frontier::Load(uint64_t size, HashReader& reader) {
  Frontier frontier;
  frontier.size_ = size;
  auto hashes = reader.Read(PerfectSubtrees(0, size));
  if (!hashes.ok()) return hashes.status();
  frontier.hashes_ = *std::move(hashes);
  return frontier;
}

void Frontier::Append(std::string_view leaf_hash, const std::function<void(NodeId, const std::string&)>& emit) {
  std::string hash(leaf_hash);
  emit({0, size_}, hash);
  // Each trailing one of the size is a perfect subtree that finds its right neighbour now.
  for (int level = 0; (size_ >> level & 1) != 0; ++level) {
    hash = HashChildren(hashes_.back(), hash);
    hashes_.pop_back();
    emit({level + 1, size_ >> (level + 1)}, hash);
  }
  hashes_.push_back(std::move(hash));
  ++size_;
}

absl::StatusOr<std::string> RootAt(uint64_t size, HashReader& reader) {
  auto hashes = reader.Read(PerfectSubtrees(0, size));
  if (!hashes.ok()) return hashes.status();
  return JoinSubtrees(*hashes);
}

}  // namespace trialog::audit
