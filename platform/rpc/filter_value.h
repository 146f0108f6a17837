// Values that a filter compares: as written, and as they stand in a message. Internal to platform/rpc.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "google/protobuf/message.h"

namespace trialog::rpc::filter {

enum class Operator { kEqual, kNotEqual, kLess, kLessOrEqual, kGreater, kGreaterOrEqual, kHas, kPresent };

struct Instant {
  int64_t seconds = 0;
  int32_t nanos = 0;
  auto operator<=>(const Instant&) const = default;
};
struct Day {
  int year = 0, month = 0, day = 0;
  auto operator<=>(const Day&) const = default;
};
// Enums are compared by number; unsigned and signed numbers keep their own width.
using Value = std::variant<std::monostate, std::string, bool, int64_t, uint64_t, double, Instant, Day>;

// Whether values of the field have an order (bool and enum have none).
bool IsOrdered(const google::protobuf::FieldDescriptor& field);
// The value that `text` means for `field`; monostate when it means none.
Value ParseValue(const google::protobuf::FieldDescriptor& field, std::string_view text);
// What such a value is called in an error.
std::string_view KindOfValue(const google::protobuf::FieldDescriptor& field);
// The field's value, or that of its element `index` (-1: the field is singular).
Value Read(const google::protobuf::Message& message, const google::protobuf::FieldDescriptor& field, int index);
bool Holds(const Value& left, Operator op, const Value& right);
// As Filter::EqualityOn gives it; nothing for kinds that no index holds as text.
std::optional<std::string> TextOf(const google::protobuf::FieldDescriptor& field, const Value& value);

}  // namespace trialog::rpc::filter
