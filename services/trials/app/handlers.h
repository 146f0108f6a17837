// The handlers of each area of the trials service, and the small parts that they share. Internal to this folder.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "platform/errors/errors.h"
#include "platform/service/backend.h"
#include "platform/text/text.h"

namespace trialog::trials {

// Each registers every method of its services.
void AddPatients(service::Backend& backend);       // PatientService, ResearcherService
void AddTrials(service::Backend& backend);         // TrialService, EnrollmentService
void AddCaptures(service::Backend& backend);       // DataCaptureService without the export
void AddCaptureExport(service::Backend& backend);  // DataCaptureService/ExportCodedCaptures
void AddMedication(service::Backend& backend);     // MedicationService
void AddMessaging(service::Backend& backend);      // MessagingService
void AddScheduling(service::Backend& backend);     // SchedulingService
void AddNotifications(service::Backend& backend);  // NotificationService

// Lists the children of the parent that the table's names ask for, in the order of an index that is grouped by it.
template <const view::Table& table, const view::Index& index>
absl::StatusOr<service::ListSource> ByParent(const Principal&, std::string_view parent,
                                             const google::protobuf::Message&) {
  if (!NameMatches(ParentOf(table.pattern), parent)) {
    return BadField("parent", "BAD_NAME", Cat("must have the form ", ParentOf(table.pattern)));
  }
  return service::ListSource{&index, view::GroupPrefix(parent)};
}

// INVALID_ARGUMENT unless `parent` is one of the table's parents or, with "-" as its id, stands for all of them.
absl::Status CheckParentOrAll(const view::Table& table, std::string_view parent);

// The patient that the caller is, when the caller is nothing else: such lists are short among many. Else empty.
std::string OnlyOwnPatient(const Principal& principal);

// `aim`, without the personal fields when they would be sealed for a patient that is not there: the decision says so.
service::Aim OfStandingPatient(service::Backend& backend, service::Aim aim);

// Puts each record into the answer's field of its type.
void PutByType(const std::vector<std::shared_ptr<google::protobuf::Message>>& records,
               google::protobuf::Message& response);

}  // namespace trialog::trials
