#include "services/analytics/domain/rows.h"

#include <chrono>
#include <set>

#include "platform/errors/errors.h"
#include "platform/text/text.h"

namespace trialog::analytics {
namespace {

using event::v1::Value;

constexpr uint32_t kMaxScale = 9;
constexpr size_t kMaxText = 1024;

bool IsColumnName(std::string_view name) {
  if (name.empty() || name.size() > 63) return false;
  for (char c : name) {
    const bool fits =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
    if (!fits) return false;
  }
  return true;
}

std::optional<std::chrono::sys_days> CompleteDate(const google::type::Date& date) {
  const std::chrono::year_month_day day{std::chrono::year(date.year()),
                                        std::chrono::month(static_cast<unsigned>(date.month())),
                                        std::chrono::day(static_cast<unsigned>(date.day()))};
  if (date.year() < 1 || date.year() > 9999 || !day.ok()) return std::nullopt;
  return std::chrono::sys_days(day);
}

// value × 10^9, exact in 128 bits for every scale up to 9.
std::optional<__int128> Nano(const Value& value) {
  __int128 units = 0;
  uint32_t scale = 0;
  if (value.kind_case() == Value::kInteger) {
    units = value.integer();
  } else if (value.kind_case() == Value::kDecimal && value.decimal().scale() <= kMaxScale) {
    units = value.decimal().units();
    scale = value.decimal().scale();
  } else {
    return std::nullopt;
  }
  for (uint32_t s = scale; s < kMaxScale; ++s) units *= 10;
  return units;
}

template <typename T>
int Order(const T& a, const T& b) {
  return a < b ? -1 : (b < a ? 1 : 0);
}

std::string DecimalText(const event::v1::Decimal& decimal) {
  const bool negative = decimal.units() < 0;
  std::string digits =
      Cat(negative ? 0 - static_cast<uint64_t>(decimal.units()) : static_cast<uint64_t>(decimal.units()));
  const size_t scale = std::min(decimal.scale(), kMaxScale);
  while (digits.size() <= scale) digits.insert(digits.begin(), '0');
  if (scale > 0) {
    digits.insert(digits.end() - static_cast<std::ptrdiff_t>(scale), '.');
    while (digits.back() == '0') digits.pop_back();  // 2.50 and 2.5 are one group.
    if (digits.back() == '.') digits.pop_back();
  }
  return Cat(negative ? "-" : "", digits);
}

}  // namespace

absl::Status CheckColumns(const Columns& columns, std::string_view field) {
  if (columns.empty()) return BadField(field, "COLUMNS_MISSING", "give at least one column");
  if (columns.size() > kMaxColumns)
    return BadField(field, "TOO_MANY_COLUMNS", Cat("at most ", kMaxColumns, " columns"));
  std::set<std::string_view> names;
  for (int i = 0; i < columns.size(); ++i) {
    const std::string at = Cat(field, "[", i, "]");
    const v1::Column& column = columns[i];
    if (!IsColumnName(column.name())) {
      return BadField(Cat(at, ".name"), "BAD_COLUMN_NAME", "letters, digits, '_' and '.', at most 63");
    }
    if (!names.insert(column.name()).second) return BadField(Cat(at, ".name"), "COLUMN_TWICE", "names must differ");
    if (column.type() == v1::COLUMN_TYPE_UNSPECIFIED || !v1::ColumnType_IsValid(column.type())) {
      return BadField(Cat(at, ".type"), "BAD_COLUMN_TYPE", "give the column's type");
    }
  }
  return absl::OkStatus();
}

bool Fits(const Value& value, v1::ColumnType type) {
  switch (value.kind_case()) {
    case Value::kMissing:
      return true;
    case Value::kText:
      return type == v1::COLUMN_TYPE_TEXT && value.text().size() <= kMaxText;
    case Value::kInteger:
      return type == v1::COLUMN_TYPE_INTEGER;
    case Value::kDecimal:
      return type == v1::COLUMN_TYPE_DECIMAL && value.decimal().scale() <= kMaxScale;
    case Value::kBoolean:
      return type == v1::COLUMN_TYPE_BOOLEAN;
    case Value::kDate:
      return type == v1::COLUMN_TYPE_DATE && value.date().year() >= 1 && value.date().year() <= 9999;
    case Value::KIND_NOT_SET:
      return false;
  }
  return false;
}

absl::Status CheckRows(const Columns& columns, const Rows& rows) {
  if (rows.size() > kMaxRows) return BadField("rows", "TOO_MANY_ROWS", Cat("at most ", kMaxRows, " rows"));
  std::set<std::string_view> subjects;
  for (int r = 0; r < rows.size(); ++r) {
    const v1::DataRow& row = rows[r];
    if (row.subject().empty() || row.subject().size() > 255) {
      return BadField(Cat("rows[", r, "].subject"), "BAD_SUBJECT_KEY", "a code of 1 to 255 bytes");
    }
    if (!subjects.insert(row.subject()).second) {
      return BadField(Cat("rows[", r, "].subject"), "SUBJECT_TWICE", "one row a subject");
    }
    if (row.values_size() != columns.size()) {
      return BadField(Cat("rows[", r, "].values"), "WRONG_VALUE_COUNT", "one value a column");
    }
    for (int c = 0; c < columns.size(); ++c) {
      if (!Fits(row.values(c), columns[c].type())) {
        return BadField(Cat("rows[", r, "].values[", c, "]"), "WRONG_VALUE_TYPE",
                        "a value of the column's type, or missing");
      }
    }
  }
  return absl::OkStatus();
}

std::optional<int> ColumnIndex(const Columns& columns, std::string_view name) {
  for (int i = 0; i < columns.size(); ++i) {
    if (columns[i].name() == name) return i;
  }
  return std::nullopt;
}

bool IsMissing(const Value& value) {
  return value.kind_case() == Value::kMissing || value.kind_case() == Value::KIND_NOT_SET;
}

std::optional<int> Compare(const Value& a, const Value& b) {
  const auto left = Nano(a);
  const auto right = Nano(b);
  if (left && right) return Order(*left, *right);
  if (a.kind_case() != b.kind_case()) return std::nullopt;
  if (a.kind_case() == Value::kText) return Order(a.text(), b.text());
  if (a.kind_case() == Value::kBoolean) return Order(a.boolean(), b.boolean());
  const auto day_a = AsDay(a);
  const auto day_b = AsDay(b);
  if (day_a && day_b) return Order(*day_a, *day_b);
  return std::nullopt;
}

std::optional<double> AsNumber(const Value& value) {
  if (value.kind_case() == Value::kInteger) return static_cast<double>(value.integer());
  const auto nano = Nano(value);
  if (!nano) return std::nullopt;
  // One correctly rounded division: 2.5 given as 25/10 or 2500/1000 is the same double.
  double divisor = 1;
  for (uint32_t s = 0; s < value.decimal().scale(); ++s) divisor *= 10;
  return static_cast<double>(value.decimal().units()) / divisor;
}

std::optional<int64_t> AsDay(const Value& value) {
  if (value.kind_case() != Value::kDate) return std::nullopt;
  const auto day = CompleteDate(value.date());
  if (!day) return std::nullopt;
  return day->time_since_epoch().count();
}

std::string ValueText(const Value& value) {
  switch (value.kind_case()) {
    case Value::kText:
      return value.text();
    case Value::kInteger:
      return Cat(value.integer());
    case Value::kDecimal:
      return DecimalText(value.decimal());
    case Value::kBoolean:
      return value.boolean() ? "true" : "false";
    case Value::kDate: {
      const auto padded = [](int number, size_t width) {
        std::string digits = Cat(number);
        std::string text;
        for (size_t i = digits.size(); i < width; ++i) text += '0';
        text += digits;
        return text;
      };
      return Cat(padded(value.date().year(), 4), "-", padded(value.date().month(), 2), "-",
                 padded(value.date().day(), 2));
    }
    case Value::kMissing:
    case Value::KIND_NOT_SET:
      return {};
  }
  return {};
}

}  // namespace trialog::analytics
