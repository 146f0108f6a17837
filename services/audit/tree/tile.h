// The tree cut into tiles as C2SP tlog-tiles has them: a tile of height 8 holds up to 256 hashes of one level; full
// tiles never change. Public tools read them over HTTP or from a folder.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "services/audit/tree/tree.h"

namespace trialog::audit {

inline constexpr int kTileHeight = 8;
inline constexpr int kTileWidth = 1 << kTileHeight;

// `width` consecutive hashes of tree level 8 * `level`, the first at index * 256.
struct TileId {
  int level = 0;
  uint64_t index = 0;
  int width = kTileWidth;  // 1 to 256; below 256 the tile is partial.
  auto operator<=>(const TileId&) const = default;
};

// "tile/<level>/<index in groups of three digits>", with ".p/<width>" when partial: tile/0/x001/234.p/7.
std::string TilePath(const TileId& tile);
// "tile/entries/…": the bundle of leaves below the level 0 tile of this index and width.
std::string EntriesPath(uint64_t index, int width);
// The tile of a path; nullopt when it is not exactly one that TilePath writes (level 0 to 63).
std::optional<TileId> ParseTilePath(std::string_view path);

// How many hashes a tree of `size` leaves has at a tile level, in all its tiles.
uint64_t HashesAt(int level, uint64_t size);

// The tiles that a tree of `new_size` has and one of `old_size` has not, each at its width in the new tree.
std::vector<TileId> NewTiles(uint64_t old_size, uint64_t new_size);

// The tile that holds a node's hash, or the hashes below it, in a tree of `size` leaves.
TileId TileOf(const NodeId& node, uint64_t size);

// Reads nodes from tiles, each tile once a call.
class TileHashReader final : public HashReader {
 public:
  // The tile's hashes one after the other; at least `width` of them (a fuller tile serves too).
  using ReadTile = std::function<absl::StatusOr<std::string>(const TileId&)>;
  TileHashReader(uint64_t size, ReadTile read_tile) : size_(size), read_tile_(std::move(read_tile)) {}

  // DATA_LOSS when a tile is shorter than it must be; INVALID_ARGUMENT for a node outside the tree.
  absl::StatusOr<std::vector<std::string>> Read(const std::vector<NodeId>& nodes) override;

 private:
  const uint64_t size_;
  const ReadTile read_tile_;
};

}  // namespace trialog::audit
