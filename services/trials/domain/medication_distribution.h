// Decisions about medication distributions: prepared, finalized and taken back by assigned providers, acknowledged by
// the patient.
#pragma once

#include "absl/status/statusor.h"
#include "platform/command/decision.h"
#include "trialog/trials/v1/medication.pb.h"

namespace trialog::trials {

// Whether a distribution may go from one state to the other; the whole state machine.
bool MayMove(v1::MedicationDistribution::State from, v1::MedicationDistribution::State to);

// Prepares a distribution. PATIENT_INACTIVE; BAD_ORDER: the order is not one of this patient's; bad fields.
absl::StatusOr<Decision> CreateMedicationDistribution(const view::State& state, const Context& context,
                                                      const v1::CreateMedicationDistributionRequest& request,
                                                      const event::v1::SealedPart& sealed);

// The following move a distribution, or decide nothing when it stands there already. MEDICATION_DISTRIBUTION_STATE: the
// move is not legal.

// Also MEDICATION_ORDER_STATE: the order that it serves is not in force.
absl::StatusOr<Decision> FinalizeMedicationDistribution(const view::State& state, const Context& context,
                                                        const v1::FinalizeMedicationDistributionRequest& request);
absl::StatusOr<Decision> AcknowledgeMedicationDistribution(const view::State& state, const Context& context,
                                                           const v1::AcknowledgeMedicationDistributionRequest& request);
// Also BAD_QUANTITY: other unit, negative, or more than was handed out.
absl::StatusOr<Decision> ReturnMedicationDistribution(const view::State& state, const Context& context,
                                                      const v1::ReturnMedicationDistributionRequest& request,
                                                      const event::v1::SealedPart& sealed);

}  // namespace trialog::trials
