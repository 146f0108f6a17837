// The product-limit estimate of survival (Kaplan and Meier 1958). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace trialog::analytics {

// One subject: followed until `time`, where the event happened or the subject was censored.
struct Survival {
  double time = 0;  // Not negative; days in this service.
  bool event = false;
};

// The curve from `time` on until the next step. One step a distinct time, censorings included: their survival does not
// fall, but the number at risk after them does.
struct KaplanMeierStep {
  double time = 0;
  int64_t at_risk = 0;  // Just before `time`. Events come before censorings at equal times.
  int64_t events = 0;
  int64_t censored = 0;
  double survival = 1;
  double variance = 0;  // Of `survival`, by Greenwood's formula (1926).
  // 95 % interval on the log(−log) scale (Kalbfleisch and Prentice 2002, section 1.4). [1, 1] before the first event;
  // [0, 0] once the curve is at 0, where the scale has no interval.
  double lower = 1;
  double upper = 1;
};

struct KaplanMeierCurve {
  int64_t n = 0;
  int64_t events = 0;
  std::vector<KaplanMeierStep> steps;  // Ascending times.
  // First time at which survival is at most one half; its interval reflects the band (Brookmeyer and Crowley 1982).
  // None where the curve or the band does not come down that far.
  std::optional<double> median;
  std::optional<double> median_lower;
  std::optional<double> median_upper;
};

KaplanMeierCurve KaplanMeier(std::vector<Survival> subjects);

}  // namespace trialog::analytics
