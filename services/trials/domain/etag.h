// The text form of a record's version that callers hand back to say what they have read (AIP-154).
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "platform/view/state.h"

namespace trialog::trials {

// The row's version in quotes, for example "\"3\"".
inline std::string EtagOf(const view::Row& row) { return Cat('"', row.meta.version(), '"'); }

// Commands that move a record on: an empty etag is not checked.
inline absl::Status CheckEtag(std::string_view name, const view::Row& row, std::string_view etag) {
  return etag.empty() || etag == EtagOf(row) ? absl::OkStatus() : StaleEtag(name);
}

// Commands that replace content: the etag is required. `field` is its path in the request.
inline absl::Status RequireEtag(std::string_view name, const view::Row& row, std::string_view etag,
                                std::string_view field) {
  if (etag.empty()) return BadField(field, "ETAG_REQUIRED", "is required; send the etag of what you have read");
  return CheckEtag(name, row, etag);
}

}  // namespace trialog::trials
