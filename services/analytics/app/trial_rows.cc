#include "services/analytics/app/trial_rows.h"

#include <chrono>
#include <map>
#include <optional>

#include "platform/errors/errors.h"
#include "platform/text/text.h"

namespace trialog::analytics {
namespace {

using event::v1::Value;
using trials::v1::CodedCapture;
using trials::v1::ExportCodedCapturesResponse;

// When a capture saw the subject: as stated, else the time that its values are about.
const google::protobuf::Timestamp& SeenAt(const CodedCapture& capture) {
  return capture.has_occur_time() ? capture.occur_time() : capture.track_time();
}

Value DateOf(const google::protobuf::Timestamp& time) {
  const auto days =
      std::chrono::floor<std::chrono::days>(std::chrono::sys_seconds(std::chrono::seconds(time.seconds())));
  const std::chrono::year_month_day day{days};
  Value value;
  value.mutable_date()->set_year(static_cast<int>(day.year()));
  value.mutable_date()->set_month(static_cast<int>(static_cast<unsigned>(day.month())));
  value.mutable_date()->set_day(static_cast<int>(static_cast<unsigned>(day.day())));
  return value;
}

Value NotPresent() {
  Value value;
  value.set_missing(event::v1::MISSING_CODE_NOT_PRESENT);
  return value;
}

Value EnrollDate(const ExportCodedCapturesResponse& subject) {
  if (subject.enroll_date().year() == 0) return NotPresent();
  Value value;
  *value.mutable_date() = subject.enroll_date();
  return value;
}

Value LastContactDate(const ExportCodedCapturesResponse& subject) {
  Value last = EnrollDate(subject);
  for (const CodedCapture& capture : subject.captures()) {
    Value seen = DateOf(SeenAt(capture));
    if (IsMissing(last) || Compare(last, seen).value_or(0) < 0) last = std::move(seen);
  }
  return last;
}

Value StateOf(const ExportCodedCapturesResponse& subject) {
  constexpr std::string_view kPrefix = "SUBJECT_STATE_";
  const std::string& name = trials::v1::SubjectState_Name(subject.subject_state());
  if (!HasPrefix(name, kPrefix)) return NotPresent();  // A state that this build does not know.
  Value value;
  value.set_text(name.substr(kPrefix.size()));
  return value;
}

// The value as the column has it; none when it does not fit there.
std::optional<Value> Fit(Value value, v1::ColumnType type) {
  if (value.kind_case() == Value::KIND_NOT_SET) return NotPresent();
  if (value.kind_case() == Value::kInteger && type == v1::COLUMN_TYPE_DECIMAL) {
    const int64_t units = value.integer();
    value.mutable_decimal()->set_units(units);
  }
  return Fits(value, type) ? std::optional(std::move(value)) : std::nullopt;
}

}  // namespace

absl::Status TrialRows::Add(const ExportCodedCapturesResponse& subject) {
  if (subject.consent_state() != trials::v1::CONSENT_STATE_GIVEN) return absl::OkStatus();
  if (rows_.rows_size() >= kMaxRows) {
    return Refuse(absl::StatusCode::kResourceExhausted, "TOO_MANY_SUBJECTS", Cat("at most ", kMaxRows, " subjects"));
  }
  std::map<std::string_view, const Value*> items;
  for (const CodedCapture& capture : subject.captures()) {  // Oldest first: later ones replace.
    for (const event::v1::NamedValue& item : capture.data_value()) items[item.name()] = &item.value();
  }
  v1::DataRow row;
  row.set_subject(subject.subject_key());
  for (const v1::Column& column : columns_) {
    Value value = NotPresent();
    if (column.name() == "enroll_date") {
      value = EnrollDate(subject);
    } else if (column.name() == "last_contact_date") {
      value = LastContactDate(subject);
    } else if (column.name() == "state") {
      value = StateOf(subject);
    } else if (const auto item = items.find(column.name()); item != items.end()) {
      value = *item->second;
    }
    auto fitting = Fit(std::move(value), column.type());
    if (!fitting) {
      return Refuse(absl::StatusCode::kFailedPrecondition, "ITEM_TYPE",
                    Cat("column ", column.name(),
                        " holds values of another type, or of more digits or letters than a column takes; "
                        "give it their type, or leave it out"));
    }
    *row.add_values() = *std::move(fitting);
  }
  *rows_.add_rows() = std::move(row);
  return absl::OkStatus();
}

}  // namespace trialog::analytics
