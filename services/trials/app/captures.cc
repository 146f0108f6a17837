// Data captures: what is entered about a subject, in versions.
#include "platform/service/fields.h"
#include "services/trials/app/handlers.h"
#include "services/trials/app/record_types.h"
#include "services/trials/domain/access_clinical.h"
#include "services/trials/domain/data_capture.h"
#include "services/trials/domain/tables_clinical.h"
#include "trialog/trials/v1/enrollment.pb.h"

namespace trialog::trials {
namespace {

using google::protobuf::Message;
using service::Aim;
using service::Backend;
using service::ListSource;
using service::Target;
using service::Typed;

// Latest first; trials/- lists across.
absl::StatusOr<ListSource> CapturesOf(const Principal& principal, std::string_view parent, const Message&) {
  if (absl::Status checked = CheckParentOrAll(kDataCaptures, parent); !checked.ok()) return checked;
  if (IdOf(parent) != "-") return ListSource{&kCapturesByTrial, view::GroupPrefix(parent)};
  if (const std::string patient = OnlyOwnPatient(principal); !patient.empty()) {
    return ListSource{&kCapturesByPatient, view::GroupPrefix(patient)};
  }
  return ListSource{&kCapturesByOrganization, view::GroupPrefix(ParentOf(parent))};
}

// A new capture names its subject; the values are sealed for the patient whom that subject is.
Aim AimAtNewCapture(Backend& backend) {
  return [&backend, aim = backend.AimToCreate(kDataCaptureType)](Message& request,
                                                                 const Principal& principal) -> absl::StatusOr<Target> {
    auto target = aim(request, principal);
    if (!target.ok()) return target;
    target->key_subject.clear();  // Whose the subject is, not whose the request says.
    if (!target->personal) return target;
    const view::State& state = backend.store().partition(backend.PartitionOf(target->organization));
    const std::string& name = static_cast<const v1::CreateDataCaptureRequest&>(request).data_capture().subject();
    const bool of_trial = ParentOf(name) == ParentOf(target->name);  // Else it may be of another organization.
    const auto subject = of_trial ? state.Get<v1::Subject>(kSubjects, name) : nullptr;
    if (!subject) return service::WithoutRow(*std::move(target));
    target->key_subject = subject->patient();
    return target;
  };
}

// The reason belongs to each amendment, whatever the mask names.
Aim AimAtAmendment(Backend& backend) {
  return [&backend, aim = backend.AimToUpdate(kDataCaptureType)](Message& request,
                                                                 const Principal& principal) -> absl::StatusOr<Target> {
    auto target = aim(request, principal);
    const auto& asked = static_cast<const v1::AmendDataCaptureRequest&>(request).data_capture();
    if (!target.ok() || asked.amend_reason().empty()) return target;
    target->patched.push_back(v1::DataCapture::kAmendReasonFieldNumber);
    if (target->personal) return target;
    const view::State& state = backend.store().partition(backend.PartitionOf(target->organization));
    const auto capture = state.Get<v1::DataCapture>(kDataCaptures, target->name);
    if (!capture) return service::WithoutRow(*std::move(target));
    target->personal = std::make_unique<v1::DataCapture>(asked);
    target->key_subject = capture->patient();
    return target;
  };
}

void GetLatest(Backend& backend, const std::shared_ptr<rpc::Call>& call) {
  const auto request = call->Request<v1::GetLatestDataCaptureRequest>();
  if (!NameMatches(kTrials.pattern, request.parent())) {
    return call->Finish(BadField("parent", "BAD_NAME", Cat("must have the form ", kTrials.pattern)));
  }
  backend.WhenReadable(call, request.parent(), [&backend, call, request](std::shared_ptr<const Principal> principal) {
    const view::State& state = backend.store().partition(backend.PartitionOf(OrganizationOf(request.parent())));
    std::string patient = request.patient();
    // Who takes part is shown what is their own, however many captures of others there are.
    if (patient.empty() && MayListSubjectsOf(*principal, state, request.parent())) patient = OnlyOwnPatient(*principal);
    const auto name = LatestCapture(state, *principal, request.parent(), patient);
    const view::RowPtr capture = name.ok() ? state.Find(kDataCaptures, *name) : nullptr;
    if (absl::Status health = backend.store().Health(); !health.ok()) return call->Finish(health);
    if (!name.ok()) return call->Finish(name.status());
    std::vector<Backend::Seen> rows{{&kDataCaptureType, *name, capture}};
    for (const std::string& researcher : ResearchersOf(state, request.parent())) {
      const view::RowPtr row = state.Find(kResearchers, researcher);
      if (row && kResearcherType.may_see(*principal, state, researcher, *row)) {
        rows.push_back({&kResearcherType, researcher, row});
      }
    }
    backend.Render(principal, *call, true, std::move(rows), [call](auto resources) {
      if (!resources.ok()) return call->Finish(resources.status());
      v1::GetLatestDataCaptureResponse response;
      PutByType(*resources, response);
      call->Finish(response);
    });
  });
}

}  // namespace

void AddCaptures(Backend& backend) {
  const std::string service = "trialog.trials.v1.DataCaptureService/";
  backend.CommandMethod(service + "CreateDataCapture", kDataCaptureType, AimAtNewCapture(backend),
                        Typed(CreateDataCapture));
  backend.CommandMethod(service + "AmendDataCapture", kDataCaptureType, AimAtAmendment(backend),
                        Typed(AmendDataCapture));
  backend.Act(service + "SubmitDataCapture", kDataCaptureType, Typed(SubmitDataCapture));
  backend.Act(service + "FinalizeDataCapture", kDataCaptureType, Typed(FinalizeDataCapture));
  backend.Act(service + "AcknowledgeDataCapture", kDataCaptureType, Typed(AcknowledgeDataCapture));
  backend.Get(service + "GetDataCapture", kDataCaptureType);
  backend.List(service + "ListDataCaptures", kDataCaptureType, CapturesOf);
  backend.Watch(service + "WatchDataCaptures", kDataCaptureType, CapturesOf);
  backend.Unary(service + "GetLatestDataCapture",
                [&backend](std::shared_ptr<rpc::Call> call) { GetLatest(backend, call); });
  backend.History(service + "GetDataCaptureHistory", kDataCaptureType);
}

}  // namespace trialog::trials
