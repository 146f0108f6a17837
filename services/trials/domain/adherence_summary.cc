#include "services/trials/domain/adherence_summary.h"

#include <algorithm>
#include <map>
#include <utility>

#include "platform/errors/errors.h"
#include "services/trials/domain/access_care.h"
#include "services/trials/domain/calendar.h"
#include "services/trials/domain/checks.h"
#include "services/trials/domain/exact.h"
#include "services/trials/domain/tables_care.h"
#include "services/trials/domain/tables_clinical.h"

namespace trialog::trials {
namespace {

using Distribution = v1::MedicationDistribution;
using Dose = v1::AdherenceLog;

constexpr int64_t kAdherentPercent = 80;

// One medication: its supplies with a known plan by first day, and its figures as they grow.
struct Course {
  std::vector<Supply> supplies;
  std::vector<DaySpan> use;  // One entry a supply.
  int64_t first_day = 0;     // Of any supply.
  int64_t start = 0;         // First day counted.
  v1::MedicationAdherence figures;

  bool HasPlan() const { return !supplies.empty(); }
  bool Covers(int64_t day) const {
    return std::any_of(use.begin(), use.end(),
                       [&](const DaySpan& span) { return span.begin <= day && day < span.end; });
  }
};

using CourseKey = std::pair<std::string, std::string>;  // Order, or empty and the medication's name.

CourseKey KeyOf(const Distribution& distribution) {
  if (!distribution.medication_order().empty()) return {distribution.medication_order(), ""};
  return {"", distribution.medication_name()};
}

Supply SupplyOf(const Distribution& distribution) {
  return {DayNumber(distribution.distribution_date()),
          DaysOfSupply(distribution.quantity(), distribution.returned_quantity(), distribution.units_per_dose(),
                       distribution.doses_per_day()),
          distribution.doses_per_day()};
}

// Doses planned on [from, to): those of the supply in use, or of the last one used.
int64_t PlannedDoses(const Course& course, int64_t from, int64_t to) {
  int64_t doses = 0;
  for (size_t i = 0; i < course.use.size(); ++i) {
    const int64_t begin = std::max(course.use[i].begin, from);
    const int64_t end = i + 1 < course.use.size() ? std::min(course.use[i + 1].begin, to) : to;
    if (end > begin) doses += (end - begin) * course.supplies[i].doses_per_day;
  }
  return doses;
}

int64_t CoveredDays(const Course& course, int64_t from, int64_t to) {
  int64_t days = 0;
  for (const DaySpan& span : course.use)
    days += std::max<int64_t>(0, std::min(span.end, to) - std::max(span.begin, from));
  return days;
}

void Count(Dose::AdherenceState state, v1::MedicationAdherence& figures) {
  switch (state) {
    case Dose::ADHERENCE_STATE_ON_TIME:
      return figures.set_on_time_doses(figures.on_time_doses() + 1);
    case Dose::ADHERENCE_STATE_LATE:
      return figures.set_late_doses(figures.late_doses() + 1);
    case Dose::ADHERENCE_STATE_MISSED:
      return figures.set_missed_doses(figures.missed_doses() + 1);
    case Dose::ADHERENCE_STATE_EXTRA:
      return figures.set_extra_doses(figures.extra_doses() + 1);
    default:
      return;
  }
}

std::map<CourseKey, Course> Courses(std::span<const Distribution> distributions) {
  std::vector<const Distribution*> sorted;
  for (const auto& distribution : distributions) sorted.push_back(&distribution);
  std::sort(sorted.begin(), sorted.end(), [](const Distribution* a, const Distribution* b) {
    return std::pair(DayNumber(a->distribution_date()), std::string_view(a->name())) <
           std::pair(DayNumber(b->distribution_date()), std::string_view(b->name()));
  });
  std::map<CourseKey, Course> courses;
  for (const Distribution* distribution : sorted) {
    auto [entry, is_first] = courses.try_emplace(KeyOf(*distribution));
    Course& course = entry->second;
    if (is_first) course.first_day = DayNumber(distribution->distribution_date());
    if (distribution->doses_per_day() > 0) course.supplies.push_back(SupplyOf(*distribution));
    course.figures.set_medication_order(distribution->medication_order());
    course.figures.set_medication_name(distribution->medication_name());
  }
  for (auto& [key, course] : courses) course.use = UseOf(course.supplies);
  return courses;
}

void Finish(Course& course, int64_t end) {
  v1::MedicationAdherence& figures = course.figures;
  *figures.mutable_start_date() = DateOf(course.start);
  figures.set_period_days(std::max<int64_t>(0, end - course.start));
  figures.set_covered_days(CoveredDays(course, course.start, end));
  figures.set_planned_doses(PlannedDoses(course, course.start, end));
  if (figures.period_days() > 0 && course.HasPlan()) {
    *figures.mutable_proportion_of_days_covered() = Ratio(figures.covered_days(), figures.period_days());
  }
  if (figures.planned_doses() > 0) {
    *figures.mutable_dose_log_rate() = Ratio(figures.on_time_doses(), figures.planned_doses());
  }
}

// Days on which each medication with a plan that has begun by then is covered.
int64_t DaysAllCovered(const std::map<CourseKey, Course>& courses, int64_t start, int64_t end) {
  int64_t covered = 0;
  for (int64_t day = start; day < end; ++day) {
    covered += std::all_of(courses.begin(), courses.end(), [&](const auto& entry) {
      const Course& course = entry.second;
      return !course.HasPlan() || day < course.start || course.Covers(day);
    });
  }
  return covered;
}

bool ReachedPatient(const Distribution& distribution) {
  return distribution.state() == Distribution::STATE_FINALIZED ||
         distribution.state() == Distribution::STATE_ACKNOWLEDGED ||
         distribution.state() == Distribution::STATE_RETURNED;
}

absl::StatusOr<std::vector<Distribution>> ReadDistributions(const view::State& state,
                                                            const v1::GetAdherenceSummaryRequest& request) {
  std::vector<Distribution> distributions;
  bool too_many = false;
  ForEach(state, kMedicationDistributionsByPatient, view::GroupPrefix(request.parent()), [&](std::string_view name) {
    const auto distribution = state.Get<Distribution>(kMedicationDistributions, name);
    if (!distribution || !ReachedPatient(*distribution)) return true;
    if (!request.medication_order().empty() && distribution->medication_order() != request.medication_order()) {
      return true;
    }
    too_many = distributions.size() == kMaxSupplies;
    if (!too_many) distributions.push_back(*distribution);
    return !too_many;
  });
  if (too_many) {
    return BrokenRule("TOO_MANY_SUPPLIES", request.parent(), "ask for one medication order at a time");
  }
  return distributions;
}

// Doses whose day may lie in [start, end): clocks differ from UTC by less than a day.
std::vector<Dose> ReadDoses(const view::State& state, std::string_view patient, int64_t start, int64_t end) {
  google::protobuf::Timestamp from;
  from.set_seconds((start - 1) * kSecondsPerDay);
  const std::string prefix = view::GroupPrefix(patient);
  std::string after = OldestFirst(patient, from);
  constexpr size_t kBatch = 256;
  for (std::vector<Dose> doses;;) {
    const auto found = state.Scan(kDosesByPatient, prefix, kBatch, after);
    for (const auto& entry : found) {
      const auto dose = state.Get<Dose>(kAdherenceLogs, entry.name);
      if (!dose) continue;
      if (DayNumber(DoseTime(*dose), 0) > end) return doses;
      doses.push_back(*dose);
    }
    if (found.size() < kBatch) return doses;
    after = found.back().key;
  }
}

}  // namespace

std::vector<DaySpan> UseOf(std::span<const Supply> supplies_by_first_day) {
  std::vector<DaySpan> use;
  for (const Supply& supply : supplies_by_first_day) {
    const int64_t begin = use.empty() ? supply.first_day : std::max(supply.first_day, use.back().end);
    use.push_back({begin, begin + supply.days});
  }
  return use;
}

v1::AdherenceSummary Summarize(std::span<const Distribution> distributions, std::span<const Dose> logs,
                               std::optional<int64_t> start, int64_t end) {
  std::map<CourseKey, Course> courses = Courses(distributions);
  int64_t earliest = start.value_or(end);
  for (auto& [key, course] : courses) {
    course.start = start.value_or(course.first_day);
    earliest = std::min(earliest, course.start);
  }
  std::map<std::string_view, Course*> course_of;
  for (const auto& distribution : distributions) course_of[distribution.name()] = &courses[KeyOf(distribution)];
  for (const Dose& dose : logs) {
    const auto course = course_of.find(dose.distribution());
    if (course == course_of.end()) continue;
    const int64_t day = DayNumber(DoseTime(dose), dose.utc_offset_minutes());
    if (day >= course->second->start && day < end) Count(dose.adherence_state(), course->second->figures);
  }

  v1::AdherenceSummary summary;
  for (auto& [key, course] : courses) {
    Finish(course, end);
    *summary.add_medications() = course.figures;
  }
  *summary.mutable_start_date() = DateOf(earliest);
  *summary.mutable_end_date() = DateOf(end);
  summary.set_period_days(std::max<int64_t>(0, end - earliest));
  const bool planned = std::any_of(courses.begin(), courses.end(), [](const auto& e) { return e.second.HasPlan(); });
  if (planned && summary.period_days() > 0) {
    summary.set_covered_days(DaysAllCovered(courses, earliest, end));
    *summary.mutable_proportion_of_days_covered() = Ratio(summary.covered_days(), summary.period_days());
    summary.set_adherent(summary.covered_days() * 100 >= summary.period_days() * kAdherentPercent);
  }
  return summary;
}

absl::StatusOr<v1::AdherenceSummary> GetAdherenceSummary(const view::State& state, const Principal& principal,
                                                         const v1::GetAdherenceSummaryRequest& request) {
  if (auto s = RequireSelfOrProvider(state, principal, request.parent()); !s.ok()) return s;
  if (!IsFullDate(request.end_date())) return BadField("end_date", "BAD_PERIOD", "needs year, month and day");
  const int64_t end = DayNumber(request.end_date());
  std::optional<int64_t> start;
  if (request.has_start_date()) {
    if (!IsFullDate(request.start_date())) return BadField("start_date", "BAD_PERIOD", "needs year, month and day");
    start = DayNumber(request.start_date());
    if (*start >= end || end - *start > kMaxPeriodDays) {
      return BadField("end_date", "BAD_PERIOD", "must be 1 to 3660 days after the first day");
    }
  }
  auto distributions = ReadDistributions(state, request);
  if (!distributions.ok()) return distributions.status();
  // What begins after the period says nothing about it.
  std::erase_if(*distributions, [&](const Distribution& d) { return DayNumber(d.distribution_date()) >= end; });
  int64_t first = start.value_or(end);
  for (const auto& distribution : *distributions) first = std::min(first, DayNumber(distribution.distribution_date()));
  if (!start && end - first > kMaxPeriodDays) {
    return BadField("start_date", "BAD_PERIOD",
                    "say the first day: there are supplies more than 3660 days before the end");
  }
  v1::AdherenceSummary summary =
      Summarize(*distributions, ReadDoses(state, request.parent(), start.value_or(first), end), start, end);
  summary.set_patient(request.parent());
  return summary;
}

}  // namespace trialog::trials
