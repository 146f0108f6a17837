// For tests: the lung data (tests/data/README.md) as a trial gives it, with dates and a state but no survival time.
#pragma once

#include <chrono>
#include <string>

#include "platform/text/text.h"
#include "services/analytics/domain/rows.h"
#include "services/analytics/statistics/lung_data.h"
#include "trialog/analytics/v1/analysis.pb.h"

namespace trialog::analytics {

struct LungDataset {
  Columns columns;
  Rows rows;
};

inline void SetDate(event::v1::Value& value, int days) {
  const std::chrono::year_month_day day{std::chrono::sys_days(std::chrono::days(days))};
  value.mutable_date()->set_year(static_cast<int>(day.year()));
  value.mutable_date()->set_month(static_cast<int>(static_cast<unsigned>(day.month())));
  value.mutable_date()->set_day(static_cast<int>(static_cast<unsigned>(day.day())));
}

inline LungDataset ReadLungDataset(const std::string& path) {
  LungDataset lung;
  const std::pair<const char*, v1::ColumnType> columns[] = {
      {"enroll_date", v1::COLUMN_TYPE_DATE}, {"last_contact_date", v1::COLUMN_TYPE_DATE},
      {"state", v1::COLUMN_TYPE_TEXT},       {"sex", v1::COLUMN_TYPE_INTEGER},
      {"inst", v1::COLUMN_TYPE_INTEGER},     {"wt.loss", v1::COLUMN_TYPE_DECIMAL},
      {"ph.ecog", v1::COLUMN_TYPE_INTEGER}};
  for (const auto& [name, type] : columns) {
    v1::Column& column = *lung.columns.Add();
    column.set_name(name);
    column.set_type(type);
  }
  const LungData data = LungData::Read(path);
  int number = 0;
  for (auto source : data.rows) {
    v1::DataRow& row = *lung.rows.Add();
    row.set_subject(Cat("subject-", ++number));
    SetDate(*row.add_values(), 10'000 + number);
    SetDate(*row.add_values(), 10'000 + number + static_cast<int>(*source["time"]));
    row.add_values()->set_text(*source["status"] == 1 ? "DECEASED" : "FOLLOW_UP");
    for (const char* name : {"sex", "inst", "wt.loss", "ph.ecog"}) {
      event::v1::Value& value = *row.add_values();
      if (!source[name])
        value.set_missing(event::v1::MISSING_CODE_NOT_AVAILABLE);
      else if (std::string_view(name) == "wt.loss")
        value.mutable_decimal()->set_units(static_cast<int64_t>(*source[name]));
      else
        value.set_integer(static_cast<int64_t>(*source[name]));
    }
  }
  return lung;
}

// Survival from enrolment to death, grouped by a column; empty: not grouped.
inline v1::SurvivalSpec LungSurvivalBy(const std::string& column) {
  v1::SurvivalSpec spec;
  spec.set_start_column("enroll_date");
  spec.set_end_column("last_contact_date");
  spec.set_event_column("state");
  spec.mutable_event_value()->set_text("DECEASED");
  spec.set_group_column(column);
  return spec;
}

}  // namespace trialog::analytics
