#include "services/trials/domain/adherence_summary.h"

#include "gtest/gtest.h"
#include "services/trials/domain/calendar.h"
#include "services/trials/domain/exact.h"

namespace trialog::trials {
namespace {

using Distribution = v1::MedicationDistribution;
using Dose = v1::AdherenceLog;

Distribution Fill(const std::string& id, int64_t day, int64_t units, int32_t doses_per_day = 1) {
  Distribution distribution;
  distribution.set_name("organizations/o/patients/p/medicationDistributions/" + id);
  distribution.set_medication_name(id.substr(0, 1));
  *distribution.mutable_distribution_date() = DateOf(day);
  distribution.mutable_quantity()->set_units(units);
  distribution.mutable_units_per_dose()->set_units(1);
  distribution.set_doses_per_day(doses_per_day);
  return distribution;
}

Dose Taken(const Distribution& distribution, int64_t seconds, Dose::AdherenceState state, int32_t offset = 0) {
  Dose dose;
  dose.set_distribution(distribution.name());
  dose.mutable_planned_time()->set_seconds(seconds);
  dose.set_adherence_state(state);
  dose.set_utc_offset_minutes(offset);
  return dose;
}

std::string Text(const event::v1::Decimal& decimal) {
  EXPECT_EQ(decimal.scale(), 4u);
  return std::to_string(decimal.units());
}

TEST(Ratio, IsRoundedHalfUpAtTheFourthPlace) {
  EXPECT_EQ(Text(Ratio(1, 3)), "3333");
  EXPECT_EQ(Text(Ratio(2, 3)), "6667");
  EXPECT_EQ(Text(Ratio(1, 20000)), "1");
  EXPECT_EQ(Text(Ratio(1, 20001)), "0");
  EXPECT_EQ(Text(Ratio(0, 7)), "0");
}

TEST(DaysOfSupply, IsExactAcrossScalesAndRoundedDown) {
  event::v1::Quantity quantity, returned;
  event::v1::Decimal dose;
  quantity.set_units(100);
  quantity.set_scale(1);  // 10.0
  dose.set_units(15);
  dose.set_scale(1);  // 1.5, twice a day: 3 a day.
  EXPECT_EQ(DaysOfSupply(quantity, returned, dose, 2), 3);
  returned.set_units(1001);
  returned.set_scale(3);  // 1.001: 8.999 are left.
  EXPECT_EQ(DaysOfSupply(quantity, returned, dose, 2), 2);
  EXPECT_EQ(DaysOfSupply(quantity, quantity, dose, 2), 0);
  EXPECT_EQ(DaysOfSupply(quantity, returned, dose, 0), 0);
  quantity.set_units(INT64_MAX);
  quantity.set_scale(0);
  dose.set_units(1);
  dose.set_scale(9);
  EXPECT_EQ(DaysOfSupply(quantity, returned, dose, 1), 100'000) << "bounded";
}

TEST(UseOf, ShiftsAnEarlySupplyToTheEndOfTheFormer) {
  const Supply supplies[] = {{0, 30, 1}, {20, 30, 1}, {100, 10, 1}};
  const auto use = UseOf(supplies);
  EXPECT_EQ(use[1].begin, 30);
  EXPECT_EQ(use[1].end, 60);
  EXPECT_EQ(use[2].begin, 100);
}

// Day by day from the definition: each tablet is one day of one medication.
TEST(Summarize, CountsCoveredDaysFromTheFirstSupply) {
  const Distribution fills[] = {Fill("A1", 100, 30), Fill("A2", 120, 30), Fill("A3", 180, 30)};
  const auto summary = Summarize(fills, {}, std::nullopt, 200);
  EXPECT_EQ(summary.period_days(), 100);
  EXPECT_EQ(summary.covered_days(), 80) << "100–159 and 180–199";
  EXPECT_EQ(Text(summary.proportion_of_days_covered()), "8000");
  EXPECT_TRUE(summary.adherent()) << "0.80 is enough";
  EXPECT_EQ(summary.medications(0).planned_doses(), 100);
}

TEST(Summarize, CountsFromTheGivenStartWithSuppliesCarriedOver) {
  const Distribution fills[] = {Fill("A1", 100, 30)};
  const auto summary = Summarize(fills, {}, 110, 150);
  EXPECT_EQ(summary.covered_days(), 20);
  EXPECT_EQ(summary.period_days(), 40);
  EXPECT_FALSE(summary.adherent());
}

TEST(Summarize, DayCountsOnlyWhenAllMedicationsThatHaveBegunAreCovered) {
  const Distribution fills[] = {Fill("A1", 0, 100), Fill("B1", 50, 10)};
  const auto summary = Summarize(fills, {}, std::nullopt, 100);
  EXPECT_EQ(summary.covered_days(), 60);
  EXPECT_EQ(summary.medications(0).covered_days(), 100);
  EXPECT_EQ(summary.medications(1).covered_days(), 10);
  EXPECT_EQ(summary.medications(1).period_days(), 50);
}

TEST(Summarize, WhatCameBackCoversNothing) {
  Distribution fill = Fill("A1", 0, 30);
  fill.mutable_returned_quantity()->set_units(20);
  EXPECT_EQ(Summarize({&fill, 1}, {}, std::nullopt, 30).covered_days(), 10);
}

TEST(Summarize, WithoutAPlanTheProportionIsNotKnown) {
  Distribution fill = Fill("A1", 0, 30, 0);
  const auto summary = Summarize({&fill, 1}, {}, std::nullopt, 30);
  EXPECT_FALSE(summary.has_proportion_of_days_covered());
  EXPECT_FALSE(summary.medications(0).has_proportion_of_days_covered());
  EXPECT_FALSE(Summarize({}, {}, std::nullopt, 30).has_proportion_of_days_covered());
}

TEST(Summarize, DoseLogRateIsDosesOnTimeOfThosePlanned) {
  const Distribution fill = Fill("A1", 0, 20, 2);  // 10 days, 20 doses.
  std::vector<Dose> doses;
  for (int i = 0; i < 15; ++i) doses.push_back(Taken(fill, i * 43'200, Dose::ADHERENCE_STATE_ON_TIME));
  doses.push_back(Taken(fill, 15 * 43'200, Dose::ADHERENCE_STATE_LATE));
  doses.push_back(Taken(fill, 16 * 43'200, Dose::ADHERENCE_STATE_MISSED));
  doses.push_back(Taken(fill, 17 * 43'200, Dose::ADHERENCE_STATE_EXTRA));
  const auto summary = Summarize({&fill, 1}, doses, std::nullopt, 10);
  const auto& figures = summary.medications(0);
  EXPECT_EQ(figures.planned_doses(), 20);
  EXPECT_EQ(figures.on_time_doses(), 15);
  EXPECT_EQ(figures.late_doses(), 1);
  EXPECT_EQ(figures.missed_doses(), 1);
  EXPECT_EQ(figures.extra_doses(), 1);
  EXPECT_EQ(Text(figures.dose_log_rate()), "7500");
}

TEST(Summarize, DoseCountsOnTheCalendarDayOfThePatientsClock) {
  const Distribution fill = Fill("A1", 10, 5);
  const Dose before_midnight = Taken(fill, 10 * kSecondsPerDay - 1, Dose::ADHERENCE_STATE_ON_TIME, 60);
  EXPECT_EQ(Summarize({&fill, 1}, {&before_midnight, 1}, std::nullopt, 15).medications(0).on_time_doses(), 1);
  const Dose utc = Taken(fill, 10 * kSecondsPerDay - 1, Dose::ADHERENCE_STATE_ON_TIME, 0);
  EXPECT_EQ(Summarize({&fill, 1}, {&utc, 1}, std::nullopt, 15).medications(0).on_time_doses(), 0);
}

TEST(DayNumberOfTime, IsRightBefore1970) {
  google::protobuf::Timestamp time;
  time.set_seconds(-1);
  EXPECT_EQ(DayNumber(time, 0), -1);
  time.set_seconds(-kSecondsPerDay);
  EXPECT_EQ(DayNumber(time, 0), -1);
  EXPECT_EQ(DayNumber(time, -1), -2);
}

}  // namespace
}  // namespace trialog::trials
