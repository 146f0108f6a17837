#include "services/trials/app/handlers.h"

#include <algorithm>

#include "platform/service/fields.h"
#include "services/trials/domain/tables_clinical.h"

namespace trialog::trials {

using google::protobuf::Message;

absl::Status CheckParentOrAll(const view::Table& table, std::string_view parent) {
  const std::string_view pattern = ParentOf(table.pattern);
  if (NameMatches(pattern, parent)) return absl::OkStatus();  // "-" is a legal id, so it matches too.
  return BadField("parent", "BAD_NAME", Cat("must have the form ", pattern, ", or end in - for all"));
}

std::string OnlyOwnPatient(const Principal& principal) {
  const bool only = std::all_of(principal.grants.begin(), principal.grants.end(),
                                [](const Grant& grant) { return grant.role == ROLE_PARTICIPANT; });
  return only ? principal.patient : "";
}

service::Aim OfStandingPatient(service::Backend& backend, service::Aim aim) {
  return [&backend, aim = std::move(aim)](Message& request,
                                          const Principal& principal) -> absl::StatusOr<service::Target> {
    auto target = aim(request, principal);
    if (!target.ok() || !target->personal) return target;
    const view::State& state = backend.store().partition(backend.PartitionOf(target->organization));
    const bool ours = OrganizationOf(target->key_subject) == target->organization;
    if (!ours || !state.Find(kPatients, target->key_subject)) return service::WithoutRow(*std::move(target));
    return target;
  };
}

void PutByType(const std::vector<std::shared_ptr<Message>>& records, Message& response) {
  const auto* reflection = response.GetReflection();
  for (const auto& record : records) {
    const auto& type = *record->GetDescriptor();
    if (const auto* one = service::FieldOfType(*response.GetDescriptor(), type, false)) {
      reflection->MutableMessage(&response, one)->CopyFrom(*record);
    } else if (const auto* many = service::FieldOfType(*response.GetDescriptor(), type, true)) {
      reflection->AddMessage(&response, many)->CopyFrom(*record);
    }
  }
}

}  // namespace trialog::trials
