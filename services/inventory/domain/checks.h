// Form of the values in requests that the field options cannot say.
#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace trialog::inventory {

struct TextLimits {
  size_t min = 0;
  size_t max = 128;  // Bytes.
};

// Text without control characters within its limits. Reasons: FIELD_REQUIRED, FIELD_TOO_LONG, FIELD_NOT_PRINTABLE.
absl::Status CheckText(std::string_view field, std::string_view text, TextLimits limits);

// The name of a record in the same organization as `sibling`, of the given pattern; empty passes. Reason: BAD_NAME.
absl::Status CheckReference(std::string_view field, std::string_view name, std::string_view pattern,
                            std::string_view sibling);

// The name that a new record would get fits its table's pattern. Reason: BAD_ID.
absl::Status CheckNewName(std::string_view id_field, std::string_view name, std::string_view pattern);

inline constexpr std::string_view kUserPattern = "organizations/*/users/*";

}  // namespace trialog::inventory
