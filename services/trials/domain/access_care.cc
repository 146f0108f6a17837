#include "services/trials/domain/access_care.h"

#include <algorithm>

#include "platform/errors/errors.h"
#include "services/trials/domain/care_relation.h"
#include "services/trials/domain/etag.h"
#include "services/trials/domain/tables_care.h"
#include "services/trials/domain/tables_clinical.h"
#include "trialog/trials/v1/enrollment.pb.h"
#include "trialog/trials/v1/messaging.pb.h"
#include "trialog/trials/v1/patient.pb.h"
#include "trialog/trials/v1/scheduling.pb.h"
#include "trialog/trials/v1/trial.pb.h"

namespace trialog::trials {
namespace {

template <typename Range>
bool Contains(const Range& range, std::string_view value) {
  return std::find(range.begin(), range.end(), value) != range.end();
}

bool MaySeeMedication(const Principal& principal, const view::State& state, const view::Table& table,
                      std::string_view name, const view::Row& row) {
  const CareRelation relation = RelationTo(principal, state, ParentOf(name));
  return relation.provider || (relation.self && IsShownToPatient(table, row));
}

bool MaySeeThread(const Principal& principal, const view::State& state, std::string_view name) {
  const auto thread = state.Get<v1::Thread>(kThreads, name);
  if (!thread || !Contains(thread->members(), principal.user())) return false;
  if (thread->patient().empty()) return true;
  const CareRelation relation = RelationTo(principal, state, thread->patient());
  return relation.self || relation.provider || relation.researcher;
}

bool MaySeeAppointment(const Principal& principal, const view::State& state, const view::Row& row) {
  const CareRelation relation = RelationTo(principal, state, row.As<v1::Appointment>().patient());
  return relation.self || relation.Staff();
}

// `patient` is one that the caller may know of, and `allowed`.
absl::Status Require(const view::State& state, std::string_view patient, const CareRelation& relation, bool allowed,
                     std::string_view reason, std::string_view message) {
  if (!relation.Any()) return NotVisible(state.Find(kPatients, patient) != nullptr, "patient");
  return allowed ? absl::OkStatus() : Denied(reason, message);
}

}  // namespace

bool MaySeeCare(const Principal& principal, const view::State& state, const view::Table& table, std::string_view name,
                const view::Row& row) {
  if (principal.organization.empty() || principal.organization != OrganizationOf(name)) return false;
  if (principal.user().empty()) return false;
  if (&table == &kMedicationOrders || &table == &kMedicationDistributions || &table == &kAdherenceLogs ||
      &table == &kProtocolAdherences) {
    return MaySeeMedication(principal, state, table, name, row);
  }
  if (&table == &kThreads) return MaySeeThread(principal, state, name);
  if (&table == &kMessages) return MaySeeThread(principal, state, ParentOf(name));
  if (&table == &kAppointments) return MaySeeAppointment(principal, state, row);
  if (&table == &kNotifications) return MayListNoticesOf(principal, ParentOf(name));
  if (&table == &kNotificationPreferences) return name.substr(0, name.rfind('/')) == principal.user();
  return false;
}

bool MayListMedicationOf(const Principal& principal, const view::State& state, std::string_view patient) {
  const CareRelation relation = RelationTo(principal, state, patient);
  return relation.provider || relation.self;
}

bool MayListNoticesOf(const Principal& principal, std::string_view user) {
  return user == principal.user() || principal.Has(ROLE_NOTIFIER, user);
}

bool IsShownToPatient(const view::Table& table, const view::Row& row) {
  if (&table == &kMedicationOrders) {
    const auto state = row.As<v1::MedicationOrder>().state();
    return state != v1::MedicationOrder::STATE_DRAFT && state != v1::MedicationOrder::STATE_CANCELLED;
  }
  if (&table == &kMedicationDistributions) {
    const auto state = row.As<v1::MedicationDistribution>().state();
    return state != v1::MedicationDistribution::STATE_PREPARED && state != v1::MedicationDistribution::STATE_CANCELLED;
  }
  return true;
}

bool MayWriteToPatient(const view::State& state, std::string_view user, std::string_view patient) {
  const auto row = state.Get<v1::Patient>(kPatients, patient);
  if (!row || user.empty()) return false;
  const bool assigned = std::any_of(row->providers().begin(), row->providers().end(),
                                    [&](const auto& provider) { return provider.user() == user; });
  if (assigned) return true;
  bool researches = false;
  ForEach(state, kSubjectsByPatient, view::GroupPrefix(patient), [&](std::string_view subject) {
    const auto trial = state.Get<v1::Trial>(kTrials, ParentOf(subject));
    researches = trial && Contains(trial->researchers(), user);
    return !researches;
  });
  return researches;
}

absl::StatusOr<view::RowPtr> FindForCommand(const view::State& state, const Principal& principal,
                                            const view::Table& table, std::string_view name, std::string_view what,
                                            std::string_view etag) {
  view::RowPtr row = state.Find(table, name);
  if (!row || !MaySeeCare(principal, state, table, name, *row)) return NotVisible(row != nullptr, what);
  if (auto status = CheckEtag(name, *row, etag); !status.ok()) return status;
  return row;
}

absl::Status RequireProvider(const view::State& state, const Principal& principal, std::string_view patient) {
  const CareRelation relation = RelationTo(principal, state, patient);
  return Require(state, patient, relation, relation.provider, "NOT_ASSIGNED_PROVIDER",
                 "only a provider who is assigned to the patient may do this");
}

absl::Status RequireSelf(const view::State& state, const Principal& principal, std::string_view patient) {
  const CareRelation relation = RelationTo(principal, state, patient);
  return Require(state, patient, relation, relation.self, "NOT_THE_PATIENT", "only the patient may do this");
}

absl::Status RequireSelfOrProvider(const view::State& state, const Principal& principal, std::string_view patient) {
  const CareRelation relation = RelationTo(principal, state, patient);
  return Require(state, patient, relation, relation.self || relation.provider, "NOT_PATIENT_OR_PROVIDER",
                 "only the patient or an assigned provider may do this");
}

absl::Status RequireStaff(const view::State& state, const Principal& principal, std::string_view patient) {
  const CareRelation relation = RelationTo(principal, state, patient);
  return Require(state, patient, relation, relation.Staff(), "NOT_CARE_STAFF",
                 "only an assigned provider or the site's coordinator or investigator may do this");
}

}  // namespace trialog::trials
