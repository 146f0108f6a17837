#include "services/trials/domain/access_clinical.h"

#include <algorithm>
#include <set>

#include "services/trials/domain/care_relation.h"
#include "services/trials/domain/checks.h"
#include "services/trials/domain/tables_clinical.h"
#include "trialog/trials/v1/data_capture.pb.h"
#include "trialog/trials/v1/enrollment.pb.h"
#include "trialog/trials/v1/patient.pb.h"
#include "trialog/trials/v1/researcher.pb.h"

namespace trialog::trials {
namespace {

bool HasAnyOf(const Principal& principal, std::initializer_list<Role> roles) {
  return std::any_of(roles.begin(), roles.end(), [&](Role role) { return principal.HasAnywhere(role); });
}

bool HasOneFor(const Principal& principal, std::initializer_list<Role> roles, std::string_view resource) {
  return std::any_of(roles.begin(), roles.end(), [&](Role role) { return principal.Has(role, resource); });
}

// Any site may take part in a trial; who was granted a role for one trial works for that one.
bool WorksForOrAtASite(const Principal& principal, std::initializer_list<Role> roles, std::string_view trial) {
  if (HasOneFor(principal, roles, trial)) return true;
  return std::any_of(principal.grants.begin(), principal.grants.end(), [&](const Grant& grant) {
    return NameMatches(kSitePattern, grant.scope) && std::find(roles.begin(), roles.end(), grant.role) != roles.end();
  });
}

// A candidate has not consented to be told about the trial.
bool TakesPartIn(const Principal& principal, const view::State& state, std::string_view trial) {
  const std::string patient = OwnPatient(principal, state);
  if (patient.empty()) return false;
  const auto name = state.Lookup(kSubjectByPatientInTrial, InTrial(trial, patient));
  if (!name) return false;
  const auto subject = state.Get<v1::Subject>(kSubjects, *name);
  return subject && subject->state() != v1::SUBJECT_STATE_CANDIDATE;
}

// Data of a site is seen by the site; by the sponsor's people for the trials or sites they were granted.
bool MaySeeSubjectData(const Principal& principal, const view::State& state, std::string_view trial,
                       std::string_view patient) {
  if (HasOneFor(principal, {ROLE_DATA_MANAGER, ROLE_MONITOR}, trial)) return true;
  const CareRelation relation = RelationInTrial(principal, state, patient, trial);
  if (relation.self || relation.Staff() || RunsTrial(principal, state, trial)) return true;
  const auto profile = state.Get<v1::Patient>(kPatients, patient);
  return profile && !profile->primary_clinic().empty() &&
         HasOneFor(principal, {ROLE_DATA_MANAGER, ROLE_MONITOR}, profile->primary_clinic());
}

// Researchers know their participants by subject, not by name.
bool MaySeePatient(const Principal& principal, const view::State& state, std::string_view name) {
  const CareRelation relation = RelationTo(principal, state, name);
  return relation.self || relation.Staff();
}

bool MaySeeResearcher(const Principal& principal, const view::State& state, const v1::Researcher& researcher) {
  if (researcher.user() == principal.user()) return true;
  if (HasAnyOf(principal, {ROLE_TRIAL_RESEARCHER, ROLE_DATA_MANAGER, ROLE_COORDINATOR, ROLE_INVESTIGATOR, ROLE_MONITOR,
                           ROLE_PROVIDER})) {
    return true;
  }
  const std::string patient = OwnPatient(principal, state);
  if (patient.empty()) return false;
  bool runs_own_trial = false;
  ForEach(state, kSubjectsByPatient, view::GroupPrefix(patient), [&](std::string_view subject) {
    const auto trial = state.Get<v1::Trial>(kTrials, ParentOf(subject));
    runs_own_trial = trial && std::find(trial->researchers().begin(), trial->researchers().end(), researcher.user()) !=
                                  trial->researchers().end();
    return !runs_own_trial;
  });
  return runs_own_trial;
}

bool MaySeeTrial(const Principal& principal, const view::State& state, std::string_view name, const view::Row& row) {
  if (MaySeeWholeTrial(principal, state, name, row)) return true;
  const auto now = state.Get<v1::Trial>(kTrials, name);
  return principal.HasAnywhere(ROLE_PARTICIPANT) && row.As<v1::Trial>().state() == v1::TRIAL_STATE_ACTIVE && now &&
         now->state() == v1::TRIAL_STATE_ACTIVE;
}

}  // namespace

bool MaySeeTrialEvents(const Principal& principal, const view::State& state, std::string_view trial) {
  return RunsTrial(principal, state, trial) || TakesPartIn(principal, state, trial);
}

bool MayListSubjectsOf(const Principal& principal, const view::State& state, std::string_view trial) {
  return MaySeeTrialEvents(principal, state, trial) ||
         WorksForOrAtASite(
             principal, {ROLE_DATA_MANAGER, ROLE_COORDINATOR, ROLE_INVESTIGATOR, ROLE_MONITOR, ROLE_PROVIDER}, trial);
}

bool MaySeeWholeTrial(const Principal& principal, const view::State& state, std::string_view name,
                      const view::Row& row) {
  if (principal.organization.empty() || principal.organization != OrganizationOf(name)) return false;
  if (RunsTrial(principal, state, name)) return true;
  switch (row.As<v1::Trial>().state()) {
    case v1::TRIAL_STATE_DRAFT:
      return principal.Has(ROLE_DATA_MANAGER, name);
    case v1::TRIAL_STATE_IN_REVIEW:
      return HasOneFor(principal, {ROLE_TRIAL_RESEARCHER, ROLE_DATA_MANAGER}, name);
    default:
      // Sites are told of every trial of the organization from its approval on.
      return HasOneFor(principal, {ROLE_TRIAL_RESEARCHER, ROLE_DATA_MANAGER, ROLE_DATA_CUSTODIAN}, name) ||
             WorksForOrAtASite(principal, {ROLE_COORDINATOR, ROLE_INVESTIGATOR, ROLE_MONITOR, ROLE_PROVIDER}, name);
  }
}

bool MaySeeClinical(const Principal& principal, const view::State& state, const view::Table& table,
                    std::string_view name, const view::Row& row) {
  if (principal.organization.empty() || principal.organization != OrganizationOf(name)) return false;
  if (!row.resource) return false;
  if (table.id == kPatients.id) return MaySeePatient(principal, state, name);
  if (table.id == kResearchers.id) return MaySeeResearcher(principal, state, row.As<v1::Researcher>());
  if (table.id == kTrials.id) return MaySeeTrial(principal, state, name, row);
  if (table.id == kTrialEvents.id) return MaySeeTrialEvents(principal, state, ParentOf(name));
  if (table.id == kTrialEventAcknowledgments.id) {
    return RelationTo(principal, state, row.As<v1::TrialEventAcknowledgment>().patient()).self ||
           RunsTrial(principal, state, ParentOf(ParentOf(name)));
  }
  if (table.id == kSubjects.id) {
    return MaySeeSubjectData(principal, state, ParentOf(name), row.As<v1::Subject>().patient());
  }
  if (table.id == kDataCaptures.id) {
    return MaySeeSubjectData(principal, state, ParentOf(name), row.As<v1::DataCapture>().patient());
  }
  return false;
}

v1::Trial ParticipantView(const v1::Trial& trial) {
  v1::Trial view;
  view.set_name(trial.name());
  view.set_uid(trial.uid());
  view.set_title(trial.title());
  view.set_description(trial.description());
  view.set_state(trial.state());
  if (trial.has_start_date()) *view.mutable_start_date() = trial.start_date();
  if (trial.has_end_date()) *view.mutable_end_date() = trial.end_date();
  return view;
}

bool MayExportCoded(const Principal& principal, const view::State& state, std::string_view trial) {
  if (principal.organization.empty() || principal.organization != OrganizationOf(trial)) return false;
  if (!state.Find(kTrials, trial)) return false;
  return principal.internal || principal.Has(ROLE_DATA_CUSTODIAN, trial);
}

std::vector<std::string> NamedByPatient(std::string_view name, const view::Row& row) {
  const auto& patient = row.As<v1::Patient>();
  std::set<std::string> named = {patient.user().empty() ? std::string(name) : patient.user(), patient.primary_clinic()};
  for (const auto& provider : patient.providers()) named.insert({provider.user(), provider.site()});
  return {named.begin(), named.end()};
}

std::vector<std::string> NamedByTrial(std::string_view, const view::Row& row) {
  const auto& researchers = row.As<v1::Trial>().researchers();
  return {researchers.begin(), researchers.end()};
}

std::string OwnPatient(const Principal& principal, const view::State& state) {
  std::string name;
  if (!principal.user().empty()) name = state.Lookup(kPatientByUser, principal.user()).value_or("");
  if (name.empty()) name = principal.patient;
  return !name.empty() && RelationTo(principal, state, name).self ? name : "";
}

std::string OwnResearcher(const Principal& principal, const view::State& state) {
  if (principal.user().empty()) return "";
  return state.Lookup(kResearcherByUser, principal.user()).value_or("");
}

}  // namespace trialog::trials
