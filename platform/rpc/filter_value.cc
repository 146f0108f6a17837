#include "platform/rpc/filter_value.h"

#include <cctype>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/time/civil_time.h"
#include "google/type/date.pb.h"
#include "platform/text/text.h"

namespace trialog::rpc::filter {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

bool IsTimestamp(const FieldDescriptor& field) {
  return field.message_type() == google::protobuf::Timestamp::descriptor();
}
bool IsDate(const FieldDescriptor& field) { return field.message_type() == google::type::Date::descriptor(); }

std::optional<Day> ParseDay(std::string_view text) {
  Day day;
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto digits = [&](size_t from, size_t count, int& out) {
    const auto part = text.substr(from, count);
    const bool all = std::all_of(part.begin(), part.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
    return all && absl::SimpleAtoi(ToAbsl(part), &out);
  };
  if (!digits(0, 4, day.year) || !digits(5, 2, day.month) || !digits(8, 2, day.day)) return std::nullopt;
  const absl::CivilDay civil(day.year, day.month, day.day);
  if (civil.year() != day.year || civil.month() != day.month || civil.day() != day.day) return std::nullopt;
  return day;
}

std::optional<Instant> ParseInstant(std::string_view text) {
  absl::Time time;
  std::string error;
  // ParseTime also knows "infinite-future"; a stored time is finite.
  if (text.empty() || !std::isdigit(static_cast<unsigned char>(text[0]))) return std::nullopt;
  if (!absl::ParseTime(absl::RFC3339_full, ToAbsl(text), &time, &error)) return std::nullopt;
  const int64_t seconds = absl::ToUnixSeconds(time);
  const int64_t nanos = absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds));
  return Instant{seconds, static_cast<int32_t>(nanos)};
}

template <typename Stored, typename Parsed>
Value ParseInteger(std::string_view text) {
  Parsed number = 0;
  if (!absl::SimpleAtoi(ToAbsl(text), &number)) return {};
  return std::in_range<Stored>(number) ? Value(number) : Value();
}

Value ValueOf(const Message& message, const FieldDescriptor& field) {
  if (IsTimestamp(field)) {
    const auto& time = static_cast<const google::protobuf::Timestamp&>(message);
    return Instant{time.seconds(), time.nanos()};
  }
  const auto& date = static_cast<const google::type::Date&>(message);
  return Day{date.year(), date.month(), date.day()};
}

}  // namespace

bool IsOrdered(const FieldDescriptor& field) {
  return field.cpp_type() != FieldDescriptor::CPPTYPE_BOOL && field.cpp_type() != FieldDescriptor::CPPTYPE_ENUM;
}

Value ParseValue(const FieldDescriptor& field, std::string_view text) {
  if (IsTimestamp(field)) {
    const auto instant = ParseInstant(text);
    return instant ? Value(*instant) : Value();
  }
  if (IsDate(field)) {
    const auto day = ParseDay(text);
    return day ? Value(*day) : Value();
  }
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return std::string(text);
    case FieldDescriptor::CPPTYPE_INT32:
      return ParseInteger<int32_t, int64_t>(text);
    case FieldDescriptor::CPPTYPE_INT64:
      return ParseInteger<int64_t, int64_t>(text);
    case FieldDescriptor::CPPTYPE_UINT32:
      return ParseInteger<uint32_t, uint64_t>(text);
    case FieldDescriptor::CPPTYPE_UINT64:
      return ParseInteger<uint64_t, uint64_t>(text);
    case FieldDescriptor::CPPTYPE_BOOL:
      if (text == "true") return true;
      if (text == "false") return false;
      return {};
    case FieldDescriptor::CPPTYPE_ENUM: {
      const auto* value = field.enum_type()->FindValueByName(std::string(text));
      return value == nullptr ? Value() : Value(int64_t{value->number()});
    }
    case FieldDescriptor::CPPTYPE_FLOAT:
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      double number = 0;
      if (!absl::SimpleAtod(ToAbsl(text), &number) || number != number) return {};
      return number;
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return {};
  }
  return {};
}

std::string_view KindOfValue(const FieldDescriptor& field) {
  if (IsTimestamp(field)) return "an RFC 3339 time";
  if (IsDate(field)) return "a date (YYYY-MM-DD)";
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return "true or false";
    case FieldDescriptor::CPPTYPE_ENUM:
      return "a value's name";
    case FieldDescriptor::CPPTYPE_STRING:
      return "a text";
    default:
      return "a number in range";
  }
}

// ---- Values of messages
// ------------------------------------------------------------------------------------------------

Value Read(const Message& message, const FieldDescriptor& field, int index) {
  const Reflection& from = *message.GetReflection();
  const bool element = index >= 0;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return element ? from.GetRepeatedString(message, &field, index) : from.GetString(message, &field);
    case FieldDescriptor::CPPTYPE_INT32:
      return int64_t{element ? from.GetRepeatedInt32(message, &field, index) : from.GetInt32(message, &field)};
    case FieldDescriptor::CPPTYPE_INT64:
      return int64_t{element ? from.GetRepeatedInt64(message, &field, index) : from.GetInt64(message, &field)};
    case FieldDescriptor::CPPTYPE_UINT32:
      return uint64_t{element ? from.GetRepeatedUInt32(message, &field, index) : from.GetUInt32(message, &field)};
    case FieldDescriptor::CPPTYPE_UINT64:
      return uint64_t{element ? from.GetRepeatedUInt64(message, &field, index) : from.GetUInt64(message, &field)};
    case FieldDescriptor::CPPTYPE_BOOL:
      return element ? from.GetRepeatedBool(message, &field, index) : from.GetBool(message, &field);
    case FieldDescriptor::CPPTYPE_ENUM:
      return int64_t{element ? from.GetRepeatedEnumValue(message, &field, index) : from.GetEnumValue(message, &field)};
    case FieldDescriptor::CPPTYPE_FLOAT:
      return double{element ? from.GetRepeatedFloat(message, &field, index) : from.GetFloat(message, &field)};
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return element ? from.GetRepeatedDouble(message, &field, index) : from.GetDouble(message, &field);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return ValueOf(element ? from.GetRepeatedMessage(message, &field, index) : from.GetMessage(message, &field),
                     field);
  }
  return {};
}

bool Holds(const Value& left, Operator op, const Value& right) {
  switch (op) {
    case Operator::kEqual:
    case Operator::kHas:
      return left == right;
    case Operator::kNotEqual:
      return left != right;
    case Operator::kLess:
      return left < right;
    case Operator::kLessOrEqual:
      return left <= right;
    case Operator::kGreater:
      return left > right;
    case Operator::kGreaterOrEqual:
      return left >= right;
    case Operator::kPresent:
      return true;
  }
  return false;
}

std::optional<std::string> TextOf(const FieldDescriptor& field, const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* number = std::get_if<uint64_t>(&value)) return Cat(*number);
  const auto* number = std::get_if<int64_t>(&value);
  if (number == nullptr) return std::nullopt;
  if (field.cpp_type() != FieldDescriptor::CPPTYPE_ENUM) return Cat(*number);
  return field.enum_type()->FindValueByNumber(static_cast<int>(*number))->name();
}

}  // namespace trialog::rpc::filter
