#include "services/trials/domain/patient.h"

#include <algorithm>
#include <utility>

#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/trials/domain/care_relation.h"
#include "services/trials/domain/checks.h"
#include "services/trials/domain/etag.h"
#include "services/trials/domain/tables_clinical.h"

namespace trialog::trials {
namespace {

using event::v1::SealedPart;

// A patient is cared for by a team, not a crowd.
constexpr int kMaxProviders = 100;

bool MayCreateAs(const Context& context, Role role, const v1::CreatePatientRequest& request) {
  const std::string& clinic = request.patient().primary_clinic();
  return context.principal.Has(role, request.parent()) || (!clinic.empty() && context.principal.Has(role, clinic));
}

absl::Status CheckPersonal(const SealedPart& sealed) {
  std::vector<FieldViolation> missing;
  if (!HasPersonal(sealed, v1::Patient::kMedicalRecordNumberFieldNumber) || LookupMac(sealed, kMrnLookup).empty()) {
    missing.push_back({"patient.medical_record_number", "is required"});
  }
  if (!HasPersonal(sealed, v1::Patient::kDisplayNameFieldNumber)) {
    missing.push_back({"patient.display_name", "is required"});
  }
  return missing.empty() ? absl::OkStatus() : BadFields("REQUIRED", missing);
}

// Decided in the partition of the organization, so that it holds under any race. `name` may keep what it has.
absl::Status CheckUnique(const view::State& state, std::string_view name, std::string_view mac, std::string_view user) {
  if (!mac.empty()) {
    const auto holder = state.Lookup(kPatientByMrn, MrnKey(ParentOf(name), mac));
    if (holder && *holder != name) {
      return Refuse(absl::StatusCode::kAlreadyExists, "MRN_TAKEN",
                    "another patient has this medical record number; check the number");
    }
  }
  if (!user.empty()) {
    const auto holder = state.Lookup(kPatientByUser, user);
    if (holder && *holder != name) {
      return Refuse(absl::StatusCode::kAlreadyExists, "USER_TAKEN",
                    "this account belongs to another patient; check the account");
    }
  }
  return absl::OkStatus();
}

// The patient as staff may change it; NOT_FOUND to those who may not see it.
absl::StatusOr<view::RowPtr> FindForStaff(const view::State& state, const Context& context, std::string_view name) {
  const CareRelation relation = RelationTo(context.principal, state, name);
  view::RowPtr row = state.Find(kPatients, name);
  if (!relation.Any()) return NotVisible(row != nullptr, "patient");
  if (!relation.Staff()) return Denied("NOT_STAFF", "only those who care for the patient may do this");
  return row;
}

}  // namespace

absl::StatusOr<Decision> CreatePatient(const view::State& state, const Context& context,
                                       const v1::CreatePatientRequest& request, const SealedPart& sealed) {
  const v1::Patient& asked = request.patient();
  TRIALOG_RETURN_IF_ERROR(
      CheckReference("parent", request.parent(), "organizations/*", context.principal.organization));
  TRIALOG_RETURN_IF_ERROR(
      CheckReference("patient.user", asked.user(), kUserPattern, context.principal.organization, true));
  TRIALOG_RETURN_IF_ERROR(CheckReference("patient.primary_clinic", asked.primary_clinic(), kSitePattern,
                                         context.principal.organization, true));
  const bool by_site =
      MayCreateAs(context, ROLE_COORDINATOR, request) || MayCreateAs(context, ROLE_INVESTIGATOR, request);
  const bool by_provider = MayCreateAs(context, ROLE_PROVIDER, request);
  if (!by_site && !by_provider) {
    return Denied("NOT_IN_SCOPE", "create patients of the organization or clinic that you were granted");
  }
  TRIALOG_RETURN_IF_ERROR(CheckPersonal(sealed));

  auto name = NewName(kPatients, request.parent(), "patients", request.patient_id(), "patient_id", context);
  if (!name.ok()) return name.status();
  if (state.Find(kPatients, *name)) {
    return Refuse(absl::StatusCode::kAlreadyExists, "PATIENT_EXISTS", "choose another patient_id");
  }
  TRIALOG_RETURN_IF_ERROR(CheckUnique(state, *name, LookupMac(sealed, kMrnLookup), asked.user()));

  v1::PatientCreated created;
  v1::Patient& patient = *created.mutable_patient();
  patient.set_name(*name);
  patient.set_uid(std::string(IdOf(*name)));
  patient.set_user(asked.user());
  patient.set_primary_clinic(asked.primary_clinic());
  patient.set_active(true);
  if (by_provider && !by_site) {
    patient.add_providers()->set_user(context.principal.user());
    patient.mutable_providers(0)->set_site(asked.primary_clinic());
  }
  *created.mutable_sealed() = sealed;

  Decision decision = Answering(*name);
  Emit(decision, *name, &v1::TrialsEvent::mutable_patient_created, std::move(created));
  return decision;
}

absl::StatusOr<Decision> UpdatePatient(const view::State& state, const Context& context,
                                       const v1::UpdatePatientRequest& request, const SealedPart& sealed) {
  const v1::Patient& asked = request.patient();
  const std::string& name = asked.name();
  const CareRelation relation = RelationTo(context.principal, state, name);
  const view::RowPtr row = state.Find(kPatients, name);
  if (!relation.Any()) return NotVisible(row != nullptr, "patient");
  if (relation.Staff()) {
    TRIALOG_RETURN_IF_ERROR(
        CheckMask(request.update_mask(), {"user", "medical_record_number", "display_name", "date_of_birth", "contact",
                                          "preferences", "attributes", "trial_details", "primary_clinic", "active"}));
  } else if (relation.self) {
    TRIALOG_RETURN_IF_ERROR(CheckMask(request.update_mask(), {"contact", "preferences"}));
  } else {
    return Denied("NOT_STAFF", "only the patient and those who care for the patient may do this");
  }
  TRIALOG_RETURN_IF_ERROR(RequireEtag(name, *row, asked.etag(), "patient.etag"));
  TRIALOG_RETURN_IF_ERROR(
      CheckReference("patient.user", asked.user(), kUserPattern, context.principal.organization, true));
  TRIALOG_RETURN_IF_ERROR(CheckReference("patient.primary_clinic", asked.primary_clinic(), kSitePattern,
                                         context.principal.organization, true));

  const bool new_mrn = InMask(request.update_mask(), "medical_record_number");
  v1::PatientUpdated updated;
  *updated.mutable_sealed() = SealedChange(sealed, *v1::Patient::descriptor(), request.update_mask(), new_mrn);
  TRIALOG_RETURN_IF_ERROR(CheckPersonal(MergeSealed(row->sealed, updated.sealed())));
  if (new_mrn && LookupMac(updated.sealed(), kMrnLookup).empty()) {
    return BadField("patient.medical_record_number", "REQUIRED", "is required");
  }
  TRIALOG_RETURN_IF_ERROR(
      CheckUnique(state, name, new_mrn ? LookupMac(updated.sealed(), kMrnLookup) : std::string_view(),
                  InMask(request.update_mask(), "user") ? std::string_view(asked.user()) : std::string_view()));

  *updated.mutable_paths() = request.update_mask().paths();
  CopyFields(asked, *updated.mutable_patient(), updated.paths());
  ClearPersonal(*updated.mutable_patient());
  updated.mutable_patient()->set_name(name);
  Decision decision = Answering(name);
  Emit(decision, name, &v1::TrialsEvent::mutable_patient_updated, std::move(updated));
  return decision;
}

absl::StatusOr<Decision> AssignProvider(const view::State& state, const Context& context,
                                        const v1::AssignProviderRequest& request, const SealedPart&) {
  auto row = FindForStaff(state, context, request.name());
  if (!row.ok()) return row.status();
  TRIALOG_RETURN_IF_ERROR(CheckEtag(request.name(), **row, request.etag()));
  TRIALOG_RETURN_IF_ERROR(
      CheckReference("provider.user", request.provider().user(), kUserPattern, context.principal.organization));
  TRIALOG_RETURN_IF_ERROR(
      CheckReference("provider.site", request.provider().site(), kSitePattern, context.principal.organization, true));

  Decision decision = Answering(request.name());
  const auto& providers = (*row)->As<v1::Patient>().providers();
  const auto held = std::find_if(providers.begin(), providers.end(),
                                 [&](const auto& provider) { return provider.user() == request.provider().user(); });
  if (held != providers.end() && held->site() == request.provider().site()) return decision;
  if (held == providers.end() && providers.size() >= kMaxProviders) {
    return BrokenRule("TOO_MANY_PROVIDERS", request.name(), "unassign a provider who no longer cares for the patient");
  }
  v1::ProviderAssigned assigned;
  assigned.set_patient(request.name());
  *assigned.mutable_provider() = request.provider();
  Emit(decision, request.name(), &v1::TrialsEvent::mutable_provider_assigned, std::move(assigned));
  return decision;
}

absl::StatusOr<Decision> UnassignProvider(const view::State& state, const Context& context,
                                          const v1::UnassignProviderRequest& request, const SealedPart&) {
  auto row = FindForStaff(state, context, request.name());
  if (!row.ok()) return row.status();
  TRIALOG_RETURN_IF_ERROR(CheckEtag(request.name(), **row, request.etag()));
  TRIALOG_RETURN_IF_ERROR(CheckReference("user", request.user(), kUserPattern, context.principal.organization));

  Decision decision = Answering(request.name());
  const auto& providers = (*row)->As<v1::Patient>().providers();
  if (std::none_of(providers.begin(), providers.end(),
                   [&](const auto& provider) { return provider.user() == request.user(); })) {
    return decision;
  }
  v1::ProviderUnassigned unassigned;
  unassigned.set_patient(request.name());
  unassigned.set_user(request.user());
  Emit(decision, request.name(), &v1::TrialsEvent::mutable_provider_unassigned, std::move(unassigned));
  return decision;
}

}  // namespace trialog::trials
