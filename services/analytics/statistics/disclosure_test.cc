#include "services/analytics/statistics/disclosure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <numeric>
#include <random>

namespace trialog::analytics {
namespace {

using testing::ElementsAre;

// Tries every table of non-negative counts that agrees with all shown cells and all margins, and keeps the least and
// the greatest count of each cell: what an attacker without further knowledge can find out, at most.
class Attacker {
 public:
  Attacker(const CountTable& table, const std::vector<bool>& hidden)
      : columns_(table.columns), hidden_(hidden), cells_(table.cells), found_(table.cells.size(), {kNone, -1}) {
    for (size_t r = 0; r < table.rows; ++r) row_left_.push_back(table.RowTotal(r));
    for (size_t c = 0; c < table.columns; ++c) column_left_.push_back(table.ColumnTotal(c));
    for (size_t i = 0; i < cells_.size(); ++i) {
      if (hidden_[i]) continue;
      row_left_[i / columns_] -= cells_[i];
      column_left_[i % columns_] -= cells_[i];
    }
    Try(0);
  }
  Bounds Found(size_t cell) const { return found_[cell]; }

 private:
  static constexpr int64_t kNone = std::numeric_limits<int64_t>::max();

  void Try(size_t i) {
    if (i > 0 && i % columns_ == 0 && row_left_[i / columns_ - 1] != 0) return;
    if (i == cells_.size()) {
      if (std::any_of(column_left_.begin(), column_left_.end(), [](int64_t left) { return left != 0; })) return;
      for (size_t c = 0; c < cells_.size(); ++c) {
        found_[c] = {std::min(found_[c].low, cells_[c]), std::max(found_[c].high, cells_[c])};
      }
      return;
    }
    if (!hidden_[i]) return Try(i + 1);
    int64_t& row = row_left_[i / columns_];
    int64_t& column = column_left_[i % columns_];
    const int64_t most = std::min(row, column);
    for (int64_t x = 0; x <= most; ++x) {
      cells_[i] = x;
      row -= x;
      column -= x;
      Try(i + 1);
      row += x;
      column += x;
    }
  }

  size_t columns_;
  std::vector<bool> hidden_;
  std::vector<int64_t> cells_, row_left_, column_left_;
  std::vector<Bounds> found_;
};

CountTable RandomTable(std::mt19937& random) {
  CountTable table{.rows = 2 + random() % 2, .columns = 2 + random() % 2};
  for (size_t i = 0; i < table.rows * table.columns; ++i) table.cells.push_back(static_cast<int64_t>(random() % 11));
  return table;
}

TEST(FeasibleBounds, AreExactlyWhatAnAttackerFinds) {
  const unsigned seed = 20240607;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 300; ++round) {
    const CountTable table = RandomTable(random);
    std::vector<bool> hidden;
    for (size_t i = 0; i < table.cells.size(); ++i) hidden.push_back(random() % 2 == 0);
    const Attacker attacker(table, hidden);
    for (size_t i = 0; i < table.cells.size(); ++i) {
      const Bounds bounds = FeasibleBounds(table, hidden, i / table.columns, i % table.columns);
      ASSERT_EQ(bounds.low, attacker.Found(i).low) << "round " << round << " cell " << i;
      ASSERT_EQ(bounds.high, attacker.Found(i).high) << "round " << round << " cell " << i;
    }
  }
}

TEST(Protect, LeavesNoSensitiveCellToAnAttacker) {
  const unsigned seed = 19580601;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  int shown_tables = 0;
  int with_sensitive_cells = 0;
  for (int round = 0; round < 400; ++round) {
    const CountTable table = RandomTable(random);
    const ShownTable shown = Protect(table);
    if (shown.nothing_shown) continue;
    ++shown_tables;
    const Attacker attacker(table, shown.hidden);
    for (size_t i = 0; i < table.cells.size(); ++i) {
      if (!IsSensitive(table.cells[i])) continue;
      ++with_sensitive_cells;
      const Bounds found = attacker.Found(i);
      ASSERT_GE(found.high - found.low, kThreshold) << "round " << round << " cell " << i;
    }
  }
  EXPECT_GT(shown_tables, 100);  // The property must not hold for want of tables.
  EXPECT_GT(with_sensitive_cells, 100);
}

TEST(Protect, HidesNothingWithoutSensitiveCells) {
  const ShownTable shown = Protect({.rows = 2, .columns = 2, .cells = {5, 0, 7, 9}});
  EXPECT_THAT(shown.hidden, ElementsAre(false, false, false, false));
}

TEST(Protect, HidesOneMoreCellInEachLineOfASensitiveOne) {
  const ShownTable shown = Protect({.rows = 3, .columns = 3, .cells = {3, 10, 20, 11, 12, 30, 21, 31, 41}});
  EXPECT_THAT(shown.hidden, ElementsAre(true, true, false, true, true, false, false, false, false));
}

TEST(Protect, ShowsNothingWhereAMarginIsSensitive) {
  EXPECT_TRUE(Protect({.rows = 2, .columns = 2, .cells = {1, 2, 10, 20}}).nothing_shown);
}

TEST(Protect, ShowsNothingOfATableTooLargeToProtect) {
  EXPECT_TRUE(Protect({.rows = 41, .columns = 1, .cells = std::vector<int64_t>(41, 100)}).nothing_shown);
}

TEST(Protect, GivesTheSamePatternForTheSameTable) {
  const CountTable table{.rows = 3, .columns = 3, .cells = {3, 9, 9, 9, 9, 9, 9, 9, 9}};
  EXPECT_EQ(Protect(table).hidden, Protect(table).hidden);
}

TEST(ProtectParts, HidesTheNextSmallestPartBesideASingleSensitiveOne) {
  EXPECT_THAT(ProtectParts({30, 2, 8, 12}), ElementsAre(false, true, true, false));
}

TEST(ProtectParts, HidesASecondPartWhenTwoSensitiveOnesAreStillFew) {
  EXPECT_THAT(ProtectParts({1, 2, 8, 30}), ElementsAre(true, true, true, false));
}

TEST(ProtectParts, AreEnoughThemselvesWhenSeveralAreSensitive) {
  EXPECT_THAT(ProtectParts({36, 4, 4, 2, 1}), ElementsAre(false, true, true, true, true));
}

TEST(ProtectParts, NeverLeavesASensitivePartToSubtraction) {
  const unsigned seed = 7;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 2000; ++round) {
    CountTable line{.rows = 1, .columns = 2 + random() % 5};
    for (size_t i = 0; i < line.columns; ++i) line.cells.push_back(static_cast<int64_t>(random() % 14));
    const std::vector<bool> hidden = ProtectParts(line.cells);
    int64_t hidden_sum = 0;
    int64_t hidden_count = 0;
    bool sensitive = false;
    for (size_t i = 0; i < line.columns; ++i) {
      hidden_sum += hidden[i] ? line.cells[i] : 0;
      hidden_count += hidden[i];
      sensitive |= IsSensitive(line.cells[i]);
      EXPECT_TRUE(hidden[i] || !IsSensitive(line.cells[i]));
    }
    if (!sensitive || line.Total() < kThreshold) continue;
    EXPECT_GE(hidden_count, 2);
    EXPECT_GE(hidden_sum, kThreshold);
  }
}

