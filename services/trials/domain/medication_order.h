// Decisions about medication orders: written and moved by assigned providers, acknowledged by the patient.
#pragma once

#include "absl/status/statusor.h"
#include "platform/command/decision.h"
#include "trialog/trials/v1/medication.pb.h"

namespace trialog::trials {

// Whether an order may go from one state to the other; the whole state machine.
bool MayMove(v1::MedicationOrder::State from, v1::MedicationOrder::State to);

// Writes an order as a draft. PATIENT_INACTIVE: there is no new treatment for the patient.
absl::StatusOr<Decision> CreateMedicationOrder(const view::State& state, const Context& context,
                                               const v1::CreateMedicationOrderRequest& request,
                                               const event::v1::SealedPart& sealed);

// The following move an order, or decide nothing when it stands there already. MEDICATION_ORDER_STATE: the move is not
// legal.
absl::StatusOr<Decision> ActivateMedicationOrder(const view::State& state, const Context& context,
                                                 const v1::ActivateMedicationOrderRequest& request,
                                                 const event::v1::SealedPart& sealed);
absl::StatusOr<Decision> HoldMedicationOrder(const view::State& state, const Context& context,
                                             const v1::HoldMedicationOrderRequest& request,
                                             const event::v1::SealedPart& sealed);
// Also REQUIRED: a stop needs a reason.
absl::StatusOr<Decision> StopMedicationOrder(const view::State& state, const Context& context,
                                             const v1::StopMedicationOrderRequest& request,
                                             const event::v1::SealedPart& sealed);

// The patient has seen the order; the first time counts. MEDICATION_ORDER_STATE: it is not in force.
absl::StatusOr<Decision> AcknowledgeMedicationOrder(const view::State& state, const Context& context,
                                                    const v1::AcknowledgeMedicationOrderRequest& request);

}  // namespace trialog::trials
