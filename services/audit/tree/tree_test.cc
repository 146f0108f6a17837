#include "services/audit/tree/tree.h"

#include "gtest/gtest.h"
#include "platform/errors/errors.h"
#include "platform/sealing/encoding.h"
#include "services/audit/tree/proof.h"
#include "services/audit/tree/test_tree.h"

namespace trialog::audit {
namespace {

constexpr uint64_t kSizes = 130;  // Crosses the powers of two up to 128.

TestTree& Tree() {
  static auto* tree = new TestTree(kSizes);
  return *tree;
}

TEST(Tree, GivesTheRootsOfTheWellKnownTestLeaves) {
  // The eight leaves that the test suites of Certificate Transparency logs share.
  const char* const leaves[] = {
      "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"};
  const char* const roots[] = {"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                               "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                               "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                               "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                               "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                               "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                               "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                               "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  EXPECT_EQ(sealing::Hex(Frontier().Root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  std::vector<std::string> so_far;
  for (size_t i = 0; i < 8; ++i) {
    so_far.push_back(*sealing::FromHex(leaves[i]));
    EXPECT_EQ(sealing::Hex(TestTree(so_far).Root()), roots[i]) << "size " << i + 1;
  }
}

TEST(Tree, EveryRootIsTheOneOfTheRecursiveDefinition) {
  for (uint64_t size = 0; size <= kSizes; ++size) {
    EXPECT_EQ(RootAt(size, Tree()).value(), Tree().Mth(0, size)) << size;
    EXPECT_EQ(TestTree(size).Root(), Tree().Mth(0, size)) << size;
  }
}

TEST(Tree, AFrontierLoadedFromStoredNodesGoesOnAsIfNeverStopped) {
  for (uint64_t stop = 0; stop <= 70; ++stop) {
    auto frontier = Frontier::Load(stop, Tree());
    ASSERT_TRUE(frontier.ok());
    for (uint64_t i = stop; i < 70; ++i) {
      frontier->Append(Tree().leaf(i),
                       [](NodeId node, const std::string& hash) { EXPECT_EQ(Tree().nodes().at(node), hash); });
    }
    EXPECT_EQ(frontier->size(), 70u);
    EXPECT_EQ(frontier->Root(), Tree().Mth(0, 70)) << stop;
  }
}

TEST(InclusionProof, IsThePathOfTheDefinitionAndVerifiesForEveryLeafOfEverySize) {
  for (uint64_t size = 1; size <= kSizes; ++size) {
    const std::string root = Tree().Mth(0, size);
    for (uint64_t index = 0; index < size; ++index) {
      const auto proof = InclusionProof(index, size, Tree()).value();
      ASSERT_EQ(proof, Tree().Path(index, 0, size)) << index << " of " << size;
      ASSERT_TRUE(VerifyInclusion(index, size, Tree().leaf(index), root, proof)) << index << " of " << size;
      ASSERT_FALSE(VerifyInclusion((index + 1) % size, size, Tree().leaf(index), root, proof) && size > 1);
      ASSERT_FALSE(VerifyInclusion(index, size, Tree().leaf((index + 1) % kSizes), root, proof));
    }
  }
}

TEST(ConsistencyProof, IsTheProofOfTheDefinitionAndVerifiesForEveryPairOfSizes) {
  for (uint64_t to = 0; to <= kSizes; ++to) {
    const std::string to_root = Tree().Mth(0, to);
    for (uint64_t from = 0; from <= to; ++from) {
      const std::string from_root = Tree().Mth(0, from);
      const auto proof = ConsistencyProof(from, to, Tree()).value();
      if (from > 0) {
        ASSERT_EQ(proof, Tree().Subproof(from, 0, to, true)) << from << " to " << to;
      }
      ASSERT_TRUE(VerifyConsistency(from, to, from_root, to_root, proof)) << from << " to " << to;
      if (from > 0 && from < to) {
        ASSERT_FALSE(VerifyConsistency(from, to, Tree().Mth(0, from - 1), to_root, proof));
        ASSERT_FALSE(VerifyConsistency(from, to, from_root, Tree().Mth(0, to - 1), proof));
      }
    }
  }
}

TEST(Proofs, OutsideTheTreeAreRefused) {
  EXPECT_EQ(ReasonOf(InclusionProof(5, 5, Tree()).status()), "INDEX_OUTSIDE_TREE");
  EXPECT_EQ(ReasonOf(ConsistencyProof(6, 5, Tree()).status()), "SIZES_REVERSED");
  EXPECT_FALSE(VerifyInclusion(0, 0, Tree().leaf(0), EmptyRoot(), {}));
  EXPECT_FALSE(VerifyConsistency(6, 5, EmptyRoot(), EmptyRoot(), {}));
  EXPECT_FALSE(VerifyConsistency(0, 5, Tree().leaf(0), Tree().Mth(0, 5), {}));
}

}  // namespace
}  // namespace trialog::audit
