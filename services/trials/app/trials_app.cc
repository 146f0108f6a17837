#include "services/trials/app/trials_app.h"

#include "services/trials/app/handlers.h"
#include "services/trials/domain/evolve.h"
#include "trialog/trials/v1/data_capture.pb.h"
#include "trialog/trials/v1/enrollment.pb.h"
#include "trialog/trials/v1/medication.pb.h"
#include "trialog/trials/v1/messaging.pb.h"
#include "trialog/trials/v1/notification.pb.h"
#include "trialog/trials/v1/patient.pb.h"
#include "trialog/trials/v1/researcher.pb.h"
#include "trialog/trials/v1/scheduling.pb.h"
#include "trialog/trials/v1/trial.pb.h"

namespace trialog::trials {

service::Definition TrialsDefinition(TrialsParts) {
  service::Definition definition;
  definition.domain = &TrialsDomain();
  for (const auto* file :
       {v1::Patient::descriptor()->file(), v1::Researcher::descriptor()->file(), v1::Trial::descriptor()->file(),
        v1::Subject::descriptor()->file(), v1::DataCapture::descriptor()->file(),
        v1::MedicationOrder::descriptor()->file(), v1::Message::descriptor()->file(),
        v1::Appointment::descriptor()->file(), v1::Notification::descriptor()->file()}) {
    for (int i = 0; i < file->service_count(); ++i) definition.services.push_back(file->service(i));
  }
  definition.add_handlers = [](service::Backend& backend) {
    AddPatients(backend);
    AddTrials(backend);
    AddCaptures(backend);
    AddCaptureExport(backend);
    AddMedication(backend);
    AddMessaging(backend);
    AddScheduling(backend);
    AddNotifications(backend);
  };
  return definition;
}

}  // namespace trialog::trials
