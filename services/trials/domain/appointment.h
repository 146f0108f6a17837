// Decisions about appointments. At any instant a provider and a patient each have at most one that takes their time.
#pragma once

#include "absl/status/statusor.h"
#include "platform/command/decision.h"
#include "trialog/trials/v1/scheduling.pb.h"

namespace trialog::trials {

// Longest appointment.
inline constexpr int64_t kMaxAppointmentSeconds = 24 * 3600;

// Whether an appointment may go from one state to the other; the whole state machine.
bool MayMove(v1::Appointment::State from, v1::Appointment::State to);

// Whether an appointment in this state takes the time of its people: held, booked, under way or done.
bool TakesTime(v1::Appointment::State state);

// Books a time. PROVIDER_NOT_ASSIGNED: the provider does not care for the patient; PATIENT_INACTIVE; PROVIDER_BUSY,
// PATIENT_BUSY: the time is taken; bad fields. Which record takes it is not said.
absl::StatusOr<Decision> BookAppointment(const view::State& state, const Context& context,
                                         const v1::BookAppointmentRequest& request,
                                         const event::v1::SealedPart& sealed);

// Moves a booked appointment; the etag is required. PROVIDER_BUSY, PATIENT_BUSY: the time is taken; APPOINTMENT_STATE:
// it is not booked.
absl::StatusOr<Decision> RescheduleAppointment(const view::State& state, const Context& context,
                                               const v1::RescheduleAppointmentRequest& request,
                                               const event::v1::SealedPart& sealed);

// The following move the state, or decide nothing when it stands there already. APPOINTMENT_STATE: the move is not
// legal.
absl::StatusOr<Decision> CancelAppointment(const view::State& state, const Context& context,
                                           const v1::CancelAppointmentRequest& request,
                                           const event::v1::SealedPart& sealed);
absl::StatusOr<Decision> CheckInAppointment(const view::State& state, const Context& context,
                                            const v1::CheckInAppointmentRequest& request);
absl::StatusOr<Decision> CompleteAppointment(const view::State& state, const Context& context,
                                             const v1::CompleteAppointmentRequest& request);
absl::StatusOr<Decision> MarkNoShowAppointment(const view::State& state, const Context& context,
                                               const v1::MarkNoShowAppointmentRequest& request);

}  // namespace trialog::trials
