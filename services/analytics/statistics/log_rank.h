// The log-rank test (Mantel 1966; Peto and Peto 1972). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "services/analytics/statistics/kaplan_meier.h"

namespace trialog::analytics {

struct LogRank {
  struct Group {
    int64_t n = 0;
    int64_t observed = 0;
    double expected = 0;  // Under equal survival.
  };
  std::vector<Group> groups;
  double chi_square = 0;
  int degrees_of_freedom = 0;
  double p_value = 1;
};

// Whether `groups` have the same survival: hypergeometric variance, chi-square with k − 1 degrees of freedom. None with
// fewer than two groups, an empty group, or too few events for the variance to have that rank.
std::optional<LogRank> LogRankTest(const std::vector<std::vector<Survival>>& groups);

}  // namespace trialog::analytics
