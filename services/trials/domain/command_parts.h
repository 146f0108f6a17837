// Small parts that the decisions about care share, on top of checks.h.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/field_mask.pb.h"
#include "platform/command/decision.h"
#include "platform/view/state.h"
#include "services/trials/domain/checks.h"
#include "trialog/event/v1/sealed.pb.h"
#include "trialog/trials/v1/events.pb.h"

namespace trialog::trials {

// Longest short text (the name of a medication, a dose) in bytes.
inline constexpr size_t kMaxShortText = 200;

// INVALID_ARGUMENT when `name` is none of `table`, which means that the id at `id_field` is not legal; ALREADY_EXISTS
// when it is taken.
absl::Status CheckNewName(const view::State& state, const view::Table& table, std::string_view name,
                          std::string_view id_field);

// FAILED_PRECONDITION, PATIENT_INACTIVE, when nothing new is to begin for the patient, who must be there.
absl::Status RequireActivePatient(const view::State& state, std::string_view patient);

// The part with these fields alone: what a command may not set is dropped.
event::v1::SealedPart OnlySealed(const event::v1::SealedPart& sealed, std::initializer_list<int32_t> field_numbers);

// What replaces the personal fields of `resource` that `mask` names: their new values, and an entry without value for
// each that was emptied.
event::v1::SealedPart ReplacingSealed(const event::v1::SealedPart& sealed, const google::protobuf::Descriptor& resource,
                                      const google::protobuf::FieldMask& mask);

// A decision about one record in one event; `kind` is the mutable accessor of the event's oneof:
//   OneEvent(name, &v1::TrialsEvent::mutable_message_read, std::move(read)).
template <typename Kind>
Decision OneEvent(std::string_view name, Kind* (v1::TrialsEvent::*kind)(), Kind content) {
  Decision decision = Answering(name);
  Emit(decision, name, kind, std::move(content));
  return decision;
}

}  // namespace trialog::trials
