// Small parts that the decisions about care share.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/field_mask.pb.h"
#include "platform/command/decision.h"
#include "platform/view/state.h"
#include "trialog/event/v1/sealed.pb.h"
#include "trialog/trials/v1/events.pb.h"

namespace trialog::trials {

// Longest short text (a name, a dose) in bytes.
inline constexpr size_t kMaxShortText = 200;

// INVALID_ARGUMENT when a short text is missing or too long.
absl::Status CheckShortText(std::string_view field, std::string_view text, bool required);

// INVALID_ARGUMENT when `id` cannot be the last part of a name of `table`; ALREADY_EXISTS when the name is taken.
absl::Status CheckNewName(const view::State& state, const view::Table& table, std::string_view name,
                          std::string_view id_field);

// Whether a personal field is there.
bool HasSealed(const event::v1::SealedPart& sealed, int32_t field_number);

// The part with these fields alone: what a command may not set is dropped.
event::v1::SealedPart OnlySealed(const event::v1::SealedPart& sealed, std::initializer_list<int32_t> field_numbers);

// The numbers of the fields that `mask` names, which are all top-level and among `all`; `all` when it is empty.
absl::StatusOr<std::vector<int32_t>> MaskedFields(const google::protobuf::Descriptor* resource,
                                                  const google::protobuf::FieldMask& mask, std::span<const int32_t> all);

// What replaces the fields: their new values, and an entry without value for each that was emptied.
event::v1::SealedPart ReplacingSealed(const event::v1::SealedPart& sealed, std::span<const int32_t> field_numbers);

// Whether `time` lies after the recording by more than clocks may differ (5 minutes).
bool IsInFuture(const google::protobuf::Timestamp& time, const google::protobuf::Timestamp& record_time);

// A decision about one record in one event; `kind` is the mutable accessor of the event's oneof:
//   OneEvent(name, &v1::TrialsEvent::mutable_message_read, std::move(read)).
template <typename Kind>
Decision OneEvent(std::string_view name, Kind* (v1::TrialsEvent::*kind)(), Kind content) {
  Decision decision;
  v1::TrialsEvent event;
  *(event.*kind)() = std::move(content);
  decision.Add(name, std::move(event));
  decision.names.emplace_back(name);
  return decision;
}

// Nothing to do: the record stands as asked.
inline Decision AlreadySo(std::string_view name) {
  Decision decision;
  decision.names.emplace_back(name);
  return decision;
}

}  // namespace trialog::trials
