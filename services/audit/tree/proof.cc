#include "services/audit/tree/proof.h"

#include <algorithm>
#include <bit>

#include "platform/errors/errors.h"
#include "platform/sealing/digest.h"

namespace trialog::audit {
namespace {

// The leaves [begin, end).
struct Range {
  uint64_t begin;
  uint64_t end;
};

// Where RFC 6962 splits n > 1 leaves: the largest power of two below n.
uint64_t SplitPoint(uint64_t n) { return std::bit_floor(n - 1); }

// Reads all ranges' subtrees at once and gives each range's hash.
absl::StatusOr<std::vector<std::string>> HashRanges(const std::vector<Range>& ranges, HashReader& reader) {
  std::vector<NodeId> nodes;
  std::vector<size_t> counts;
  for (const Range& range : ranges) {
    const std::vector<NodeId> parts = PerfectSubtrees(range.begin, range.end);
    nodes.insert(nodes.end(), parts.begin(), parts.end());
    counts.push_back(parts.size());
  }
  auto hashes = reader.Read(nodes);
  if (!hashes.ok()) return hashes.status();
  std::vector<std::string> result;
  auto next = hashes->begin();
  for (size_t count : counts) {
    result.push_back(JoinSubtrees({next, next + static_cast<ptrdiff_t>(count)}));
    next += static_cast<ptrdiff_t>(count);
  }
  return result;
}

bool AreHashes(const std::vector<std::string>& proof) {
  return std::all_of(proof.begin(), proof.end(), [](const std::string& hash) { return hash.size() == kHashSize; });
}

}  // namespace

absl::StatusOr<std::vector<std::string>> InclusionProof(uint64_t index, uint64_t size, HashReader& reader) {
  if (index >= size) return BadField("index", "INDEX_OUTSIDE_TREE", "must be below the size of the tree");
  std::vector<Range> siblings;  // From the root down.
  for (Range tree{0, size}; tree.end - tree.begin > 1;) {
    const uint64_t middle = tree.begin + SplitPoint(tree.end - tree.begin);
    if (index < middle) {
      siblings.push_back({middle, tree.end});
      tree.end = middle;
    } else {
      siblings.push_back({tree.begin, middle});
      tree.begin = middle;
    }
  }
  std::reverse(siblings.begin(), siblings.end());
  return HashRanges(siblings, reader);
}

absl::StatusOr<std::vector<std::string>> ConsistencyProof(uint64_t from, uint64_t to, HashReader& reader) {
  if (from > to) return BadField("from_size", "SIZES_REVERSED", "must not be above the later size");
  if (from == 0 || from == to) return std::vector<std::string>();
  std::vector<Range> parts;  // SUBPROOF of section 2.1.2, from the root down.
  Range tree{0, to};
  bool whole = true;  // Whether the old tree so far is a whole subtree of the new one, whose hash the verifier knows.
  while (tree.end != from) {
    const uint64_t middle = tree.begin + SplitPoint(tree.end - tree.begin);
    if (from <= middle) {
      parts.push_back({middle, tree.end});
      tree.end = middle;
    } else {
      parts.push_back({tree.begin, middle});
      tree.begin = middle;
      whole = false;
    }
  }
  if (!whole) parts.push_back(tree);
  std::reverse(parts.begin(), parts.end());
  return HashRanges(parts, reader);
}

bool VerifyInclusion(uint64_t index, uint64_t size, std::string_view leaf_hash, std::string_view root,
                     const std::vector<std::string>& proof) {
  if (index >= size || leaf_hash.size() != kHashSize || !AreHashes(proof)) return false;
  uint64_t node = index, last = size - 1;  // Of the level reached.
  std::string hash(leaf_hash);
  for (const std::string& sibling : proof) {
    if (last == 0) return false;  // Longer than the path.
    if ((node & 1) != 0 || node == last) {
      hash = HashChildren(sibling, hash);
      while ((node & 1) == 0 && node != 0) {  // A right edge without sibling rises unchanged.
        node >>= 1;
        last >>= 1;
      }
    } else {
      hash = HashChildren(hash, sibling);
    }
    node >>= 1;
    last >>= 1;
  }
  return last == 0 && sealing::ConstantTimeEqual(hash, root);
}

bool VerifyConsistency(uint64_t from, uint64_t to, std::string_view from_root, std::string_view to_root,
                       const std::vector<std::string>& proof) {
  if (from > to || from_root.size() != kHashSize || to_root.size() != kHashSize || !AreHashes(proof)) return false;
  if (from == to) return proof.empty() && from_root == to_root;
  if (from == 0) return proof.empty() && from_root == EmptyRoot();
  if (proof.empty()) return false;

  auto next = proof.begin();
  // When the old tree is a perfect subtree of the new one, its root begins the path and is not repeated in it.
  std::string old_hash(std::has_single_bit(from) ? std::string(from_root) : *next++);
  std::string new_hash = old_hash;
  uint64_t node = from - 1, last = to - 1;
  while ((node & 1) != 0) {
    node >>= 1;
    last >>= 1;
  }
  for (; next != proof.end(); ++next) {
    if (last == 0) return false;
    if ((node & 1) != 0 || node == last) {
      old_hash = HashChildren(*next, old_hash);
      new_hash = HashChildren(*next, new_hash);
      while ((node & 1) == 0 && node != 0) {
        node >>= 1;
        last >>= 1;
      }
    } else {
      new_hash = HashChildren(new_hash, *next);
    }
    node >>= 1;
    last >>= 1;
  }
  return last == 0 && old_hash == from_root && new_hash == to_root;
}

}  // namespace trialog::audit
