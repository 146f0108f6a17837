// Statistical disclosure control: which counts and figures may be shown (Handbook on Statistical Disclosure Control,
// chapters on tables and on rules of thumb for outputs). Pure and deterministic: the same input gives the same pattern.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "services/analytics/statistics/kaplan_meier.h"

namespace trialog::analytics {

// Counts from 1 to below it tell about few people.
inline constexpr int64_t kThreshold = 5;
// Largest table that is protected, rows and columns each.
inline constexpr size_t kMaxTableSide = 40;

constexpr bool IsSensitive(int64_t count, int64_t threshold = kThreshold) { return count >= 1 && count < threshold; }

// A two-way table of counts, of which row sums, column sums and the total are published as well.
struct CountTable {
  size_t rows = 0;
  size_t columns = 0;
  std::vector<int64_t> cells;  // Row by row; not negative.

  int64_t at(size_t row, size_t column) const { return cells[row * columns + column]; }
  int64_t RowTotal(size_t row) const;
  int64_t ColumnTotal(size_t column) const;
  int64_t Total() const;
};

// What may be shown of a table. A hidden cell does not say whether it is sensitive itself.
struct ShownTable {
  std::vector<bool> hidden;    // Row by row.
  bool nothing_shown = false;  // No pattern protects it: not even margins may be shown.
};

// What somebody who knows all shown cells, all margins and that counts are not negative can tell about a hidden cell.
struct Bounds {
  int64_t low = 0;
  int64_t high = 0;
};
Bounds FeasibleBounds(const CountTable& table, const std::vector<bool>& hidden, size_t row, size_t column);

// Hides sensitive cells, then others of least count, until for each sensitive cell the feasible interval is at least
// `threshold` wide. A sensitive margin cannot be shown beside its cells: then nothing is shown.
ShownTable Protect(const CountTable& table, int64_t threshold = kThreshold);

// Hides the parts of a whole whose total is published: sensitive parts, then the smallest others that are not zero,
// until at least two are hidden that together count `threshold` or more. Equal parts are taken in order. All are hidden
// when that is not enough.
std::vector<bool> ProtectParts(const std::vector<int64_t>& parts, int64_t threshold = kThreshold);

// A count as it may be shown.
struct Shown {
  enum Kind { kExact, kBelow, kHidden } kind = kHidden;
  int64_t count = 0;  // The count of kExact, the threshold of kBelow, 0 of kHidden.
  bool operator==(const Shown&) const = default;
};
Shown ShowAlone(int64_t count, int64_t threshold = kThreshold);

// Counts left after each rule of a cohort, and what each took away. The last count is shown first; of the others those
// whose differences from all shown counts are zero or not sensitive.
struct ShownAttrition {
  std::vector<Shown> remaining;  // remaining[0]: before the first rule.
  std::vector<Shown> excluded;   // excluded[i]: by rule i, between remaining[i] and remaining[i + 1].
};
ShownAttrition ShowAttrition(const std::vector<int64_t>& remaining, int64_t threshold = kThreshold);

// Which figures of a sample may be shown.
struct ShownFigures {
  bool moments = false;         // Mean and standard deviation: of `threshold` or more.
  bool lower_quartile = false;  // Quantiles: with `threshold` or more at or beyond them on each side.
  bool median = false;
  bool upper_quartile = false;
  bool minimum = false;  // Extremes: when `threshold` or more share them.
  bool maximum = false;
};
ShownFigures FiguresToShow(const std::vector<double>& values, int64_t threshold = kThreshold);

// The curve as far as `threshold` or more are at risk; medians that lie beyond are left out.
KaplanMeierCurve ShowCurve(KaplanMeierCurve curve, int64_t threshold = kThreshold);

}  // namespace trialog::analytics
