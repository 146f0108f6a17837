// Patients, who cares for them, and the profiles of researchers.
#include "services/trials/app/handlers.h"
#include "services/trials/app/record_types.h"
#include "services/trials/domain/access_clinical.h"
#include "services/trials/domain/patient.h"
#include "services/trials/domain/researcher.h"
#include "services/trials/domain/tables_clinical.h"

namespace trialog::trials {
namespace {

using google::protobuf::Message;
using service::Backend;
using service::ListSource;
using service::Typed;

// A provider's patients are few among many.
absl::StatusOr<ListSource> PatientsOf(const Principal& principal, std::string_view parent, const Message& request) {
  auto all = ByParent<kPatients, kPatientsByOrganization>(principal, parent, request);
  const bool only_provider =
      !principal.grants.empty() && std::all_of(principal.grants.begin(), principal.grants.end(),
                                               [](const Grant& grant) { return grant.role == ROLE_PROVIDER; });
  if (!all.ok() || !only_provider) return all;
  return ListSource{&kPatientsByProvider, view::GroupPrefix(principal.user())};
}

// The caller's own records, as patient and as researcher; either may be missing.
std::vector<Backend::Seen> OwnProfiles(const Principal& principal, const view::State& state) {
  std::vector<Backend::Seen> rows;
  if (const std::string patient = OwnPatient(principal, state); !patient.empty()) {
    rows.push_back({&kPatientType, patient, state.Find(kPatients, patient)});
  }
  if (const std::string researcher = OwnResearcher(principal, state); !researcher.empty()) {
    rows.push_back({&kResearcherType, researcher, state.Find(kResearchers, researcher)});
  }
  std::erase_if(rows, [](const Backend::Seen& seen) { return seen.row == nullptr; });
  return rows;
}

void GetMyProfile(Backend& backend, const std::shared_ptr<rpc::Call>& call) {
  const std::string parent = call->Request<v1::GetMyProfileRequest>().parent();
  if (!NameMatches("organizations/*", parent)) {
    return call->Finish(BadField("parent", "BAD_NAME", "must have the form organizations/*"));
  }
  backend.WhenReadable(call, parent, [&backend, call, parent](std::shared_ptr<const Principal> principal) {
    const view::State& state = backend.store().partition(backend.PartitionOf(OrganizationOf(parent)));
    auto rows = OwnProfiles(*principal, state);
    if (absl::Status health = backend.store().Health(); !health.ok()) return call->Finish(health);
    backend.Render(principal, *call, true, std::move(rows), [call](auto resources) {
      if (!resources.ok()) return call->Finish(resources.status());
      v1::GetMyProfileResponse response;
      PutByType(*resources, response);
      call->Finish(response);
    });
  });
}

}  // namespace

void AddPatients(Backend& backend) {
  const std::string patients = "trialog.trials.v1.PatientService/";
  backend.Create(patients + "CreatePatient", kPatientType, Typed(CreatePatient));
  backend.Get(patients + "GetPatient", kPatientType);
  backend.List(patients + "ListPatients", kPatientType, PatientsOf);
  backend.Watch(patients + "WatchPatients", kPatientType, PatientsOf);
  backend.Update(patients + "UpdatePatient", kPatientType, Typed(UpdatePatient));
  backend.Act(patients + "AssignProvider", kPatientType, Typed(AssignProvider));
  backend.Act(patients + "UnassignProvider", kPatientType, Typed(UnassignProvider));
  backend.Unary(patients + "GetMyProfile",
                [&backend](std::shared_ptr<rpc::Call> call) { GetMyProfile(backend, call); });

  const std::string researchers = "trialog.trials.v1.ResearcherService/";
  backend.Create(researchers + "CreateResearcher", kResearcherType, Typed(CreateResearcher));
  backend.Get(researchers + "GetResearcher", kResearcherType);
  backend.List(researchers + "ListResearchers", kResearcherType, ByParent<kResearchers, kResearchersByOrganization>);
  backend.Update(researchers + "UpdateResearcher", kResearcherType, Typed(UpdateResearcher));
}

}  // namespace trialog::trials
