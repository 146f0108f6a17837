// Checks and small builders that the decisions of this service share.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "google/protobuf/field_mask.pb.h"
#include "google/protobuf/message.h"
#include "google/protobuf/timestamp.pb.h"
#include "google/type/date.pb.h"
#include "platform/command/decision.h"
#include "trialog/event/v1/sealed.pb.h"
#include "trialog/trials/v1/events.pb.h"

namespace trialog::trials {

#define TRIALOG_RETURN_IF_ERROR(expression)       \
  if (absl::Status s_ = (expression); !s_.ok()) { \
    return s_;                                    \
  }

inline constexpr std::string_view kUserPattern = "organizations/*/users/*";
inline constexpr std::string_view kSitePattern = "organizations/*/sites/*";

// Whether a personal field was given a value.
bool HasPersonal(const event::v1::SealedPart& sealed, int field_number);

// The look-up key of `index`; empty when there is none.
std::string_view LookupMac(const event::v1::SealedPart& sealed, std::string_view index);

// Only the personal fields named in `paths`, and look-up keys only if `keep_keys`.
event::v1::SealedPart SealedOf(const event::v1::SealedPart& sealed, const google::protobuf::Descriptor& resource,
                               const google::protobuf::FieldMask& paths, bool keep_keys);

// The same for an update: a personal field that is named but was not given a value is to be removed.
event::v1::SealedPart SealedChange(const event::v1::SealedPart& sealed, const google::protobuf::Descriptor& resource,
                                   const google::protobuf::FieldMask& paths, bool keep_keys);

// `value` is a name of `pattern` in `organization`: INVALID_ARGUMENT at `field` otherwise. Empty is accepted only if
// so.
absl::Status CheckReference(std::string_view field, std::string_view value, std::string_view pattern,
                            std::string_view organization, bool may_be_empty = false);

// At most `max` bytes, and not empty if `required`.
absl::Status CheckText(std::string_view field, std::string_view value, size_t max, bool required = false);

// A whole calendar date that exists; not set is accepted.
absl::Status CheckDate(std::string_view field, bool is_set, const google::type::Date& date);

// Not empty, and only fields among `allowed`, each named once.
absl::Status CheckMask(const google::protobuf::FieldMask& mask, std::initializer_list<std::string_view> allowed);
bool InMask(const google::protobuf::FieldMask& mask, std::string_view path);

// `time` lies not after `now`, but for the clock error allowed to a caller (5 minutes).
absl::Status CheckNotFuture(std::string_view field, const google::protobuf::Timestamp& time,
                            const google::protobuf::Timestamp& now);

// The UTC day of `time`.
google::type::Date DayOf(const google::protobuf::Timestamp& time);
// Orders dates by (year, month, day).
int64_t DayNumber(const google::type::Date& date);

// parent + "/" + collection + "/" + the caller's id, or a drawn one. INVALID_ARGUMENT at `field` for an illegal id.
absl::StatusOr<std::string> NewName(const view::Table& table, std::string_view parent, std::string_view collection,
                                    std::string_view id, std::string_view field, const Context& context);

// Makes the fields of `paths` in `to` equal to those in `from`; names of no field are passed over.
void CopyFields(const google::protobuf::Message& from, google::protobuf::Message& to,
                const google::protobuf::RepeatedPtrField<std::string>& paths);

// Clears the fields marked personal: what a caller sent in the clear never reaches an event.
void ClearPersonal(google::protobuf::Message& resource);

// Adds one event to a decision: Emit(decision, name, &v1::TrialsEvent::mutable_trial_locked, std::move(kind)).
template <typename Kind>
void Emit(Decision& decision, std::string_view entity, Kind* (v1::TrialsEvent::*mutable_kind)(), Kind kind) {
  v1::TrialsEvent event;
  *(event.*mutable_kind)() = std::move(kind);
  decision.Add(entity, std::move(event));
}

// A decision that answers with `name` and, so far, changes nothing.
inline Decision Answering(std::string_view name) {
  Decision decision;
  decision.names.emplace_back(name);
  return decision;
}

}  // namespace trialog::trials
