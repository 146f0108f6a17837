// Decisions about patients and who cares for them.
#pragma once

#include "absl/status/statusor.h"
#include "platform/command/decision.h"
#include "trialog/event/v1/sealed.pb.h"
#include "trialog/trials/v1/patient.pb.h"

namespace trialog::trials {

// By coordinators, investigators and providers in whose scope the organization or the primary clinic is. A provider is
// assigned to the patient. ALREADY_EXISTS: MRN_TAKEN, USER_TAKEN, PATIENT_EXISTS.
absl::StatusOr<Decision> CreatePatient(const view::State& state, const Context& context,
                                       const v1::CreatePatientRequest& request, const event::v1::SealedPart& sealed);

// By the patient's staff; by the patient only contact and preferences. The etag is required.
absl::StatusOr<Decision> UpdatePatient(const view::State& state, const Context& context,
                                       const v1::UpdatePatientRequest& request, const event::v1::SealedPart& sealed);

// By the patient's staff. Nothing changes when it is already so.
absl::StatusOr<Decision> AssignProvider(const view::State& state, const Context& context,
                                        const v1::AssignProviderRequest& request, const event::v1::SealedPart& sealed);
absl::StatusOr<Decision> UnassignProvider(const view::State& state, const Context& context,
                                          const v1::UnassignProviderRequest& request,
                                          const event::v1::SealedPart& sealed);

}  // namespace trialog::trials
