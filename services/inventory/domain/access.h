// Who may see and change inventory's records (docs/access.md). Deny by default.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "platform/command/decision.h"

namespace trialog::inventory {

// Whether the caller may see a row: one answer for Get, List, Watch, links and exports, of today's row or an earlier
// one. Managers and laboratory technicians see what their biobanks hold, providers that of the biobanks they are
// assigned to, patients their own samples and the stock of them, and each user what they created themselves.
// `own_patient_mac` is the HMAC of the caller's own patient name under the organization's look-up key; empty for
// callers that are no patient.
bool MaySee(const Principal& principal, const view::State& state, const view::Table& table, std::string_view name,
            const view::Row& row, std::string_view own_patient_mac);

// Whom a biobank lets see what it holds: its providers.
std::vector<std::string> NamedByBiobank(std::string_view name, const view::Row& biobank);
// Whom a sample lets see its stock: its patient, by look-up key.
std::vector<std::string> NamedBySample(std::string_view name, const view::Row& sample);

// Whether the caller may register, change and move what a biobank holds: its laboratory technicians.
bool MayHandleStock(const Principal& principal, std::string_view biobank);

// Whether the caller may ask for another state of a sample of the biobank: those who handle it, and its managers, who
// block samples. CheckMove says who makes which move.
bool MayTransition(const Principal& principal, std::string_view biobank);

// Whether the caller may create and change biobanks (`scope` is the organization) or one and its storage locations (the
// biobank): managers.
bool MayManage(const Principal& principal, std::string_view scope);

// The row to change. The right to change is asked from the name alone and before the row, so that a refusal tells
// nothing about what exists: PERMISSION_DENIED in another's biobank, NOT_FOUND in one's own.
using MayChange = bool (*)(const Principal&, std::string_view biobank);
absl::StatusOr<view::RowPtr> FindForChange(const view::State& state, const Context& context, MayChange may,
                                           const view::Table& table, std::string_view name);

}  // namespace trialog::inventory
