// Tables and indexes of patients, researchers, trials, subjects and data captures. Table ids 1–49 and index ids 1–99
// are theirs, and are part of the stored format: never renumber.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "google/protobuf/timestamp.pb.h"
#include "platform/view/state.h"

namespace trialog::trials {

extern const view::Table kPatients;
extern const view::Table kResearchers;
extern const view::Table kTrials;
extern const view::Table kTrialEvents;
extern const view::Table kTrialEventAcknowledgments;
extern const view::Table kSubjects;
extern const view::Table kDataCaptures;

// Every table above, for the domain's list.
const std::vector<const view::Table*>& ClinicalTables();

// The look-up key of Patient.medical_record_number in its SealedPart.
inline constexpr std::string_view kMrnLookup = "mrn";

// Patients of an organization; key: its name.
inline constexpr view::Index kPatientsByOrganization{1, "patients_by_organization"};
// Patients a clinician is assigned to; key: the user's name.
inline constexpr view::Index kPatientsByProvider{2, "patients_by_provider"};
// Unique; key: MrnKey.
inline constexpr view::Index kPatientByMrn{3, "patient_by_mrn"};
// Unique; key: the user's name.
inline constexpr view::Index kPatientByUser{4, "patient_by_user"};
// Researchers of an organization; key: its name.
inline constexpr view::Index kResearchersByOrganization{5, "researchers_by_organization"};
// Unique; key: the user's name.
inline constexpr view::Index kResearcherByUser{6, "researcher_by_user"};
// Trials of an organization; key: its name.
inline constexpr view::Index kTrialsByOrganization{7, "trials_by_organization"};
// Trials of an organization in a state; key: TrialStateKey.
inline constexpr view::Index kTrialsByState{8, "trials_by_state"};
// Trials that a researcher runs; key: the user's name.
inline constexpr view::Index kTrialsByResearcher{9, "trials_by_researcher"};
// Subjects of a trial; key: its name.
inline constexpr view::Index kSubjectsByTrial{10, "subjects_by_trial"};
// Subjects that a patient is; key: the patient's name.
inline constexpr view::Index kSubjectsByPatient{11, "subjects_by_patient"};
// Unique; key: InTrial(trial, subject key).
inline constexpr view::Index kSubjectByKey{12, "subject_by_key"};
// Unique; key: InTrial(trial, patient's name).
inline constexpr view::Index kSubjectByPatientInTrial{13, "subject_by_patient_in_trial"};
// The following are newest first under their first part: scan GroupPrefix(name of patient, trial, …); key: NewestFirst.
inline constexpr view::Index kCapturesByPatient{14, "captures_by_patient"};
inline constexpr view::Index kCapturesByTrial{15, "captures_by_trial"};
inline constexpr view::Index kCapturesBySubject{16, "captures_by_subject"};
inline constexpr view::Index kCapturesByOrganization{17, "captures_by_organization"};
inline constexpr view::Index kTrialEventsByTrial{18, "trial_events_by_trial"};
// Acknowledgments of a trial event; key: its name.
inline constexpr view::Index kAcknowledgmentsByTrialEvent{19, "acknowledgments_by_trial_event"};

// Keys of the indexes above.
std::string MrnKey(std::string_view organization_name, std::string_view mac);
std::string TrialStateKey(std::string_view organization_name, int state);
std::string InTrial(std::string_view trial, std::string_view what);
// The row of kTrialEventAcknowledgments of one participant.
std::string AcknowledgmentName(std::string_view trial_event, std::string_view patient);
std::string NewestFirst(std::string_view group, const google::protobuf::Timestamp& time);

// Calls `visit(name)` for each row under `prefix` in key order, however many there are, until it returns false.
template <typename Visit>
void ForEach(const view::State& state, const view::Index& index, std::string_view prefix, Visit visit) {
  constexpr size_t kBatch = 256;
  std::string after;
  for (;;) {
    const auto found = state.Scan(index, prefix, kBatch, after);
    for (const view::Found& entry : found) {
      if (!visit(entry.name)) return;
    }
    if (found.size() < kBatch) return;
    after = found.back().key;
  }
}

}  // namespace trialog::trials
