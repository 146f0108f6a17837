#include "services/inventory/domain/sample.h"

#include <algorithm>
#include <array>

#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/inventory/domain/access.h"
#include "services/inventory/domain/checks.h"
#include "services/inventory/domain/quantity.h"
#include "services/inventory/domain/sample_states.h"
#include "services/inventory/domain/tables.h"
#include "services/inventory/domain/update.h"

namespace trialog::inventory {
namespace {

constexpr std::array<std::string_view, 13> kUpdatableSampleFields = {
    "identifier",     "sample_type",         "patient",      "tracking",        "handling_instructions",
    "container_type", "storage_temperature", "preservation", "light_sensitive", "freeze_thaw_limit",
    "expire_time",    "collect_time",        "quantity"};
constexpr std::array<std::string_view, 1> kStateReason = {"state_reason"};
constexpr size_t kCodeBytes = 64;

absl::Status CheckSample(const v1::Sample& sample) {
  for (const absl::Status& checked : {CheckText("sample.identifier", sample.identifier(), {.min = 1}),
                                      CheckText("sample.sample_type", sample.sample_type(), {1, kCodeBytes}),
                                      CheckText("sample.tracking", sample.tracking(), {}),
                                      CheckText("sample.container_type", sample.container_type(), {.max = kCodeBytes}),
                                      CheckText("sample.preservation", sample.preservation(), {.max = kCodeBytes})}) {
    if (!checked.ok()) return checked;
  }
  if (!v1::StorageTemperature_IsValid(sample.storage_temperature())) {
    return BadField("sample.storage_temperature", "BAD_ENUM", "not a value of this field");
  }
  return sample.has_quantity() ? CheckQuantity("sample.quantity", sample.quantity()) : absl::OkStatus();
}

absl::Status CheckIdentifierIsFree(const view::State& state, const v1::Sample& sample) {
  const auto holder =
      state.Lookup(kSampleByIdentifier, IdentifierKey(OrganizationOf(sample.name()), sample.identifier()));
  if (!holder || *holder == sample.name()) return absl::OkStatus();
  return Refuse(absl::StatusCode::kAlreadyExists, "IDENTIFIER_TAKEN", "the identifier is in use in this organization");
}

absl::Status CheckMove(const v1::Sample& sample, const Context& context, v1::SampleState to, bool has_reason) {
  const SampleMove* move = FindSampleMove(sample.state(), to);
  if (!move) {
    return BrokenRule("ILLEGAL_MOVE", sample.name(),
                      Cat("no move from ", v1::SampleState_Name(sample.state()), " to ", v1::SampleState_Name(to)));
  }
  if (move->by != MoveBy::kRequest) {
    return BrokenRule("MOVE_NEEDS_PROCESS", sample.name(),
                      Cat(v1::SampleState_Name(to), " follows from stock or from a process of its own"));
  }
  const std::string_view biobank = BiobankOf(sample.name());
  if (to == v1::SAMPLE_STATE_BLOCKED && !MayManage(context.principal, biobank)) {
    return Denied("MANAGER_NEEDED", "only a biobank manager blocks a sample");
  }
  if (to != v1::SAMPLE_STATE_BLOCKED && !MayHandleStock(context.principal, biobank)) {
    return Denied("TECHNICIAN_NEEDED", "only a laboratory technician moves a sample to this state");
  }
  if (NeedsReason(to) && !has_reason) {
    return BadField("state_reason", "REASON_REQUIRED", Cat("say why the sample becomes ", v1::SampleState_Name(to)));
  }
  return absl::OkStatus();
}

uint32_t ThawsAfter(const v1::Sample& sample, v1::SampleState to) {
  const bool refrozen = sample.state() == v1::SAMPLE_STATE_RETURNED && to == v1::SAMPLE_STATE_STORED;
  return sample.freeze_thaw_count() + (refrozen ? 1 : 0);
}

}  // namespace

absl::StatusOr<Decision> CreateSample(const view::State& state, const Context& context,
                                      const v1::CreateSampleRequest& request, const event::v1::SealedPart& sealed) {
  const auto biobank = FindForChange(state, context, MayHandleStock, kBiobanks, request.parent());
  if (!biobank.ok()) return biobank.status();

  v1::Sample sample;
  CopyFields(kUpdatableSampleFields, request.sample(), sample);
  sample.set_uid(request.sample_id().empty() ? context.NewId() : request.sample_id());
  sample.set_name(Cat(request.parent(), "/samples/", sample.uid()));
  sample.set_biobank(request.parent());
  sample.set_creator(context.principal.user());
  sample.set_state(request.sample().state() == v1::SAMPLE_STATE_UNSPECIFIED ? v1::SAMPLE_STATE_STORED
                                                                            : request.sample().state());

  if (absl::Status checked = CheckNewName("sample_id", sample.name(), kSamples.pattern); !checked.ok()) return checked;
  if (absl::Status checked = CheckSample(sample); !checked.ok()) return checked;
  if (!MayBeRegisteredIn(sample.state())) {
    return BadField("sample.state", "BAD_INITIAL_STATE", "one of PLANNED, COLLECTED, RECEIVED, PROCESSED, STORED");
  }
  if (state.Find(kSamples, sample.name())) {
    return Refuse(absl::StatusCode::kAlreadyExists, "SAMPLE_EXISTS", "choose another sample_id");
  }
  if (absl::Status checked = CheckIdentifierIsFree(state, sample); !checked.ok()) return checked;

  Decision decision{.events = {}, .names = {sample.name()}};
  v1::InventoryEvent event;
  *event.mutable_sample_created()->mutable_sealed() = sealed;
  *event.mutable_sample_created()->mutable_sample() = std::move(sample);
  decision.Add(decision.names[0], std::move(event));
  return decision;
}

absl::StatusOr<Decision> UpdateSample(const view::State& state, const Context& context,
                                      const v1::UpdateSampleRequest& request, const event::v1::SealedPart& sealed) {
  const v1::Sample& wanted = request.sample();
  const auto row = FindForChange(state, context, MayHandleStock, kSamples, wanted.name());
  if (!row.ok()) return row.status();
  if (absl::Status checked = CheckEtag(wanted.etag(), EtagIs::kRequired, **row, wanted.name()); !checked.ok()) {
    return checked;
  }
  const auto fields = FieldsToUpdate(request.update_mask(), kUpdatableSampleFields, wanted, sealed);
  if (!fields.ok()) return fields.status();

  const auto& current = (*row)->As<v1::Sample>();
  v1::Sample sample = current;
  CopyFields(*fields, wanted, sample);
  if (absl::Status checked = CheckSample(sample); !checked.ok()) return checked;
  if (absl::Status checked = CheckIdentifierIsFree(state, sample); !checked.ok()) return checked;
  event::v1::SealedPart patch = SealedPatch(*fields, *v1::Sample::descriptor(), sealed, (*row)->sealed);

  Decision decision{.events = {}, .names = {sample.name()}};
  if (SameMessage(sample, current) && patch.fields().empty() && patch.keys().empty()) return decision;
  v1::InventoryEvent event;
  *event.mutable_sample_updated()->mutable_sealed() = std::move(patch);
  *event.mutable_sample_updated()->mutable_sample() = std::move(sample);
  decision.Add(decision.names[0], std::move(event));
  return decision;
}

absl::StatusOr<Decision> TransitionSample(const view::State& state, const Context& context,
                                          const v1::TransitionSampleRequest& request,
                                          const event::v1::SealedPart& sealed) {
  const auto row = FindForChange(state, context, MayTransition, kSamples, request.name());
  if (!row.ok()) return row.status();
  if (absl::Status checked = CheckEtag(request.etag(), EtagIs::kOptional, **row, request.name()); !checked.ok()) {
    return checked;
  }
  const auto& sample = (*row)->As<v1::Sample>();
  Decision decision{.events = {}, .names = {sample.name()}};
  if (sample.state() == request.state()) return decision;

  if (!v1::SampleState_IsValid(request.state()) || request.state() == v1::SAMPLE_STATE_UNSPECIFIED) {
    return BadField("state", "BAD_ENUM", "not a state of a sample");
  }
  const bool has_reason = HasSealed(sealed, v1::Sample::kStateReasonFieldNumber);
  if (absl::Status checked = CheckMove(sample, context, request.state(), has_reason); !checked.ok()) return checked;
  decision.Add(sample.name(), SampleMovedTo(request.state(), **row, sealed));
  return decision;
}

v1::InventoryEvent SampleMovedTo(v1::SampleState to, const view::Row& row, const event::v1::SealedPart& sealed) {
  const auto& sample = row.As<v1::Sample>();
  v1::InventoryEvent event;
  auto& moved = *event.mutable_sample_transitioned();
  moved.set_sample(sample.name());
  moved.set_from_state(sample.state());
  moved.set_to_state(to);
  moved.set_freeze_thaw_count(ThawsAfter(sample, to));
  event::v1::SealedPart patch = SealedPatch(kStateReason, *v1::Sample::descriptor(), sealed, row.sealed);
  if (!patch.fields().empty()) *moved.mutable_sealed() = std::move(patch);
  return event;
}

}  // namespace trialog::inventory
