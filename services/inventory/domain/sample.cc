#include "services/inventory/domain/sample.h"

#include <algorithm>

#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/inventory/domain/access.h"
#include "services/inventory/domain/tables.h"
#include "trialog/inventory/v1/events.pb.h"

namespace trialog::inventory {
namespace {

constexpr size_t kIdentifierBytes = 128;
constexpr size_t kCodeBytes = 64;
constexpr size_t kTrackingBytes = 128;

bool Printable(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

absl::Status CheckText(std::string_view field, std::string_view text, size_t min, size_t max) {
  if (text.size() < min) return BadField(field, "FIELD_REQUIRED", "this field must be set");
  if (text.size() > max) return BadField(field, "FIELD_TOO_LONG", Cat("at most ", max, " bytes"));
  if (!Printable(text)) return BadField(field, "FIELD_NOT_PRINTABLE", "control characters are not allowed");
  return absl::OkStatus();
}

absl::Status CheckSample(const v1::Sample& sample) {
  for (const absl::Status& checked : {CheckText("sample.identifier", sample.identifier(), 1, kIdentifierBytes),
                                      CheckText("sample.sample_type", sample.sample_type(), 1, kCodeBytes),
                                      CheckText("sample.tracking", sample.tracking(), 0, kTrackingBytes),
                                      CheckText("sample.container_type", sample.container_type(), 0, kCodeBytes),
                                      CheckText("sample.preservation", sample.preservation(), 0, kCodeBytes)}) {
    if (!checked.ok()) return checked;
  }
  return absl::OkStatus();
}

bool MayBeRegisteredIn(v1::SampleState state) {
  switch (state) {
    case v1::SAMPLE_STATE_PLANNED:
    case v1::SAMPLE_STATE_COLLECTED:
    case v1::SAMPLE_STATE_RECEIVED:
    case v1::SAMPLE_STATE_PROCESSED:
    case v1::SAMPLE_STATE_STORED:
      return true;
    default:
      return false;
  }
}

}  // namespace

absl::StatusOr<Decision> CreateSample(const view::State& state, const Context& context,
                                      const v1::CreateSampleRequest& request, const event::v1::SealedPart& sealed) {
  if (!MayHandleStock(context.principal, request.parent())) {
    return Denied("NOT_YOUR_BIOBANK", "ask a biobank manager for access to this biobank");
  }
  if (absl::Status checked = CheckSample(request.sample()); !checked.ok()) return checked;

  v1::Sample sample = request.sample();
  sample.set_uid(request.sample_id().empty() ? context.NewId() : request.sample_id());
  sample.set_name(Cat(request.parent(), "/samples/", sample.uid()));
  sample.set_biobank(request.parent());
  sample.set_creator(context.principal.user());
  sample.clear_etag();
  sample.clear_create_time();
  sample.clear_update_time();
  if (sample.state() == v1::SAMPLE_STATE_UNSPECIFIED) sample.set_state(v1::SAMPLE_STATE_STORED);

  if (!NameMatches(kSamples.pattern, sample.name())) {
    return BadField("sample_id", "BAD_ID", "1 to 63 letters, digits or . _ ~ -");
  }
  if (!MayBeRegisteredIn(sample.state())) {
    return BadField("sample.state", "BAD_INITIAL_STATE",
                    "a sample is registered in PLANNED, COLLECTED, RECEIVED, PROCESSED or STORED");
  }
  if (state.Find(kSamples, sample.name())) {
    return Refuse(absl::StatusCode::kAlreadyExists, "SAMPLE_EXISTS", "choose another sample_id");
  }
  if (state.Lookup(kSampleByIdentifier, IdentifierKey(context.organization, sample.identifier()))) {
    return Refuse(absl::StatusCode::kAlreadyExists, "IDENTIFIER_TAKEN",
                  "the identifier is in use in this organization");
  }

  Decision decision;
  decision.names.push_back(sample.name());
  v1::InventoryEvent event;
  *event.mutable_sample_created()->mutable_sealed() = sealed;
  *event.mutable_sample_created()->mutable_sample() = std::move(sample);
  const std::string name = event.sample_created().sample().name();
  decision.Add(name, std::move(event));
  return decision;
}

}  // namespace trialog::inventory
