#include "services/trials/domain/command_parts.h"

#include <algorithm>

#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/trials/domain/calendar.h"

namespace trialog::trials {

absl::Status CheckShortText(std::string_view field, std::string_view text, bool required) {
  if (required && text.empty()) return BadField(field, "FIELD_REQUIRED", "is required");
  if (text.size() > kMaxShortText) return BadField(field, "FIELD_TOO_LONG", "may have at most 200 bytes");
  return absl::OkStatus();
}

absl::Status CheckNewName(const view::State& state, const view::Table& table, std::string_view name,
                          std::string_view id_field) {
  if (!NameMatches(table.pattern, name)) {
    return BadField(id_field, "BAD_ID", "needs 1 to 63 characters of A-Z, a-z, 0-9, '.', '_', '~' and '-'");
  }
  if (state.Find(table, name)) {
    return Refuse(absl::StatusCode::kAlreadyExists, "NAME_TAKEN", "a record of this id exists; choose another id");
  }
  return absl::OkStatus();
}

bool HasSealed(const event::v1::SealedPart& sealed, int32_t field_number) {
  return std::any_of(sealed.fields().begin(), sealed.fields().end(),
                     [&](const auto& field) { return field.number() == field_number && field.has_value(); });
}

event::v1::SealedPart OnlySealed(const event::v1::SealedPart& sealed, std::initializer_list<int32_t> field_numbers) {
  event::v1::SealedPart kept;
  for (const auto& field : sealed.fields()) {
    if (std::find(field_numbers.begin(), field_numbers.end(), field.number()) != field_numbers.end()) {
      *kept.add_fields() = field;
    }
  }
  return kept;
}

absl::StatusOr<std::vector<int32_t>> MaskedFields(const google::protobuf::Descriptor* resource,
                                                  const google::protobuf::FieldMask& mask,
                                                  std::span<const int32_t> all) {
  if (mask.paths().empty()) return std::vector<int32_t>(all.begin(), all.end());
  std::vector<int32_t> numbers;
  for (const std::string& path : mask.paths()) {
    const auto* field = resource->FindFieldByName(path);
    if (!field || std::find(all.begin(), all.end(), field->number()) == all.end()) {
      return BadField("update_mask", "BAD_MASK", "names a field that cannot be changed");
    }
    numbers.push_back(field->number());
  }
  return numbers;
}

event::v1::SealedPart ReplacingSealed(const event::v1::SealedPart& sealed, std::span<const int32_t> field_numbers) {
  event::v1::SealedPart patch;
  for (const int32_t number : field_numbers) {
    const event::v1::SealedPart one = OnlySealed(sealed, {number});
    if (one.fields().empty()) {
      patch.add_fields()->set_number(number);
    } else {
      patch.MergeFrom(one);
    }
  }
  return patch;
}

bool IsInFuture(const google::protobuf::Timestamp& time, const google::protobuf::Timestamp& record_time) {
  constexpr int64_t kToleranceSeconds = 300;
  return time.seconds() > record_time.seconds() + kToleranceSeconds;
}

}  // namespace trialog::trials
