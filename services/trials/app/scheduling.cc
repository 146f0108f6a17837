// Appointments.
#include "services/trials/app/handlers.h"
#include "services/trials/app/record_types.h"
#include "services/trials/domain/appointment.h"
#include "services/trials/domain/tables_care.h"

namespace trialog::trials {
namespace {

using service::Backend;
using service::ListSource;
using service::Typed;

// The latest to begin first.
absl::StatusOr<ListSource> AppointmentsOf(const Principal& principal, std::string_view parent,
                                          const google::protobuf::Message& request) {
  auto all = ByParent<kAppointments, kAppointmentsByOrganization>(principal, parent, request);
  const std::string patient = OnlyOwnPatient(principal);
  if (!all.ok() || patient.empty()) return all;
  return ListSource{&kAppointmentsByPatient, view::GroupPrefix(patient)};
}

}  // namespace

void AddScheduling(Backend& backend) {
  const std::string service = "trialog.trials.v1.SchedulingService/";
  backend.CommandMethod(service + "BookAppointment", kAppointmentType,
                        OfStandingPatient(backend, backend.AimToCreate(kAppointmentType)), Typed(BookAppointment));
  backend.Act(service + "RescheduleAppointment", kAppointmentType, Typed(RescheduleAppointment));
  backend.Act(service + "CancelAppointment", kAppointmentType, Typed(CancelAppointment));
  backend.Act(service + "CheckInAppointment", kAppointmentType, Typed(CheckInAppointment));
  backend.Act(service + "CompleteAppointment", kAppointmentType, Typed(CompleteAppointment));
  backend.Act(service + "MarkNoShowAppointment", kAppointmentType, Typed(MarkNoShowAppointment));
  backend.Get(service + "GetAppointment", kAppointmentType);
  backend.List(service + "ListAppointments", kAppointmentType, AppointmentsOf);
  backend.Watch(service + "WatchAppointments", kAppointmentType, AppointmentsOf);
}

}  // namespace trialog::trials
