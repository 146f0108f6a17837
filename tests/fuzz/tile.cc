// Tiles: their paths, and what is read from the bytes of one.
#include "services/audit/tree/tile.h"

#include "platform/errors/errors.h"
#include "services/audit/tree/hashing.h"
#include "tests/fuzz/fuzz.h"

namespace trialog::fuzz {
namespace {

using audit::kHashSize;
using audit::NodeId;

void CheckPath(std::string_view path) {
  const auto tile = audit::ParseTilePath(path);
  if (!tile) return;
  Require(audit::TilePath(*tile) == path, "a path is written as it was read");
  Require(tile->width >= 1 && tile->width <= audit::kTileWidth && tile->level >= 0 && tile->level < 64,
          "a tile can be");
}

// Nodes read from tiles that hold whatever they hold.
void CheckBytes(Input input) {
  const uint64_t size = input.Number(input.Choose(9));
  std::vector<NodeId> nodes(1 + input.Choose(4));
  for (NodeId& node : nodes) node = {static_cast<int>(input.Byte()) - 1, input.Number(input.Choose(9))};
  const std::string bytes(input.Rest());
  audit::TileHashReader reader(size, [&](const audit::TileId& id) -> absl::StatusOr<std::string> {
    Require(id.width >= 1 && id.width <= audit::kTileWidth, "only tiles that can be are read");
    Require(audit::ParseTilePath(audit::TilePath(id)) == id, "a tile that is read has a path");
    return bytes;
  });
  const auto hashes = reader.Read(nodes);
  if (!hashes.ok()) {
    const std::string reason = ReasonOf(hashes.status());
    return Require(reason == "TILE_TOO_SHORT" || reason == "NODE_OUTSIDE_TREE", "a failure has a name");
  }
  Require(hashes->size() == nodes.size(), "each node has a hash");
  for (const std::string& hash : *hashes) Require(hash.size() == kHashSize, "a hash is a hash");
}

}  // namespace

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds;
  for (const audit::TileId& tile :
       {audit::TileId{0, 1'234'067, 256}, audit::TileId{1, 234, 7}, audit::TileId{63, 0, 1}})
    seeds.push_back(Big(0, 1) + audit::TilePath(tile));
  seeds.push_back(Big(0, 1) + "tile/0/x/");
  for (const uint64_t size : {1, 255, 256, 300}) {
    seeds.push_back(Big(1, 1) + Big(2, 1) + Big(size, 2) + Big(1, 1) + Big(1, 1) + Big(1, 1) + Big(0, 1) + Big(4, 1) +
                    Big(1, 1) + Big(1, 1) + std::string(size * kHashSize, 'h'));
  }
  return seeds;
}

}  // namespace trialog::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace trialog::fuzz;
  Input input(data, size);
  input.Choose(2) == 0 ? CheckPath(input.Rest()) : CheckBytes(input);
  return 0;
}
