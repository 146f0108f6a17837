// A trial's coded captures as rows of typed columns: one row a subject. Pure.
#pragma once

#include "absl/status/status.h"
#include "services/analytics/domain/rows.h"
#include "trialog/analytics/v1/dataset.pb.h"
#include "trialog/trials/v1/data_capture.pb.h"

namespace trialog::analytics {

// Columns of the subject itself: "enroll_date" (DATE), "last_contact_date" (DATE: the day, in UTC, of the latest final
// capture, or of enrolment when that is later) and "state" (TEXT: "FOLLOW_UP", "DECEASED" …). Every other column is the
// item of that name in the subject's captures: of several the value of the latest one that has the item.
class TrialRows {
 public:
  // `columns` have passed CheckColumns and outlive it.
  explicit TrialRows(const Columns& columns) : columns_(columns) {}

  // Adds the subject's row. Subjects whose consent is not in force are left out. FAILED_PRECONDITION ITEM_TYPE, naming
  // the column, when a value is not of the column's type (whole numbers also stand in DECIMAL columns);
  // RESOURCE_EXHAUSTED TOO_MANY_SUBJECTS beyond kMaxRows.
  absl::Status Add(const trials::v1::ExportCodedCapturesResponse& subject);

  // The rows in the order added.
  v1::DataRows Take() { return std::move(rows_); }

 private:
  const Columns& columns_;
  v1::DataRows rows_;
};

}  // namespace trialog::analytics
