// Adherence figures (domain.md section 7): proportion of days covered and dose-log rate, in whole numbers throughout.
// docs/adherence.md states the formulas and their conventions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "platform/command/decision.h"
#include "trialog/trials/v1/medication.pb.h"

namespace trialog::trials {

// Longest period in days.
inline constexpr int64_t kMaxPeriodDays = 3660;
// Most distributions that one summary reads.
inline constexpr size_t kMaxSupplies = 1000;

// What was handed out of one medication on one day.
struct Supply {
  int64_t first_day = 0;  // Day number of the distribution.
  int64_t days = 0;       // How long it lasts, 0 to 100,000.
  int32_t doses_per_day = 0;
};

// One day number each, half-open [begin, end).
struct DaySpan {
  int64_t begin = 0;
  int64_t end = 0;
};

// When each supply is used: in order of first day (then as given); one that comes before the former ends starts when it
// ends.
std::vector<DaySpan> UseOf(std::span<const Supply> supplies_by_first_day);

// Figures of the days [start, end) from what the patient got and logged. `start` not set: each medication from its
// first supply, all together from the earliest. Where no supply of a medication has a plan (doses a day), its
// proportion is not known, and it does not count for all together. Medications are told apart by order, or by name
// where none is named. `distributions` are those that reached the patient, `logs` all doses of the period.
v1::AdherenceSummary Summarize(std::span<const v1::MedicationDistribution> distributions,
                               std::span<const v1::AdherenceLog> logs, std::optional<int64_t> start, int64_t end);

// Reads the state and summarizes. NOT_FOUND to those who may not see the patient's medication; BAD_PERIOD: no end, more
// than kMaxPeriodDays or the end before the start; TOO_MANY_SUPPLIES: ask for one order.
absl::StatusOr<v1::AdherenceSummary> GetAdherenceSummary(const view::State& state, const Principal& principal,
                                                         const v1::GetAdherenceSummaryRequest& request);

}  // namespace trialog::trials
