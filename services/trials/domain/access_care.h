// Who may see and change medication, messages, appointments and notices (docs/access.md). The method's own rule says
// which roles may call at all; here each record decides, for Get, List, Watch, links, exports and commands alike.
#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "platform/command/decision.h"
#include "platform/view/state.h"

namespace trialog::trials {

// Whether the caller may see this record, which is a row of one of CareTables(); false for any other table.
//  - Medication: the patient (not drafts, not what is only prepared) and assigned providers.
//  - Threads and messages: members; in a patient's thread only while they care for the patient or run a trial with
//  them.
//  - Appointments: the patient, and staff in whose care or scope the patient is.
//  - Notices: the user, and a notifier in whose scope the user is. Preferences: the user.
bool MaySeeCare(const Principal& principal, const view::State& state, const view::Table& table, std::string_view name,
                const view::Row& row);

// Whether the caller may look for medication of a patient at all: the patient and assigned providers.
bool MayListMedicationOf(const Principal& principal, const view::State& state, std::string_view patient);
// Whether the caller may look for notices of a user: the user, and a notifier whose scope that is.
bool MayListNoticesOf(const Principal& principal, std::string_view user);

// Whether the patient may see this medication record yet: not a draft, not what is only prepared or was given up
// before.
bool IsShownToPatient(const view::Table& table, const view::Row& row);

// Whether a staff member may exchange messages with a patient: an assigned provider, or a researcher of a trial that
// the patient takes part in. By records alone, since the other side of a message is not the caller.
bool MayWriteToPatient(const view::State& state, std::string_view user, std::string_view patient);

// The row that a command is about: NOT_FOUND when there is none that the caller may see, ABORTED when `etag` is set and
// stale. `what` names the kind of record in the message.
absl::StatusOr<view::RowPtr> FindForCommand(const view::State& state, const Principal& principal,
                                            const view::Table& table, std::string_view name, std::string_view what,
                                            std::string_view etag = {});

// Refuse unless the caller is what the name says to the patient; NOT_FOUND to those who may not know the patient.
absl::Status RequireProvider(const view::State& state, const Principal& principal, std::string_view patient);
absl::Status RequireSelf(const view::State& state, const Principal& principal, std::string_view patient);
absl::Status RequireSelfOrProvider(const view::State& state, const Principal& principal, std::string_view patient);
absl::Status RequireStaff(const view::State& state, const Principal& principal, std::string_view patient);

}  // namespace trialog::trials
