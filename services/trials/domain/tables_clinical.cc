#include "services/trials/domain/tables_clinical.h"

#include "platform/command/decision.h"
#include "platform/text/text.h"
#include "trialog/trials/v1/data_capture.pb.h"
#include "trialog/trials/v1/enrollment.pb.h"
#include "trialog/trials/v1/patient.pb.h"
#include "trialog/trials/v1/researcher.pb.h"
#include "trialog/trials/v1/trial.pb.h"

namespace trialog::trials {
namespace {

void IndexPatient(const view::Row& row, std::string_view name, view::IndexSink& sink) {
  const auto& patient = row.As<v1::Patient>();
  sink.Add(kPatientsByOrganization, ParentOf(name));
  for (const auto& provider : patient.providers()) sink.Add(kPatientsByProvider, provider.user());
  for (const auto& key : row.sealed.keys()) {
    if (key.index() == kMrnLookup) sink.AddUnique(kPatientByMrn, MrnKey(ParentOf(name), key.mac()));
  }
  if (!patient.user().empty()) sink.AddUnique(kPatientByUser, patient.user());
}

void IndexResearcher(const view::Row& row, std::string_view name, view::IndexSink& sink) {
  sink.Add(kResearchersByOrganization, ParentOf(name));
  sink.AddUnique(kResearcherByUser, row.As<v1::Researcher>().user());
}

void IndexTrial(const view::Row& row, std::string_view name, view::IndexSink& sink) {
  const auto& trial = row.As<v1::Trial>();
  sink.Add(kTrialsByOrganization, ParentOf(name));
  sink.Add(kTrialsByState, TrialStateKey(ParentOf(name), trial.state()));
  for (const std::string& user : trial.researchers()) sink.Add(kTrialsByResearcher, user);
}

void IndexTrialEvent(const view::Row& row, std::string_view name, view::IndexSink& sink) {
  sink.Add(kTrialEventsByTrial, NewestFirst(ParentOf(name), row.As<v1::TrialEvent>().publish_time()));
}

void IndexAcknowledgment(const view::Row&, std::string_view name, view::IndexSink& sink) {
  sink.Add(kAcknowledgmentsByTrialEvent, ParentOf(name));
}

void IndexSubject(const view::Row& row, std::string_view name, view::IndexSink& sink) {
  const auto& subject = row.As<v1::Subject>();
  sink.Add(kSubjectsByTrial, ParentOf(name));
  sink.Add(kSubjectsByPatient, subject.patient());
  sink.AddUnique(kSubjectByKey, InTrial(ParentOf(name), subject.subject_key()));
  sink.AddUnique(kSubjectByPatientInTrial, InTrial(ParentOf(name), subject.patient()));
}

void IndexDataCapture(const view::Row& row, std::string_view name, view::IndexSink& sink) {
  const auto& capture = row.As<v1::DataCapture>();
  sink.Add(kCapturesByPatient, NewestFirst(capture.patient(), capture.track_time()));
  sink.Add(kCapturesByTrial, NewestFirst(ParentOf(name), capture.track_time()));
  sink.Add(kCapturesBySubject, NewestFirst(capture.subject(), capture.track_time()));
  sink.Add(kCapturesByOrganization, NewestFirst(ParentOf(ParentOf(name)), capture.track_time()));
}

}  // namespace

const view::Table kPatients{1, "organizations/*/patients/*", &v1::Patient::default_instance(), IndexPatient};
const view::Table kResearchers{2, "organizations/*/researchers/*", &v1::Researcher::default_instance(),
                               IndexResearcher};
const view::Table kTrials{3, "organizations/*/trials/*", &v1::Trial::default_instance(), IndexTrial};
const view::Table kTrialEvents{4, "organizations/*/trials/*/trialEvents/*", &v1::TrialEvent::default_instance(),
                               IndexTrialEvent};
const view::Table kTrialEventAcknowledgments{5, "organizations/*/trials/*/trialEvents/*/acknowledgments/*",
                                             &v1::TrialEventAcknowledgment::default_instance(), IndexAcknowledgment};
const view::Table kSubjects{6, "organizations/*/trials/*/subjects/*", &v1::Subject::default_instance(), IndexSubject};
const view::Table kDataCaptures{7, "organizations/*/trials/*/dataCaptures/*", &v1::DataCapture::default_instance(),
                                IndexDataCapture};

const std::vector<const view::Table*>& ClinicalTables() {
  static const auto& tables = *new std::vector<const view::Table*>{
      &kPatients, &kResearchers, &kTrials, &kTrialEvents, &kTrialEventAcknowledgments, &kSubjects, &kDataCaptures};
  return tables;
}

std::string MrnKey(std::string_view organization_name, std::string_view mac) {
  return Cat(organization_name, '\0', mac);
}

std::string TrialStateKey(std::string_view organization_name, int state) { return Cat(organization_name, '\0', state); }

std::string InTrial(std::string_view trial, std::string_view what) { return Cat(trial, '\0', what); }

std::string AcknowledgmentName(std::string_view trial_event, std::string_view patient) {
  return Cat(trial_event, "/acknowledgments/", IdOf(patient));
}

std::string NewestFirst(std::string_view group, const google::protobuf::Timestamp& time) {
  return Cat(group, '\0', view::OrderedTimeDescending(time));
}

}  // namespace trialog::trials
