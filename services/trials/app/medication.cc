// Medication orders, distributions and adherence.
#include "services/trials/app/handlers.h"
#include "services/trials/app/record_types.h"
#include "services/trials/domain/adherence.h"
#include "services/trials/domain/adherence_summary.h"
#include "services/trials/domain/medication_distribution.h"
#include "services/trials/domain/medication_order.h"
#include "services/trials/domain/tables_care.h"

namespace trialog::trials {
namespace {

using google::protobuf::Message;
using service::Aim;
using service::Backend;
using service::ResourceType;
using service::Target;
using service::Typed;

// Orders, doses and protocols: what feedback can be given on.
const ResourceType* FeedbackType(std::string_view name) {
  const view::Table* table = FeedbackTable(name);
  for (const ResourceType* type : {&kMedicationOrderType, &kAdherenceLogType, &kProtocolAdherenceType}) {
    if (type->table == table) return type;
  }
  return nullptr;
}

// The text is a field of the record that the name chooses, and is sealed as that field.
Aim AimAtFeedback(Backend& backend) {
  return [&backend](Message& request, const Principal&) -> absl::StatusOr<Target> {
    auto& asked = static_cast<v1::AddFeedbackRequest&>(request);
    const ResourceType* type = FeedbackType(asked.name());
    if (type == nullptr) {
      return BadField("name", "BAD_NAME", "must name an order, an adherence log or a protocol adherence");
    }
    Target target{std::string(OrganizationOf(asked.name())), asked.name(), nullptr,
                  std::string(ParentOf(asked.name()))};
    if (asked.feedback().empty()) return target;
    if (!backend.store().partition(backend.PartitionOf(target.organization)).Find(*type->table, asked.name())) {
      return service::WithoutRow(std::move(target));
    }
    target.personal.reset(type->table->prototype->New());
    const auto* field = target.personal->GetDescriptor()->FindFieldByNumber(FeedbackFieldNumber(*type->table));
    target.personal->GetReflection()->SetString(target.personal.get(), field, asked.feedback());
    return target;
  };
}

void AnswerWithFeedback(Backend& backend, const std::shared_ptr<rpc::Call>& call, const Outcome& outcome) {
  const std::string name = outcome.names.at(0);
  const ResourceType* type = FeedbackType(name);
  const view::RowPtr row = backend.store().FindAt(outcome.partition, *type->table, name, outcome.offset);
  if (absl::Status health = backend.store().Health(); !health.ok()) return call->Finish(health);
  if (!row) return call->Finish(Refuse(absl::StatusCode::kInternal, "NO_RECORD", "the command left no record to show"));
  backend.Render(call->shared_principal(), *call, true, {{type, name, row}}, [call](auto resources) {
    if (!resources.ok()) return call->Finish(resources.status());
    v1::AddFeedbackResponse response;
    PutByType(*resources, response);
    call->Finish(response);
  });
}

Aim AimAtProtocol() {
  return [](Message& request, const Principal&) -> absl::StatusOr<Target> {
    const auto& asked = static_cast<const v1::RecordProtocolAdherenceRequest&>(request);
    if (!NameMatches("organizations/*/patients/*", asked.parent())) {
      return BadField("parent", "BAD_NAME", "must have the form organizations/*/patients/*");
    }
    return Target{std::string(OrganizationOf(asked.parent())),
                  Cat(asked.parent(), "/protocolAdherences/", asked.protocol_id()), nullptr, ""};
  };
}

void Summarize(Backend& backend, const std::shared_ptr<rpc::Call>& call) {
  const std::string patient = call->Request<v1::GetAdherenceSummaryRequest>().parent();
  if (!NameMatches("organizations/*/patients/*", patient)) {
    return call->Finish(BadField("parent", "BAD_NAME", "must have the form organizations/*/patients/*"));
  }
  backend.WhenReadable(call, patient, [&backend, call, patient](std::shared_ptr<const Principal> principal) {
    const view::State& state = backend.store().partition(backend.PartitionOf(OrganizationOf(patient)));
    auto summary = GetAdherenceSummary(state, *principal, call->Request<v1::GetAdherenceSummaryRequest>());
    if (absl::Status health = backend.store().Health(); !health.ok()) return call->Finish(health);
    if (!summary.ok()) return call->Finish(summary.status());
    call->Finish(*summary);
  });
}

void AddOrders(Backend& backend, const std::string& service) {
  backend.CommandMethod(service + "CreateMedicationOrder", kMedicationOrderType,
                        OfStandingPatient(backend, backend.AimToCreate(kMedicationOrderType)),
                        Typed(CreateMedicationOrder));
  backend.Get(service + "GetMedicationOrder", kMedicationOrderType);
  backend.List(service + "ListMedicationOrders", kMedicationOrderType,
               ByParent<kMedicationOrders, kMedicationOrdersByPatient>);
  backend.Act(service + "ActivateMedicationOrder", kMedicationOrderType, Typed(ActivateMedicationOrder));
  backend.Act(service + "HoldMedicationOrder", kMedicationOrderType, Typed(HoldMedicationOrder));
  backend.Act(service + "StopMedicationOrder", kMedicationOrderType, Typed(StopMedicationOrder));
  backend.Act(service + "AcknowledgeMedicationOrder", kMedicationOrderType, Typed(AcknowledgeMedicationOrder));
}

void AddDistributions(Backend& backend, const std::string& service) {
  backend.CommandMethod(service + "CreateMedicationDistribution", kMedicationDistributionType,
                        OfStandingPatient(backend, backend.AimToCreate(kMedicationDistributionType)),
                        Typed(CreateMedicationDistribution));
  backend.Get(service + "GetMedicationDistribution", kMedicationDistributionType);
  backend.List(service + "ListMedicationDistributions", kMedicationDistributionType,
               ByParent<kMedicationDistributions, kMedicationDistributionsByPatient>);
  backend.Act(service + "FinalizeMedicationDistribution", kMedicationDistributionType,
              Typed(FinalizeMedicationDistribution));
  backend.Act(service + "AcknowledgeMedicationDistribution", kMedicationDistributionType,
              Typed(AcknowledgeMedicationDistribution));
  backend.Act(service + "ReturnMedicationDistribution", kMedicationDistributionType,
              Typed(ReturnMedicationDistribution));
}

void AddAdherence(Backend& backend, const std::string& service) {
  backend.CommandMethod(service + "LogAdherence", kAdherenceLogType,
                        OfStandingPatient(backend, backend.AimToCreate(kAdherenceLogType)), Typed(LogAdherence));
  backend.List(service + "ListAdherenceLogs", kAdherenceLogType, ByParent<kAdherenceLogs, kAdherenceLogsByPatient>);
  backend.CommandMethod(service + "RecordProtocolAdherence", kProtocolAdherenceType, AimAtProtocol(),
                        Typed(RecordProtocolAdherence));
  backend.List(service + "ListProtocolAdherences", kProtocolAdherenceType,
               ByParent<kProtocolAdherences, kProtocolAdherencesByPatient>);
  backend.CommandMethod(service + "AddFeedback", kMedicationOrderType, AimAtFeedback(backend), Typed(AddFeedback),
                        [&backend](std::shared_ptr<rpc::Call> call, const Outcome& outcome) {
                          AnswerWithFeedback(backend, call, outcome);
                        });
  backend.Unary(service + "GetAdherenceSummary",
                [&backend](std::shared_ptr<rpc::Call> call) { Summarize(backend, call); });
}

}  // namespace

void AddMedication(Backend& backend) {
  const std::string service = "trialog.trials.v1.MedicationService/";
  AddOrders(backend, service);
  AddDistributions(backend, service);
  AddAdherence(backend, service);
  backend.WatchAll(
      service + "WatchMedication",
      {{&kMedicationOrderType, ByParent<kMedicationOrders, kMedicationOrdersByPatient>},
       {&kMedicationDistributionType, ByParent<kMedicationDistributions, kMedicationDistributionsByPatient>},
       {&kAdherenceLogType, ByParent<kAdherenceLogs, kAdherenceLogsByPatient>},
       {&kProtocolAdherenceType, ByParent<kProtocolAdherences, kProtocolAdherencesByPatient>}});
}

}  // namespace trialog::trials
