// Typed rows: what may stand in a dataset version, and how values are read.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "trialog/analytics/v1/dataset.pb.h"

namespace trialog::analytics {

inline constexpr int kMaxColumns = 500;
inline constexpr int kMaxRows = 100'000;

using Columns = google::protobuf::RepeatedPtrField<v1::Column>;
using Rows = google::protobuf::RepeatedPtrField<v1::DataRow>;

// Names, types and uniqueness of columns. Refuses with BadField under `field`.
absl::Status CheckColumns(const Columns& columns, std::string_view field);

// Subject keys unique and not empty, one value of the column's type (or missing) in each place.
absl::Status CheckRows(const Columns& columns, const Rows& rows);

// Whether a value, or that it is missing, may stand in a column of this type.
bool Fits(const event::v1::Value& value, v1::ColumnType type);

// Place of a column, or none.
std::optional<int> ColumnIndex(const Columns& columns, std::string_view name);

bool IsMissing(const event::v1::Value& value);

// Exact order of two present values of comparable types: negative, zero or positive; none when they do not compare
// (different types, or a date of which month or day is unknown and whose order therefore is too).
std::optional<int> Compare(const event::v1::Value& a, const event::v1::Value& b);

// A number as a double; none when the value is missing or no number.
std::optional<double> AsNumber(const event::v1::Value& value);

// Days since 1970-01-01 of a complete date; none otherwise.
std::optional<int64_t> AsDay(const event::v1::Value& value);

// How a group value is shown: "1", "2.5", "true", "2024-01-31" or the text itself.
std::string ValueText(const event::v1::Value& value);

}  // namespace trialog::analytics
