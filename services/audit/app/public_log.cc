#include "services/audit/app/public_log.h"

#include "platform/text/text.h"
#include "services/audit/app/signed_checkpoint.h"
#include "services/audit/tree/hashing.h"

namespace trialog::audit {
namespace {

constexpr std::string_view kTilePrefix = "/tile/";
constexpr std::string_view kEntriesPrefix = "/tile/entries/";
constexpr std::string_view kForEver = "public, max-age=31536000, immutable";
constexpr std::string_view kSoonOther = "no-cache";
constexpr size_t kMaxEntryBytes = 65535;  // What the length before an entry can say.

http::Page Absent() { return {.status = 404, .body = "no such page of the log\n"}; }

http::Page Failed(const absl::Status& status) {
  if (absl::IsNotFound(status)) return Absent();
  // What is wrong is in health and metrics; a stranger is told no more.
  return {.status = absl::IsDataLoss(status) ? 500 : 503, .body = "the log cannot be read now\n"};
}

http::Page Bytes(std::string bytes) {
  return {.content_type = "application/octet-stream", .cache_control = std::string(kForEver), .body = std::move(bytes)};
}

http::Page Text(std::string text) { return {.cache_control = std::string(kSoonOther), .body = std::move(text)}; }

}  // namespace

http::Page PublicLog::Get(std::string_view path) const {
  if (path == "/checkpoint") return Checkpoint();
  if (path == "/key") return Text(Cat(signer_.verifier().Text(), '\n'));
  if (path.substr(0, kEntriesPrefix.size()) == kEntriesPrefix) {
    const auto leaves = ParseTilePath(Cat("tile/0/", path.substr(kEntriesPrefix.size())));
    return leaves ? Entries(*leaves) : Absent();
  }
  if (path.substr(0, kTilePrefix.size()) != kTilePrefix) return Absent();
  const auto tile = ParseTilePath(path.substr(1));
  return tile ? Tile(*tile) : Absent();
}

http::Page PublicLog::Checkpoint() const {
  const auto checkpoint = SignedCheckpoint(store_, signer_, 0);
  return checkpoint.ok() ? Text(checkpoint->note()) : Failed(checkpoint.status());
}

absl::StatusOr<bool> PublicLog::Covers(const TileId& tile) const {
  const auto checkpoint = store_.Checkpoint(0);
  if (!checkpoint.ok()) return checkpoint.status();
  const uint64_t hashes = HashesAt(tile.level, checkpoint->tree_size());
  return tile.index < hashes && static_cast<uint64_t>(tile.width) <= hashes - std::min(hashes, tile.index * kTileWidth);
}

http::Page PublicLog::Tile(const TileId& tile) const {
  const auto covered = Covers(tile);
  if (!covered.ok()) return Failed(covered.status());
  if (!*covered) return Absent();
  auto hashes = store_.Tile(tile);
  if (!hashes.ok()) return Failed(hashes.status());
  hashes->resize(static_cast<size_t>(tile.width) * kHashSize);
  return Bytes(*std::move(hashes));
}

http::Page PublicLog::Entries(const TileId& leaves) const {
  const auto covered = Covers(leaves);
  if (!covered.ok()) return Failed(covered.status());
  if (!*covered) return Absent();
  std::string bundle;
  for (int i = 0; i < leaves.width; ++i) {
    const auto entry = store_.Entry(leaves.index * kTileWidth + static_cast<uint64_t>(i));
    if (!entry.ok()) return Failed(entry.status());
    const std::string& leaf = entry->material().leaf();
    if (leaf.size() > kMaxEntryBytes) return Failed(absl::DataLossError("a leaf that is too long"));
    bundle += static_cast<char>(leaf.size() >> 8);
    bundle += static_cast<char>(leaf.size() & 0xff);
    bundle += leaf;
  }
  return Bytes(std::move(bundle));
}

}  // namespace trialog::audit
