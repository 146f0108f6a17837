#include "services/analytics/statistics/describe.h"

#include <algorithm>
#include <cmath>

namespace trialog::analytics {

double QuantileType7(const std::vector<double>& ascending, double p) {
  const double place = p * static_cast<double>(ascending.size() - 1);
  const size_t below = static_cast<size_t>(std::floor(place));
  const size_t above = std::min(below + 1, ascending.size() - 1);
  return ascending[below] + (place - static_cast<double>(below)) * (ascending[above] - ascending[below]);
}

Description Describe(std::vector<double> values) {
  // Sorted first, so that sums round the same way whatever the order of the rows.
  std::sort(values.begin(), values.end());
  Description d;
  d.n = values.size();
  if (values.empty()) return d;

  // Welford 1962: stable for large means and small spreads.
  double mean = 0;
  double squares = 0;
  double count = 0;
  for (double x : values) {
    count += 1;
    const double delta = x - mean;
    mean += delta / count;
    squares += delta * (x - mean);
  }
  d.mean = mean;
  if (values.size() > 1) d.sd = std::sqrt(squares / (count - 1));
  d.lower_quartile = QuantileType7(values, 0.25);
  d.median = QuantileType7(values, 0.5);
  d.upper_quartile = QuantileType7(values, 0.75);
  d.minimum = values.front();
  d.maximum = values.back();
  return d;
}

}  // namespace trialog::analytics
