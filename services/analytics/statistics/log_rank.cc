#include "services/analytics/statistics/log_rank.h"

#include <algorithm>
#include <boost/math/distributions/chi_squared.hpp>
#include <cmath>
#include <map>

namespace trialog::analytics {
namespace {

struct AtTime {
  std::vector<int64_t> events;
  std::vector<int64_t> leaving;  // Events and censorings.
};

using Matrix = std::vector<std::vector<double>>;

// vᵀ M⁻¹ v of a symmetric positive definite M by Cholesky's decomposition; none when M is not of full rank.
std::optional<double> QuadraticForm(Matrix m, std::vector<double> v) {
  const size_t k = v.size();
  double sum = 0;
  for (size_t j = 0; j < k; ++j) {
    const double scale = m[j][j];
    for (size_t s = 0; s < j; ++s) m[j][j] -= m[j][s] * m[j][s];
    if (!(m[j][j] > 1e-10 * scale)) return std::nullopt;
    m[j][j] = std::sqrt(m[j][j]);
    for (size_t i = j + 1; i < k; ++i) {
      for (size_t s = 0; s < j; ++s) m[i][j] -= m[i][s] * m[j][s];
      m[i][j] /= m[j][j];
    }
    // Forward substitution L y = v; vᵀ M⁻¹ v = yᵀ y.
    for (size_t s = 0; s < j; ++s) v[j] -= m[j][s] * v[s];
    v[j] /= m[j][j];
    sum += v[j] * v[j];
  }
  return sum;
}

std::map<double, AtTime> ByTime(const std::vector<std::vector<Survival>>& groups) {
  std::map<double, AtTime> times;
  for (size_t g = 0; g < groups.size(); ++g) {
    for (const Survival& subject : groups[g]) {
      AtTime& at = times[subject.time];
      at.events.resize(groups.size());
      at.leaving.resize(groups.size());
      at.events[g] += subject.event;
      ++at.leaving[g];
    }
  }
  return times;
}

}  // namespace

std::optional<LogRank> LogRankTest(const std::vector<std::vector<Survival>>& groups) {
  const size_t k = groups.size();
  if (k < 2) return std::nullopt;
  LogRank test;
  std::vector<int64_t> at_risk;
  for (const auto& group : groups) {
    if (group.empty()) return std::nullopt;
    test.groups.push_back({.n = static_cast<int64_t>(group.size())});
    at_risk.push_back(static_cast<int64_t>(group.size()));
  }

  Matrix covariance(k - 1, std::vector<double>(k - 1));  // The last group follows from the others.
  for (const auto& [time, at] : ByTime(groups)) {
    double n = 0;
    double d = 0;
    for (size_t g = 0; g < k; ++g) {
      n += static_cast<double>(at_risk[g]);
      d += static_cast<double>(at.events[g]);
    }
    const double factor = n > 1 ? d * (n - d) / (n - 1) : 0;
    for (size_t g = 0; g < k; ++g) {
      const double share = static_cast<double>(at_risk[g]) / n;
      test.groups[g].observed += at.events[g];
      test.groups[g].expected += d * share;
      if (g + 1 == k) continue;
      for (size_t h = 0; h + 1 < k; ++h) {
        covariance[g][h] += factor * share * ((g == h ? 1 : 0) - static_cast<double>(at_risk[h]) / n);
      }
    }
    for (size_t g = 0; g < k; ++g) at_risk[g] -= at.leaving[g];
  }

  std::vector<double> excess;
  for (size_t g = 0; g + 1 < k; ++g) {
    excess.push_back(static_cast<double>(test.groups[g].observed) - test.groups[g].expected);
  }
  const std::optional<double> chi_square = QuadraticForm(std::move(covariance), std::move(excess));
  if (!chi_square) return std::nullopt;
  test.chi_square = *chi_square;
  test.degrees_of_freedom = static_cast<int>(k) - 1;
  test.p_value =
      boost::math::cdf(boost::math::complement(boost::math::chi_squared(test.degrees_of_freedom), test.chi_square));
  return test;
}

}  // namespace trialog::analytics
