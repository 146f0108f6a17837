// What partial updates have in common: etags (AIP-154), update masks (AIP-134) and the personal fields they touch.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "google/protobuf/field_mask.pb.h"
#include "platform/view/state.h"

namespace trialog::inventory {

// The version of a row in quotes, for example "\"3\"".
std::string EtagOf(const view::Row& row);

enum class EtagIs { kRequired, kOptional };
// Refused: ETAG_REQUIRED (bad field "etag"), ETAG_MISMATCH.
absl::Status CheckEtag(std::string_view etag, EtagIs is, const view::Row& row, std::string_view name);

// The top-level fields that an update changes: those in the mask, all of `updatable` for "*", and for an empty mask
// those that are set. A path that is not in `updatable` is refused: BAD_UPDATE_MASK. Personal fields count as set when
// `sealed` has them.
absl::StatusOr<std::vector<std::string_view>> FieldsToUpdate(const google::protobuf::FieldMask& mask,
                                                             std::span<const std::string_view> updatable,
                                                             const google::protobuf::Message& resource,
                                                             const event::v1::SealedPart& sealed);

// Copies these fields; one that is not set in `from` is cleared in `to`. Both are of the same type.
void CopyFields(std::span<const std::string_view> fields, const google::protobuf::Message& from,
                google::protobuf::Message& to);

// What changes in `current` when these personal fields become what `sealed` says: new values, and an entry without
// value for one that is there and no longer given (as MergeSealed takes it). A field's look-up key has the field's name
// as index.
event::v1::SealedPart SealedPatch(std::span<const std::string_view> fields,
                                  const google::protobuf::Descriptor& resource, const event::v1::SealedPart& sealed,
                                  const event::v1::SealedPart& current);

// Whether `sealed` has a value for the field.
bool HasSealed(const event::v1::SealedPart& sealed, int field_number);

// Whether two messages of one type are equal.
bool SameMessage(const google::protobuf::Message& a, const google::protobuf::Message& b);

}  // namespace trialog::inventory
