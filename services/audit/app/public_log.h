// The audit log as strangers verify it: checkpoint, tiles and leaves by HTTP (C2SP tlog-tiles). Leaves are places and
// keyed hashes: nothing here tells what was recorded. docs/formats/leaf.md.
#pragma once

#include <string_view>

#include "platform/http/page_server.h"
#include "platform/sealing/note.h"
#include "services/audit/tree/tile.h"
#include "services/audit/views/audit_store.h"

namespace trialog::audit {

// Thread safe. Of the tree only what the latest checkpoint covers is shown: 404 for all else.
class PublicLog {
 public:
  // The store outlives it.
  PublicLog(const AuditStore* store, sealing::NoteSigner signer) : store_(*store), signer_(std::move(signer)) {}

  // /checkpoint, /tile/<level>/<index>[.p/<width>], /tile/entries/<index>[.p/<width>], and /key: the verifier key of
  // the checkpoint's signature.
  http::Page Get(std::string_view path) const;

 private:
  http::Page Checkpoint() const;
  http::Page Tile(const TileId& tile) const;
  http::Page Entries(const TileId& leaves) const;
  // Whether the signed tree has all of it.
  absl::StatusOr<bool> Covers(const TileId& tile) const;

  const AuditStore& store_;
  const sealing::NoteSigner signer_;
};

}  // namespace trialog::audit
