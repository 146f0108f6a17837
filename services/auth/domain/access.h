// Which records of auth a caller may see, and who may manage accounts. One function for Get, List, Watch, links and
// exports; decisions ask the same. docs/access.md.
#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "platform/command/decision.h"

namespace trialog::auth {

// Whether `principal` may see the row `name` of `table`. Own profile, sessions and grants; the settings and everything
// of the accounts for an administrator of the organisation; signing keys for everyone; credentials for no one.
bool MaySee(const Principal& principal, const view::State& state, const view::Table& table, std::string_view name,
            const view::Row& row);

// Whether the caller administers the organisation.
bool IsAdministrator(const Principal& principal, std::string_view organization_id);

// OK, or PERMISSION_DENIED with reason ROLE_REQUIRED: asked before anything about a record is said.
absl::Status RequireAdministrator(const Context& context);

// OK when `etag` is the row's version in quotes, as it is rendered; else INVALID_ARGUMENT with reason ETAG_REQUIRED, or
// ABORTED (AIP-154).
absl::Status CheckEtag(const view::Row& row, std::string_view name, std::string_view etag, std::string_view field);

}  // namespace trialog::auth
