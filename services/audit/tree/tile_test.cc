#include "services/audit/tree/tile.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/errors/errors.h"
#include "services/audit/tree/proof.h"
#include "services/audit/tree/test_tree.h"

namespace trialog::audit {
namespace {

using testing::ElementsAre;

TEST(TilePath, IsTheOneOfTlogTiles) {
  EXPECT_EQ(TilePath({0, 0}), "tile/0/000");
  EXPECT_EQ(TilePath({0, 273, 112}), "tile/0/273.p/112");
  EXPECT_EQ(TilePath({1, 1234067}), "tile/1/x001/x234/067");
  EXPECT_EQ(TilePath({2, 1000, 1}), "tile/2/x001/000.p/1");
  EXPECT_EQ(EntriesPath(1234067, 256), "tile/entries/x001/x234/067");
  EXPECT_EQ(EntriesPath(7, 3), "tile/entries/007.p/3");
}

TEST(TilePath, ReadsBackAndHasOneSpelling) {
  for (const TileId& tile :
       {TileId{0, 0}, TileId{63, 999, 255}, TileId{1, 1000}, TileId{5, 18446744073709551615u, 1}}) {
    EXPECT_EQ(ParseTilePath(TilePath(tile)), tile) << TilePath(tile);
  }
  for (std::string_view path : {"",
                                "tile",
                                "tile/0",
                                "tile/0/",
                                "tile/0/00",
                                "tile/0/0000",
                                "tile/00/000",
                                "tile/64/000",
                                "tile/-1/000",
                                "tile/0/x000/001",
                                "tile/0/001/001",
                                "tile/0/x001",
                                "tile/0/000.p",
                                "tile/0/000.p/0",
                                "tile/0/000.p/256",
                                "tile/0/000.p/01",
                                "tile/0/000/1",
                                "tile/entries/000",
                                "/tile/0/000",
                                "tile/0/000/",
                                "tile/0/../000",
                                "tile/0/x018/x446/x744/x073/x709/x551/616",
                                "tile/0//000"}) {
    EXPECT_EQ(ParseTilePath(path), std::nullopt) << path;
  }
}

TEST(NewTiles, AreWhatGrewAtItsNewWidth) {
  EXPECT_THAT(NewTiles(0, 0), ElementsAre());
  EXPECT_THAT(NewTiles(0, 3), ElementsAre(TileId{0, 0, 3}));
  EXPECT_THAT(NewTiles(3, 3), ElementsAre());
  EXPECT_THAT(NewTiles(255, 257), ElementsAre(TileId{0, 0, 256}, TileId{0, 1, 1}, TileId{1, 0, 1}));
  EXPECT_THAT(NewTiles(256, 300), ElementsAre(TileId{0, 1, 44}));
  EXPECT_EQ(NewTiles(0, 70'000).size(), 274u + 2u + 1u);
}

// The tiles of a tree of 70,000 leaves (three levels), cut from its nodes.
class TileReader : public testing::Test {
 protected:
  static constexpr uint64_t kSize = 70'000;
  static TestTree& Tree() {
    static auto* tree = new TestTree(kSize);
    return *tree;
  }
  static absl::StatusOr<std::string> Tile(const TileId& tile) {
    std::string bytes;
    for (uint64_t i = 0; i < static_cast<uint64_t>(tile.width); ++i) {
      auto hash = Tree().Read({{tile.level * kTileHeight, tile.index * kTileWidth + i}});
      if (!hash.ok()) return hash.status();
      bytes += hash->front();
    }
    return bytes;
  }
};

TEST_F(TileReader, GivesRootsAndProofsThatVerify) {
  for (uint64_t size :
       {uint64_t{1}, uint64_t{255}, uint64_t{256}, uint64_t{257}, uint64_t{65'536}, uint64_t{65'537}, kSize}) {
    TileHashReader reader(size, Tile);
    const std::string root = RootAt(size, reader).value();
    EXPECT_EQ(root, RootAt(size, Tree()).value()) << size;
    for (uint64_t index : {uint64_t{0}, size / 3, size - 1}) {
      const auto proof = InclusionProof(index, size, reader).value();
      EXPECT_TRUE(VerifyInclusion(index, size, Tree().leaf(index), root, proof)) << index << " of " << size;
    }
    for (uint64_t from : {uint64_t{1}, (size + 1) / 2, size}) {
      const auto proof = ConsistencyProof(from, size, reader).value();
      EXPECT_TRUE(VerifyConsistency(from, size, RootAt(from, Tree()).value(), root, proof)) << from << " to " << size;
    }
  }
}

TEST_F(TileReader, ReadsEachTileOnceAndFewOfThem) {
  int read = 0;
  TileHashReader reader(kSize, [&](const TileId& tile) {
    ++read;
    return Tile(tile);
  });
  ASSERT_TRUE(InclusionProof(12'345, kSize, reader).ok());
  EXPECT_LE(read, 5);
}

TEST_F(TileReader, AShortTileIsALossAndANodeOutsideIsRefused) {
  TileHashReader cut(300,
                     [](const TileId& tile) -> absl::StatusOr<std::string> { return Tile(tile)->substr(kHashSize); });
  EXPECT_EQ(ReasonOf(RootAt(300, cut).status()), "TILE_TOO_SHORT");
  TileHashReader reader(300, Tile);
  EXPECT_EQ(ReasonOf(reader.Read({{0, 300}}).status()), "NODE_OUTSIDE_TREE");
  EXPECT_EQ(ReasonOf(reader.Read({{8, 1}}).status()), "NODE_OUTSIDE_TREE");
  EXPECT_EQ(ReasonOf(reader.Read({{-1, 0}}).status()), "NODE_OUTSIDE_TREE");
}

}  // namespace
}  // namespace trialog::audit
