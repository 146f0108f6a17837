#include "services/trials/domain/appointment.h"

#include <algorithm>

#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/trials/domain/access_care.h"
#include "services/trials/domain/calendar.h"
#include "services/trials/domain/command_parts.h"
#include "services/trials/domain/etag.h"
#include "services/trials/domain/moves.h"
#include "services/trials/domain/tables_care.h"
#include "services/trials/domain/tables_clinical.h"
#include "trialog/trials/v1/care_events.pb.h"
#include "trialog/trials/v1/events.pb.h"
#include "trialog/trials/v1/patient.pb.h"

namespace trialog::trials {
namespace {

using v1::Appointment;

// domain.md section 4, "Appointment".
constexpr auto kAppointmentMoves = std::to_array<Move<Appointment::State>>({
    {Appointment::STATE_PROPOSED, Appointment::STATE_PENDING},
    {Appointment::STATE_PENDING, Appointment::STATE_BOOKED},
    {Appointment::STATE_BOOKED, Appointment::STATE_ARRIVED},
    {Appointment::STATE_ARRIVED, Appointment::STATE_FULFILLED},
    {Appointment::STATE_BOOKED, Appointment::STATE_CANCELLED},
    {Appointment::STATE_BOOKED, Appointment::STATE_NOSHOW},
    {Appointment::STATE_HELD, Appointment::STATE_BOOKED},
    {Appointment::STATE_HELD, Appointment::STATE_EXPIRED},
});

// Half-open, in microseconds.
struct Interval {
  int64_t begin = 0;
  int64_t end = 0;
};

absl::StatusOr<Interval> CheckedInterval(std::string_view path, const google::protobuf::Timestamp& start,
                                         const google::protobuf::Timestamp& end) {
  if (!IsWholeMicroseconds(start)) return BadField(Cat(path, "start_time"), "BAD_TIME", "needs whole microseconds");
  if (!IsWholeMicroseconds(end)) return BadField(Cat(path, "end_time"), "BAD_TIME", "needs whole microseconds");
  const Interval interval{Micros(start), Micros(end)};
  if (interval.end <= interval.begin || interval.end - interval.begin > kMaxAppointmentSeconds * 1'000'000) {
    return BadField(Cat(path, "end_time"), "BAD_INTERVAL", "must be after the start, by at most 24 hours");
  }
  return interval;
}

// Whether `who` has an appointment other than `except` that overlaps [start, end). Those found end after the start, the
// earliest first, and do not overlap each other: only the first, or the one after `except`, can begin before the end.
bool IsBusy(const view::State& state, std::string_view who, const google::protobuf::Timestamp& start, int64_t end,
            std::string_view except) {
  for (const auto& found : state.Scan(kBusy, view::GroupPrefix(who), 2, BusyKey(who, start))) {
    if (found.name == except) continue;
    const auto other = state.Get<Appointment>(kAppointments, found.name);
    return other && Micros(other->start_time()) < end;
  }
  return false;
}

absl::Status CheckFree(const view::State& state, const Appointment& appointment, int64_t end,
                       const google::protobuf::Timestamp& start) {
  if (IsBusy(state, appointment.provider(), start, end, appointment.name())) {
    return BrokenRule("PROVIDER_BUSY", appointment.provider(), "the provider has another appointment then");
  }
  if (IsBusy(state, appointment.patient(), start, end, appointment.name())) {
    return BrokenRule("PATIENT_BUSY", appointment.patient(), "the patient has another appointment then");
  }
  return absl::OkStatus();
}

bool IsAssigned(const view::State& state, std::string_view patient, std::string_view user) {
  const auto row = state.Get<v1::Patient>(kPatients, patient);
  return row && std::any_of(row->providers().begin(), row->providers().end(),
                            [&](const auto& provider) { return provider.user() == user; });
}

// The row of an appointment that the caller may change.
absl::StatusOr<view::RowPtr> FindToChange(const view::State& state, const Context& context, std::string_view name,
                                          std::string_view etag) {
  auto row = FindForCommand(state, context.principal, kAppointments, name, "appointment", etag);
  if (!row.ok()) return row;
  const std::string& patient = (*row)->As<Appointment>().patient();
  if (auto status = RequireStaff(state, context.principal, patient); !status.ok()) return status;
  return row;
}

// Moves an appointment to `to` with an event of the kind.
template <typename Kind, typename Request>
absl::StatusOr<Decision> MoveTo(const view::State& state, const Context& context, const Request& request,
                                Appointment::State to, Kind* (v1::TrialsEvent::*kind)(), Kind event) {
  auto row = FindToChange(state, context, request.name(), request.etag());
  if (!row.ok()) return row.status();
  const view::Row& before = **row;
  const auto from = before.As<Appointment>().state();
  if (from == to) return Answering(request.name());
  if (!MayMove(from, to)) {
    return BrokenRule(
        "APPOINTMENT_STATE", request.name(),
        Cat("an appointment in ", Appointment::State_Name(from), " cannot go to ", Appointment::State_Name(to)));
  }
  event.set_name(request.name());
  return OneEvent(request.name(), kind, std::move(event));
}

}  // namespace

bool MayMove(Appointment::State from, Appointment::State to) { return MayMove(kAppointmentMoves, from, to); }

bool TakesTime(Appointment::State state) {
  return state == Appointment::STATE_HELD || state == Appointment::STATE_BOOKED ||
         state == Appointment::STATE_ARRIVED || state == Appointment::STATE_FULFILLED;
}

absl::StatusOr<Decision> BookAppointment(const view::State& state, const Context& context,
                                         const v1::BookAppointmentRequest& request,
                                         const event::v1::SealedPart& sealed) {
  const Appointment& asked = request.appointment();
  if (ParentOf(asked.patient()) != request.parent()) {
    return BadField("appointment.patient", "BAD_NAME", "must name a patient of the organization");
  }
  if (auto s = RequireStaff(state, context.principal, asked.patient()); !s.ok()) return s;
  if (!IsAssigned(state, asked.patient(), asked.provider())) {
    return BrokenRule("PROVIDER_NOT_ASSIGNED", asked.patient(), "the provider is not assigned to the patient");
  }
  if (auto s = RequireActivePatient(state, asked.patient()); !s.ok()) return s;
  const std::string name = Cat(request.parent(), "/appointments/", request.appointment_id());
  if (auto s = CheckNewName(state, kAppointments, name, "appointment_id"); !s.ok()) return s;
  auto interval = CheckedInterval("appointment.", asked.start_time(), asked.end_time());
  if (!interval.ok()) return interval.status();
  if (auto s = CheckFree(state, asked, interval->end, asked.start_time()); !s.ok()) return s;

  v1::AppointmentBooked booked;
  Appointment& appointment = *booked.mutable_appointment();
  appointment.set_name(name);
  appointment.set_uid(request.appointment_id());
  appointment.set_patient(asked.patient());
  appointment.set_provider(asked.provider());
  *appointment.mutable_start_time() = asked.start_time();
  *appointment.mutable_end_time() = asked.end_time();
  appointment.set_state(Appointment::STATE_BOOKED);
  appointment.set_creator(context.principal.user());
  *booked.mutable_sealed() = OnlySealed(sealed, {Appointment::kLocationFieldNumber, Appointment::kReasonFieldNumber});
  return OneEvent(name, &v1::TrialsEvent::mutable_appointment_booked, std::move(booked));
}

absl::StatusOr<Decision> RescheduleAppointment(const view::State& state, const Context& context,
                                               const v1::RescheduleAppointmentRequest& request,
                                               const event::v1::SealedPart& sealed) {
  auto row = FindToChange(state, context, request.name(), "");
  if (!row.ok()) return row.status();
  if (auto s = RequireEtag(request.name(), **row, request.etag(), "etag"); !s.ok()) return s;
  const auto& appointment = (*row)->As<Appointment>();
  if (appointment.state() != Appointment::STATE_BOOKED) {
    return BrokenRule("APPOINTMENT_STATE", request.name(), "only a booked appointment can be moved");
  }
  auto interval = CheckedInterval("", request.start_time(), request.end_time());
  if (!interval.ok()) return interval.status();
  if (Micros(appointment.start_time()) == interval->begin && Micros(appointment.end_time()) == interval->end) {
    return Answering(request.name());
  }
  if (auto s = CheckFree(state, appointment, interval->end, request.start_time()); !s.ok()) return s;

  v1::AppointmentRescheduled rescheduled;
  rescheduled.set_name(request.name());
  *rescheduled.mutable_start_time() = request.start_time();
  *rescheduled.mutable_end_time() = request.end_time();
  *rescheduled.mutable_sealed() = OnlySealed(sealed, {Appointment::kStateReasonFieldNumber});
  return OneEvent(request.name(), &v1::TrialsEvent::mutable_appointment_rescheduled, std::move(rescheduled));
}

absl::StatusOr<Decision> CancelAppointment(const view::State& state, const Context& context,
                                           const v1::CancelAppointmentRequest& request,
                                           const event::v1::SealedPart& sealed) {
  v1::AppointmentCancelled cancelled;
  *cancelled.mutable_sealed() = OnlySealed(sealed, {Appointment::kStateReasonFieldNumber});
  return MoveTo(state, context, request, Appointment::STATE_CANCELLED, &v1::TrialsEvent::mutable_appointment_cancelled,
                std::move(cancelled));
}

absl::StatusOr<Decision> CheckInAppointment(const view::State& state, const Context& context,
                                            const v1::CheckInAppointmentRequest& request) {
  return MoveTo(state, context, request, Appointment::STATE_ARRIVED, &v1::TrialsEvent::mutable_appointment_checked_in,
                v1::AppointmentCheckedIn());
}

absl::StatusOr<Decision> CompleteAppointment(const view::State& state, const Context& context,
                                             const v1::CompleteAppointmentRequest& request) {
  return MoveTo(state, context, request, Appointment::STATE_FULFILLED, &v1::TrialsEvent::mutable_appointment_completed,
                v1::AppointmentCompleted());
}

absl::StatusOr<Decision> MarkNoShowAppointment(const view::State& state, const Context& context,
                                               const v1::MarkNoShowAppointmentRequest& request) {
  return MoveTo(state, context, request, Appointment::STATE_NOSHOW,
                &v1::TrialsEvent::mutable_appointment_marked_no_show, v1::AppointmentMarkedNoShow());
}

}  // namespace trialog::trials
