// Who may see and change inventory's records (domain.md section 3 of the product brief; docs/access.md). Deny by
// default.
#pragma once

#include <string_view>

#include "platform/command/decision.h"

namespace trialog::inventory {

// Whether the caller may see a row: one answer for Get, List, Watch, links and exports, of today's row or an earlier
// one. `own_patient_mac` is the HMAC of the caller's own patient name under the organization's look-up key; empty for
// callers that are no patient.
bool MaySee(const Principal& principal, const view::State& state, const view::Table& table, std::string_view name,
            const view::Row& row, std::string_view own_patient_mac);

// Whether the caller may register, change and move what a biobank holds: its managers and laboratory technicians.
bool MayHandleStock(const Principal& principal, std::string_view biobank);

}  // namespace trialog::inventory
