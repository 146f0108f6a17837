// Inclusion and consistency proofs: only the one proof that there is verifies.
#include "services/audit/tree/proof.h"

#include "services/audit/tree/test_tree.h"
#include "tests/fuzz/fuzz.h"

namespace trialog::fuzz {
namespace {

using audit::kHashSize;

constexpr uint64_t kLeaves = 70;

audit::TestTree& Tree() {
  static auto* tree = new audit::TestTree(kLeaves);
  return *tree;
}

std::vector<std::string> HashesOf(std::string_view bytes) {
  std::vector<std::string> hashes;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), kHashSize)))
    hashes.emplace_back(bytes.substr(0, kHashSize));
  return hashes;
}

void CheckInclusion(Input input) {
  const uint64_t size = 1 + input.Choose(kLeaves), index = input.Choose(size), other = input.Choose(kLeaves);
  const auto proof = HashesOf(input.Rest());
  const std::string root = Tree().Mth(0, size);
  const bool verifies = audit::VerifyInclusion(index, size, Tree().leaf(index), root, proof);
  Require(verifies == (proof == audit::InclusionProof(index, size, Tree()).value()), "one proof alone includes a leaf");
  if (other != index) {
    Require(!audit::VerifyInclusion(index, size, Tree().leaf(other), root, proof),
            "another leaf is not included there");
    Require(other >= size || !audit::VerifyInclusion(other, size, Tree().leaf(index), root, proof),
            "a leaf is not included elsewhere");
  }
}

void CheckConsistency(Input input) {
  const uint64_t to = 1 + input.Choose(kLeaves), from = input.Choose(to + 1);
  const auto proof = HashesOf(input.Rest());
  const std::string from_root = Tree().Mth(0, from), to_root = Tree().Mth(0, to);
  const bool verifies = audit::VerifyConsistency(from, to, from_root, to_root, proof);
  Require(verifies == (proof == audit::ConsistencyProof(from, to, Tree()).value()), "one proof alone joins two trees");
  if (from > 0 && from < to) {
    Require(!audit::VerifyConsistency(from, to, Tree().leaf(0), to_root, proof) || from == 1,
            "another tree is no beginning");
    Require(!audit::VerifyConsistency(from, to, from_root, Tree().Mth(0, to - 1), proof),
            "the tree did not become another");
  }
}

// Sizes and roots from outside as well.
void CheckAny(Input input) {
  const uint64_t from = input.Number(8), to = input.Number(8);
  const std::string first(input.Text()), second(input.Text());
  const auto proof = HashesOf(input.Rest());
  const bool includes = audit::VerifyInclusion(from, to, first, second, proof);
  Require(!includes || (from < to && first.size() == kHashSize && second.size() == kHashSize), "hashes are hashes");
  const bool joins = audit::VerifyConsistency(from, to, first, second, proof);
  Require(!joins || from <= to, "a tree only grows");
}

}  // namespace

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds;
  const auto joined = [](const std::vector<std::string>& proof) {
    std::string out;
    for (const std::string& hash : proof) out += hash;
    return out;
  };
  for (uint64_t size : {1, 2, 7, 8, 33, 64, 69}) {
    for (uint64_t index = 0; index < size; index += 5) {
      seeds.push_back(Big(0, 1) + Big(size - 1, 1) + Big(index, 1) + Big(index + 1, 1) +
                      joined(audit::InclusionProof(index, size, Tree()).value()));
      seeds.push_back(Big(1, 1) + Big(size - 1, 1) + Big(index, 1) +
                      joined(audit::ConsistencyProof(index, size, Tree()).value()));
    }
    seeds.push_back(Big(2, 1) + Big(1, 8) + Big(size, 8) + Part(Tree().leaf(0)) + Part(Tree().Mth(0, size)) +
                    joined(audit::ConsistencyProof(1, size, Tree()).value()));
  }
  return seeds;
}

}  // namespace trialog::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace trialog::fuzz;
  Input input(data, size);
  switch (input.Choose(3)) {
    case 0:
      CheckInclusion(input);
      break;
    case 1:
      CheckConsistency(input);
      break;
    default:
      CheckAny(input);
  }
  return 0;
}
