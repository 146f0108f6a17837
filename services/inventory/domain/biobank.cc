#include "services/inventory/domain/biobank.h"

#include <algorithm>
#include <array>

#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/inventory/domain/access.h"
#include "services/inventory/domain/checks.h"
#include "services/inventory/domain/tables.h"
#include "services/inventory/domain/update.h"
#include "trialog/inventory/v1/events.pb.h"

namespace trialog::inventory {
namespace {

constexpr std::array<std::string_view, 3> kUpdatableBiobankFields = {"display_name", "location", "responsible_person"};

absl::Status CheckBiobank(const v1::Biobank& biobank) {
  for (const absl::Status& checked :
       {CheckText("biobank.display_name", biobank.display_name(), {.min = 1}),
        CheckText("biobank.location", biobank.location(), {.max = 256}),
        CheckReference("biobank.responsible_person", biobank.responsible_person(), kUserPattern, biobank.name())}) {
    if (!checked.ok()) return checked;
  }
  return absl::OkStatus();
}

absl::Status CheckProvider(std::string_view provider, std::string_view biobank) {
  if (provider.empty()) return BadField("provider", "FIELD_REQUIRED", "this field must be set");
  return CheckReference("provider", provider, kUserPattern, biobank);
}

bool IsAssigned(const v1::Biobank& biobank, std::string_view provider) {
  return std::find(biobank.providers().begin(), biobank.providers().end(), provider) != biobank.providers().end();
}

}  // namespace

absl::StatusOr<Decision> CreateBiobank(const view::State& state, const Context& context,
                                       const v1::CreateBiobankRequest& request, const event::v1::SealedPart&) {
  if (!MayManage(context.principal, request.parent())) {
    return Denied("NOT_A_MANAGER", "ask a biobank manager of the organization");
  }
  v1::Biobank biobank;
  biobank.set_display_name(request.biobank().display_name());
  biobank.set_location(request.biobank().location());
  biobank.set_responsible_person(request.biobank().responsible_person());
  biobank.set_uid(request.biobank_id().empty() ? context.NewId() : request.biobank_id());
  biobank.set_name(Cat(request.parent(), "/biobanks/", biobank.uid()));
  biobank.set_creator(context.principal.user());

  if (absl::Status checked = CheckNewName("biobank_id", biobank.name(), kBiobanks.pattern); !checked.ok())
    return checked;
  if (absl::Status checked = CheckBiobank(biobank); !checked.ok()) return checked;
  if (state.Find(kBiobanks, biobank.name())) {
    return Refuse(absl::StatusCode::kAlreadyExists, "BIOBANK_EXISTS", "choose another biobank_id");
  }

  Decision decision{.events = {}, .names = {biobank.name()}};
  v1::InventoryEvent event;
  *event.mutable_biobank_created()->mutable_biobank() = std::move(biobank);
  decision.Add(decision.names[0], std::move(event));
  return decision;
}

absl::StatusOr<Decision> UpdateBiobank(const view::State& state, const Context& context,
                                       const v1::UpdateBiobankRequest& request, const event::v1::SealedPart& sealed) {
  const v1::Biobank& wanted = request.biobank();
  const auto row = FindForChange(state, context, MayManage, kBiobanks, wanted.name());
  if (!row.ok()) return row.status();
  if (absl::Status checked = CheckEtag(wanted.etag(), EtagIs::kRequired, **row, wanted.name()); !checked.ok()) {
    return checked;
  }
  const auto fields = FieldsToUpdate(request.update_mask(), kUpdatableBiobankFields, wanted, sealed);
  if (!fields.ok()) return fields.status();

  const auto& current = (*row)->As<v1::Biobank>();
  v1::Biobank biobank = current;
  CopyFields(*fields, wanted, biobank);
  if (absl::Status checked = CheckBiobank(biobank); !checked.ok()) return checked;

  Decision decision{.events = {}, .names = {biobank.name()}};
  if (SameMessage(biobank, current)) return decision;
  v1::InventoryEvent event;
  *event.mutable_biobank_updated()->mutable_biobank() = std::move(biobank);
  decision.Add(decision.names[0], std::move(event));
  return decision;
}

absl::StatusOr<Decision> AssignProvider(const view::State& state, const Context& context,
                                        const v1::AssignProviderRequest& request, const event::v1::SealedPart&) {
  const auto row = FindForChange(state, context, MayManage, kBiobanks, request.name());
  if (!row.ok()) return row.status();
  if (absl::Status checked = CheckProvider(request.provider(), request.name()); !checked.ok()) return checked;

  Decision decision{.events = {}, .names = {request.name()}};
  const auto& biobank = (*row)->As<v1::Biobank>();
  if (IsAssigned(biobank, request.provider())) return decision;
  if (biobank.providers_size() >= kMaxProviders) {
    return BrokenRule("TOO_MANY_PROVIDERS", request.name(), Cat("a biobank has at most ", kMaxProviders, " providers"));
  }
  v1::InventoryEvent event;
  event.mutable_biobank_provider_assigned()->set_biobank(request.name());
  event.mutable_biobank_provider_assigned()->set_provider(request.provider());
  decision.Add(request.name(), std::move(event));
  return decision;
}

absl::StatusOr<Decision> UnassignProvider(const view::State& state, const Context& context,
                                          const v1::UnassignProviderRequest& request, const event::v1::SealedPart&) {
  const auto row = FindForChange(state, context, MayManage, kBiobanks, request.name());
  if (!row.ok()) return row.status();
  if (absl::Status checked = CheckProvider(request.provider(), request.name()); !checked.ok()) return checked;

  Decision decision{.events = {}, .names = {request.name()}};
  if (!IsAssigned((*row)->As<v1::Biobank>(), request.provider())) return decision;
  v1::InventoryEvent event;
  event.mutable_biobank_provider_unassigned()->set_biobank(request.name());
  event.mutable_biobank_provider_unassigned()->set_provider(request.provider());
  decision.Add(request.name(), std::move(event));
  return decision;
}

}  // namespace trialog::inventory
