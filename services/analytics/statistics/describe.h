// Figures of one numeric sample. Pure; no disclosure control here (disclosure.h).
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace trialog::analytics {

struct Description {
  size_t n = 0;
  std::optional<double> mean;  // None when n = 0.
  std::optional<double> sd;    // Sample standard deviation (n − 1); none when n < 2.
  // Quantiles of type 7 (Hyndman and Fan 1996; the default of R and NumPy). None when n = 0.
  std::optional<double> lower_quartile;
  std::optional<double> median;
  std::optional<double> upper_quartile;
  std::optional<double> minimum;
  std::optional<double> maximum;
};

// The result depends on the values alone, not on their order.
Description Describe(std::vector<double> values);

// Quantile of type 7 of a non-empty ascending sample; 0 ≤ p ≤ 1.
double QuantileType7(const std::vector<double>& ascending, double p);

}  // namespace trialog::analytics
