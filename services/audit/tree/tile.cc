#include "services/audit/tree/tile.h"

#include <algorithm>
#include <charconv>

#include "platform/errors/errors.h"
#include "platform/text/text.h"

namespace trialog::audit {
namespace {

constexpr int kMaxTileLevel = 63;

std::string ThreeDigits(uint64_t number) {
  return {static_cast<char>('0' + number / 100), static_cast<char>('0' + number / 10 % 10),
          static_cast<char>('0' + number % 10)};
}

// 1234067 → "x001/x234/067".
std::string IndexPath(uint64_t index) {
  std::string path = ThreeDigits(index % 1000);
  while ((index /= 1000) > 0) path = Cat('x', ThreeDigits(index % 1000), '/', path);
  return path;
}

std::string Partial(int width) { return width == kTileWidth ? "" : Cat(".p/", width); }

std::optional<uint64_t> Number(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

uint64_t HashesAt(int level, uint64_t size) { return level * kTileHeight >= 64 ? 0 : size >> (level * kTileHeight); }

std::string TilePath(const TileId& tile) {
  return Cat("tile/", tile.level, '/', IndexPath(tile.index), Partial(tile.width));
}

std::string EntriesPath(uint64_t index, int width) { return Cat("tile/entries/", IndexPath(index), Partial(width)); }

std::optional<TileId> ParseTilePath(std::string_view path) {
  if (path.size() > 64) return std::nullopt;
  std::vector<std::string_view> parts = Split(path, '/');
  if (parts.size() < 3 || parts[0] != "tile") return std::nullopt;
  TileId tile;
  const auto level = Number(parts[1]);
  if (!level || *level > kMaxTileLevel) return std::nullopt;
  tile.level = static_cast<int>(*level);
  constexpr std::string_view kPartial = ".p";
  if (std::string_view group = parts[parts.size() - 2]; parts.size() > 3 && group.ends_with(kPartial)) {
    const auto width = Number(parts.back());
    if (!width || *width == 0 || *width >= kTileWidth) return std::nullopt;
    tile.width = static_cast<int>(*width);
    parts.pop_back();
    parts.back().remove_suffix(kPartial.size());
  }
  std::string digits;
  for (size_t i = 2; i < parts.size(); ++i)
    digits += parts[i].substr(i + 1 < parts.size() && !parts[i].empty() ? 1 : 0);
  const auto index = Number(digits);
  if (!index) return std::nullopt;
  tile.index = *index;
  if (TilePath(tile) != path) return std::nullopt;  // One spelling.
  return tile;
}

std::vector<TileId> NewTiles(uint64_t old_size, uint64_t new_size) {
  std::vector<TileId> tiles;
  for (int level = 0; HashesAt(level, new_size) > 0; ++level) {
    const uint64_t before = HashesAt(level, old_size), after = HashesAt(level, new_size);
    if (before == after) continue;
    for (uint64_t index = before / kTileWidth; index * kTileWidth < after; ++index) {
      tiles.push_back({level, index, static_cast<int>(std::min<uint64_t>(after - index * kTileWidth, kTileWidth))});
    }
  }
  return tiles;
}

TileId TileOf(const NodeId& node, uint64_t size) {
  TileId tile;
  tile.level = node.level / kTileHeight;
  tile.index = (node.index << node.level % kTileHeight) / kTileWidth;
  const uint64_t rest = HashesAt(tile.level, size) - std::min(HashesAt(tile.level, size), tile.index * kTileWidth);
  tile.width = static_cast<int>(std::min<uint64_t>(rest, kTileWidth));
  return tile;
}

absl::StatusOr<std::vector<std::string>> TileHashReader::Read(const std::vector<NodeId>& nodes) {
  std::map<TileId, std::string> tiles;
  std::vector<std::string> hashes;
  for (const NodeId& node : nodes) {
    if (node.level < 0 || node.level > 63 || node.index >= (node.level == 0 ? size_ : size_ >> node.level)) {
      return BadField("node", "NODE_OUTSIDE_TREE", "the node is not complete in this tree");
    }
    const TileId id = TileOf(node, size_);
    auto [tile, fresh] = tiles.try_emplace(id);
    if (fresh) {
      auto bytes = read_tile_(id);
      if (!bytes.ok()) return bytes.status();
      if (bytes->size() < static_cast<size_t>(id.width) * kHashSize) {
        return Refuse(absl::StatusCode::kDataLoss, "TILE_TOO_SHORT",
                      Cat(TilePath(id), " holds fewer hashes than it must"));
      }
      tile->second = *std::move(bytes);
    }
    // The node is the root of 2^(level mod 8) hashes that lie side by side in its tile.
    const int below = node.level % kTileHeight;
    const size_t first = (node.index << below) % kTileWidth;
    std::vector<std::string> row;
    for (size_t i = first; i < first + (size_t{1} << below); ++i)
      row.push_back(tile->second.substr(i * kHashSize, kHashSize));
    for (; row.size() > 1; row.resize(row.size() / 2)) {
      for (size_t i = 0; i < row.size() / 2; ++i) row[i] = HashChildren(row[2 * i], row[2 * i + 1]);
    }
    hashes.push_back(std::move(row[0]));
  }
  return hashes;
}

}  // namespace trialog::audit
