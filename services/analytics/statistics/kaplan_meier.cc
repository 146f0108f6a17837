#include "services/analytics/statistics/kaplan_meier.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>

namespace trialog::analytics {
namespace {

// Where a median lies exactly on a step, S is 1/2 up to the rounding of the product.
constexpr double kHalf = 0.5 + 1e-12;

void SetInterval(double greenwood_sum, double z, KaplanMeierStep& step) {
  if (step.survival >= 1) return;
  if (step.survival <= 0) {
    step.lower = step.upper = 0;
    return;
  }
  const double log_survival = std::log(step.survival);
  const double half_width = z * std::sqrt(greenwood_sum) / std::abs(log_survival);
  step.lower = std::exp(log_survival * std::exp(half_width));
  step.upper = std::exp(log_survival * std::exp(-half_width));
}

std::optional<double> FirstAtMostHalf(const std::vector<KaplanMeierStep>& steps, double KaplanMeierStep::*value) {
  for (const KaplanMeierStep& step : steps) {
    if (step.*value <= kHalf) return step.time;
  }
  return std::nullopt;
}

}  // namespace

KaplanMeierCurve KaplanMeier(std::vector<Survival> subjects) {
  std::sort(subjects.begin(), subjects.end(), [](const Survival& a, const Survival& b) { return a.time < b.time; });
  const double z = boost::math::quantile(boost::math::normal(), 0.975);

  KaplanMeierCurve curve;
  curve.n = static_cast<int64_t>(subjects.size());
  int64_t at_risk = curve.n;
  double survival = 1;
  double greenwood_sum = 0;  // Σ d / (n (n − d))
  for (size_t i = 0; i < subjects.size();) {
    KaplanMeierStep step;
    step.time = subjects[i].time;
    step.at_risk = at_risk;
    for (; i < subjects.size() && subjects[i].time == step.time; ++i)
      ++(subjects[i].event ? step.events : step.censored);

    const double n = static_cast<double>(at_risk);
    const double d = static_cast<double>(step.events);
    survival *= (n - d) / n;
    if (step.events < at_risk) greenwood_sum += d / (n * (n - d));
    step.survival = survival;
    step.variance = survival * survival * greenwood_sum;
    SetInterval(greenwood_sum, z, step);
    curve.events += step.events;
    at_risk -= step.events + step.censored;
    curve.steps.push_back(step);
  }
  curve.median = FirstAtMostHalf(curve.steps, &KaplanMeierStep::survival);
  curve.median_lower = FirstAtMostHalf(curve.steps, &KaplanMeierStep::lower);
  curve.median_upper = FirstAtMostHalf(curve.steps, &KaplanMeierStep::upper);
  return curve;
}

}  // namespace trialog::analytics
