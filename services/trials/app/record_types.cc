#include "services/trials/app/record_types.h"

#include "platform/service/fields.h"
#include "services/trials/domain/access_care.h"
#include "services/trials/domain/access_clinical.h"
#include "services/trials/domain/tables_care.h"
#include "services/trials/domain/tables_clinical.h"
#include "trialog/trials/v1/trial.pb.h"

namespace trialog::trials {
namespace {

using google::protobuf::Message;
using service::ResourceType;

template <const view::Table& table>
bool MaySeeClinicalRow(const Principal& principal, const view::State& state, std::string_view name,
                       const view::Row& row) {
  return MaySeeClinical(principal, state, table, name, row);
}

template <const view::Table& table>
bool MaySeeCareRow(const Principal& principal, const view::State& state, std::string_view name, const view::Row& row) {
  return MaySeeCare(principal, state, table, name, row);
}

// Key subjects: erasing a person destroys one key, and with it all that is personal about that person.
std::string Itself(std::string_view name, const Message&) { return std::string(name); }
std::string ItsParent(std::string_view name, const Message&) { return std::string(ParentOf(name)); }
std::string ItsPatient(std::string_view, const Message& resource) { return service::StringField(resource, "patient"); }
std::string ItsUser(std::string_view, const Message& resource) { return service::StringField(resource, "user"); }
// A singleton below its user has no id of its own: organizations/{o}/users/{u}/notificationPreferences.
std::string UserOfPreferences(std::string_view name, const Message&) {
  return std::string(name.substr(0, name.rfind('/')));
}

bool MayListNotices(const Principal& principal, const view::State&, std::string_view user) {
  return MayListNoticesOf(principal, user);
}

void ShowTrial(const Principal& principal, const view::State& state, const view::Row& row, Message& resource) {
  auto& trial = static_cast<v1::Trial&>(resource);
  if (!MaySeeWholeTrial(principal, state, trial.name(), row)) trial = ParticipantView(trial);
}

void ShowTrialEvent(const Principal& principal, const view::State& state, const view::Row&, Message& resource) {
  auto& event = static_cast<v1::TrialEvent&>(resource);
  const std::string patient = OwnPatient(principal, state);
  event.set_acknowledged(!patient.empty() &&
                         state.Find(kTrialEventAcknowledgments, AcknowledgmentName(event.name(), patient)) != nullptr);
}

}  // namespace

const ResourceType kPatientType{.table = &kPatients,
                                .may_see = MaySeeClinicalRow<kPatients>,
                                .filters = {"user", "primary_clinic", "active"},
                                .key_subject = Itself,
                                .lookups = {{kMrnLookup, "medical_record_number"}},
                                .names_callers = NamedByPatient};
const ResourceType kResearcherType{.table = &kResearchers,
                                   .may_see = MaySeeClinicalRow<kResearchers>,
                                   .filters = {"user", "expertise", "institution"},
                                   .key_subject = ItsUser};
// Only what participants see too: a filter would tell them the rest.
const ResourceType kTrialType{.table = &kTrials,
                              .may_see = MaySeeClinicalRow<kTrials>,
                              .filters = {"title", "state"},
                              .key_subject = Itself,
                              .finish = ShowTrial,
                              .names_callers = NamedByTrial};
const ResourceType kTrialEventType{.table = &kTrialEvents,
                                   .may_see = MaySeeClinicalRow<kTrialEvents>,
                                   .may_list = MaySeeTrialEvents,
                                   .filters = {"trial", "publisher", "publish_time", "occur_time"},
                                   .key_subject = ItsParent,
                                   .finish = ShowTrialEvent};
const ResourceType kSubjectType{.table = &kSubjects,
                                .may_see = MaySeeClinicalRow<kSubjects>,
                                .may_list = MayListSubjectsOf,
                                .filters = {"patient", "subject_key", "state", "exit_time"},
                                .key_subject = ItsPatient};
const ResourceType kDataCaptureType{
    .table = &kDataCaptures,
    .may_see = MaySeeClinicalRow<kDataCaptures>,
    .may_list = MayListSubjectsOf,
    .filters = {"patient", "trial", "subject", "state", "version", "captured_by", "track_time", "finalize_time"},
    .key_subject = ItsPatient};
const ResourceType kMedicationOrderType{.table = &kMedicationOrders,
                                        .may_see = MaySeeCareRow<kMedicationOrders>,
                                        .may_list = MayListMedicationOf,
                                        .filters = {"patient", "medication_name", "state", "prescriber"},
                                        .key_subject = ItsParent};
const ResourceType kMedicationDistributionType{
    .table = &kMedicationDistributions,
    .may_see = MaySeeCareRow<kMedicationDistributions>,
    .may_list = MayListMedicationOf,
    .filters = {"patient", "medication_name", "state", "medication_order", "distributor"},
    .key_subject = ItsParent};
const ResourceType kAdherenceLogType{
    .table = &kAdherenceLogs,
    .may_see = MaySeeCareRow<kAdherenceLogs>,
    .may_list = MayListMedicationOf,
    .filters = {"patient", "distribution", "adherence_state", "track_time", "recorder"},
    .key_subject = ItsParent};
const ResourceType kProtocolAdherenceType{.table = &kProtocolAdherences,
                                          .may_see = MaySeeCareRow<kProtocolAdherences>,
                                          .may_list = MayListMedicationOf,
                                          .filters = {"patient", "protocol_id", "adherence_state", "track_time"},
                                          .key_subject = ItsParent};
const ResourceType kThreadType{
    .table = &kThreads, .may_see = MaySeeCareRow<kThreads>, .filters = {"patient", "context", "last_message_time"}};
const ResourceType kMessageType{.table = &kMessages,
                                .may_see = MaySeeCareRow<kMessages>,
                                .filters = {"sender", "patient", "context", "state", "read", "send_time"},
                                .key_subject = ItsParent};
const ResourceType kAppointmentType{.table = &kAppointments,
                                    .may_see = MaySeeCareRow<kAppointments>,
                                    .filters = {"patient", "provider", "state", "start_time", "end_time"},
                                    .key_subject = ItsPatient};
const ResourceType kNotificationType{.table = &kNotifications,
                                     .may_see = MaySeeCareRow<kNotifications>,
                                     .may_list = MayListNotices,
                                     .filters = {"kind", "resource", "thread", "acknowledge_time"}};
const ResourceType kPreferencesType{.table = &kNotificationPreferences,
                                    .may_see = MaySeeCareRow<kNotificationPreferences>,
                                    .key_subject = UserOfPreferences};

}  // namespace trialog::trials
