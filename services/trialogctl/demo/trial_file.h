// The input of the demo: a table of a survival trial, one row a patient.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace trialog::ctl::demo {

// Largest file and most rows taken.
inline constexpr size_t kMaxFileBytes = size_t{4} << 20;
inline constexpr size_t kMaxPatients = 2000;

// A row. An empty cell is nullopt where the column allows it.
struct PatientRow {
  int number = 0;  // From 1, in the file's order.
  std::optional<int> institution;
  int days = 0;  // From enrolment to death or last contact.
  bool died = false;
  int age = 0;  // Years at enrolment.
  bool male = false;
  std::optional<int> ecog;
  std::optional<int> karnofsky_by_physician;
  std::optional<int> karnofsky_by_patient;
  std::optional<int> calories;
  std::optional<int> weight_loss;  // Pounds in six months.

  bool operator==(const PatientRow&) const = default;
};

// Parses CSV whose header names the columns inst, time, status (0 alive, 1 dead), age, sex (1 male, 2 female), ph.ecog,
// ph.karno, pat.karno, meal.cal and wt.loss in any order; other columns are ignored. Numbers are whole, "3.0" included;
// a missing one is an empty cell or NA. Cells may be quoted (RFC 4180, without line breaks in a cell).
// INVALID_ARGUMENT, reason DEMO_DATA, naming line and column, for anything else.
absl::StatusOr<std::vector<PatientRow>> ParseTrialFile(std::string_view text);

// Reads and parses a file. NOT_FOUND, reason DEMO_DATA, when it cannot be read.
absl::StatusOr<std::vector<PatientRow>> ReadTrialFile(const std::string& path);

}  // namespace trialog::ctl::demo
