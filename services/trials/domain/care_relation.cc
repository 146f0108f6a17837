#include "services/trials/domain/care_relation.h"

#include <algorithm>
#include <string>
#include <vector>

#include "services/trials/domain/tables_clinical.h"
#include "trialog/trials/v1/enrollment.pb.h"
#include "trialog/trials/v1/patient.pb.h"

namespace trialog::trials {
namespace {

// The account named in the record decides; the account's own link counts only while the record names none.
bool IsSelf(const Principal& principal, const v1::Patient& patient, std::string_view name) {
  if (principal.user().empty() || !principal.HasAnywhere(ROLE_PARTICIPANT)) return false;
  return patient.user().empty() ? principal.patient == name : patient.user() == principal.user();
}

bool CoversSite(const Principal& principal, Role role, const v1::Patient& patient, std::string_view name) {
  if (principal.Has(role, name)) return true;
  if (!patient.primary_clinic().empty() && principal.Has(role, patient.primary_clinic())) return true;
  return std::any_of(patient.providers().begin(), patient.providers().end(), [&](const auto& provider) {
    return !provider.site().empty() && principal.Has(role, provider.site());
  });
}

// `trials`: those of the patient's trials that count.
CareRelation Relate(const Principal& principal, const view::State& state, std::string_view name,
                    const std::vector<std::string>& trials) {
  CareRelation relation;
  if (principal.organization.empty() || principal.organization != OrganizationOf(name)) return relation;
  const auto patient = state.Get<v1::Patient>(kPatients, name);
  if (!patient) return relation;

  relation.self = IsSelf(principal, *patient, name);
  bool scope_of_provider = CoversSite(principal, ROLE_PROVIDER, *patient, name);
  relation.coordinator = CoversSite(principal, ROLE_COORDINATOR, *patient, name);
  relation.investigator = CoversSite(principal, ROLE_INVESTIGATOR, *patient, name);
  for (const std::string& trial : trials) {
    scope_of_provider = scope_of_provider || principal.Has(ROLE_PROVIDER, trial);
    relation.coordinator = relation.coordinator || principal.Has(ROLE_COORDINATOR, trial);
    relation.investigator = relation.investigator || principal.Has(ROLE_INVESTIGATOR, trial);
    relation.researcher = relation.researcher || RunsTrial(principal, state, trial);
  }
  const bool assigned = std::any_of(patient->providers().begin(), patient->providers().end(),
                                    [&](const auto& provider) { return provider.user() == principal.user(); });
  relation.provider = scope_of_provider && assigned && !principal.user().empty();
  return relation;
}

}  // namespace

CareRelation RelationTo(const Principal& principal, const view::State& state, std::string_view name) {
  std::vector<std::string> trials;
  ForEach(state, kSubjectsByPatient, view::GroupPrefix(name), [&](std::string_view subject) {
    trials.emplace_back(ParentOf(subject));
    return true;
  });
  return Relate(principal, state, name, trials);
}

CareRelation RelationInTrial(const Principal& principal, const view::State& state, std::string_view name,
                             std::string_view trial) {
  std::vector<std::string> trials;
  if (state.Lookup(kSubjectByPatientInTrial, InTrial(trial, name))) trials.emplace_back(trial);
  return Relate(principal, state, name, trials);
}

bool RunsTrial(const Principal& principal, const view::State& state, std::string_view name) {
  if (principal.organization.empty() || principal.organization != OrganizationOf(name)) return false;
  if (!principal.Has(ROLE_TRIAL_RESEARCHER, name)) return false;
  const auto trial = state.Get<v1::Trial>(kTrials, name);
  if (!trial) return false;
  if (std::find(trial->researchers().begin(), trial->researchers().end(), principal.user()) !=
      trial->researchers().end()) {
    return true;
  }
  return std::any_of(principal.grants.begin(), principal.grants.end(),
                     [&](const Grant& grant) { return grant.role == ROLE_TRIAL_RESEARCHER && grant.scope == name; });
}

}  // namespace trialog::trials