TEST(ShowAttrition, ShowsCountsThatAreFarApart) {
  const ShownAttrition shown = ShowAttrition({228, 138, 100});
  EXPECT_EQ(shown.remaining[1], (Shown{Shown::kExact, 138}));
  EXPECT_EQ(shown.excluded[0], (Shown{Shown::kExact, 90}));
}

TEST(ShowAttrition, HidesACountThatWouldGiveAFewPeopleAway) {
  const ShownAttrition shown = ShowAttrition({228, 226, 100});
  EXPECT_EQ(shown.excluded[0], (Shown{Shown::kBelow, 5}));
  EXPECT_EQ(shown.remaining[0], (Shown{Shown::kExact, 228}));
  EXPECT_EQ(shown.remaining[1].kind, Shown::kHidden);
  EXPECT_EQ(shown.excluded[1].kind, Shown::kHidden);
  EXPECT_EQ(shown.remaining[2], (Shown{Shown::kExact, 100}));
}

TEST(ShowAttrition, PrefersTheCohortsSizeToTheStart) {
  const ShownAttrition shown = ShowAttrition({228, 227});
  EXPECT_EQ(shown.remaining[0].kind, Shown::kHidden);
  EXPECT_EQ(shown.remaining[1], (Shown{Shown::kExact, 227}));
}

TEST(ShowAttrition, NoTwoShownCountsDifferByAFew) {
  const unsigned seed = 11;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 2000; ++round) {
    std::vector<int64_t> counts = {60};
    while (counts.size() < 6)
      counts.push_back(std::max<int64_t>(0, counts.back() - static_cast<int64_t>(random() % 14)));
    const ShownAttrition shown = ShowAttrition(counts);
    for (size_t a = 0; a < counts.size(); ++a) {
      EXPECT_TRUE(shown.remaining[a].kind != Shown::kExact || !IsSensitive(counts[a]));
      for (size_t b = 0; b < a; ++b) {
        if (shown.remaining[a].kind != Shown::kExact || shown.remaining[b].kind != Shown::kExact) continue;
        EXPECT_FALSE(IsSensitive(counts[b] - counts[a]));
      }
    }
  }
}

TEST(FiguresToShow, AreNoneOfFewerThanTheThreshold) {
  const ShownFigures shown = FiguresToShow({1, 2, 3, 4});
  EXPECT_FALSE(shown.moments || shown.median || shown.minimum || shown.maximum);
}

TEST(FiguresToShow, QuantilesNeedTheThresholdOnEachSide) {
  std::vector<double> values(9);
  std::iota(values.begin(), values.end(), 0);
  EXPECT_TRUE(FiguresToShow(values).median);
  EXPECT_FALSE(FiguresToShow(values).lower_quartile);
  values.resize(17);
  std::iota(values.begin(), values.end(), 0);
  EXPECT_TRUE(FiguresToShow(values).lower_quartile);
  EXPECT_TRUE(FiguresToShow(values).upper_quartile);
}

TEST(FiguresToShow, ExtremesNeedTheThresholdSharingThem) {
  const ShownFigures shown = FiguresToShow({0, 0, 0, 0, 0, 1, 2, 3, 9});
  EXPECT_TRUE(shown.minimum);
  EXPECT_FALSE(shown.maximum);
}

TEST(ShowCurve, EndsWhereTooFewAreAtRisk) {
  std::vector<Survival> subjects;
  for (int day = 1; day <= 8; ++day) subjects.push_back({static_cast<double>(day), true});
  const KaplanMeierCurve shown = ShowCurve(KaplanMeier(subjects));
  ASSERT_EQ(shown.steps.size(), 4u);
  EXPECT_EQ(shown.steps.back().at_risk, 5);
  EXPECT_EQ(shown.median, 4);
  EXPECT_EQ(shown.median_upper, std::nullopt);  // Lies beyond the last step shown.
}

TEST(ShowCurve, ShowsNothingOfAFewPeople) {
  const KaplanMeierCurve shown = ShowCurve(KaplanMeier({{1, true}, {2, true}, {3, true}, {4, true}}));
  EXPECT_TRUE(shown.steps.empty());
  EXPECT_EQ(shown.median, std::nullopt);
}

}  // namespace
}  // namespace trialog::analytics
