// What the standard methods of AIP share: partial updates (AIP-134) and freshness (AIP-154).
#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "google/protobuf/field_mask.pb.h"
#include "google/protobuf/message.h"

namespace trialog::rpc {

// Whether the server alone sets this field of a resource: OUTPUT_ONLY or IDENTIFIER by google.api.field_behavior, or
// one of name, uid, create_time, update_time and etag.
bool IsServerSet(const google::protobuf::FieldDescriptor& field);

// Copies the fields that `mask` names from `from` onto `onto` (the same message type). A path names a field, or a field
// of a message field. A named field that is unset in `from` is cleared. "*" names all fields that a caller may change;
// an empty mask those of them that are set in `from`. INVALID_ARGUMENT, reason BAD_UPDATE_MASK, when a path is unknown,
// deeper, or names what only the server sets or what is IMMUTABLE; then `onto` is untouched.
absl::Status ApplyUpdateMask(google::protobuf::Message& onto, const google::protobuf::Message& from,
                             const google::protobuf::FieldMask& mask);

// INVALID_ARGUMENT, reason ETAG_REQUIRED, when `given` is empty; ABORTED, reason ETAG_MISMATCH, when it is not
// `current`.
absl::Status CheckEtag(std::string_view given, std::string_view current, std::string_view name);

}  // namespace trialog::rpc
