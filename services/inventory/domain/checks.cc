#include "services/inventory/domain/checks.h"

#include <algorithm>

#include "platform/command/decision.h"
#include "platform/errors/errors.h"
#include "platform/text/text.h"

namespace trialog::inventory {

absl::Status CheckText(std::string_view field, std::string_view text, TextLimits limits) {
  if (text.size() < limits.min) return BadField(field, "FIELD_REQUIRED", "this field must be set");
  if (text.size() > limits.max) return BadField(field, "FIELD_TOO_LONG", Cat("at most ", limits.max, " bytes"));
  if (std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; })) {
    return BadField(field, "FIELD_NOT_PRINTABLE", "control characters are not allowed");
  }
  return absl::OkStatus();
}

absl::Status CheckReference(std::string_view field, std::string_view name, std::string_view pattern,
                            std::string_view sibling) {
  if (name.empty()) return absl::OkStatus();
  if (NameMatches(pattern, name) && OrganizationOf(name) == OrganizationOf(sibling)) return absl::OkStatus();
  return BadField(field, "BAD_NAME", Cat("a resource name of the form ", pattern, " in the same organization"));
}

absl::Status CheckNewName(std::string_view id_field, std::string_view name, std::string_view pattern) {
  if (NameMatches(pattern, name)) return absl::OkStatus();
  return BadField(id_field, "BAD_ID", "1 to 63 letters, digits or . _ ~ -, below a parent that is a resource name");
}

}  // namespace trialog::inventory
