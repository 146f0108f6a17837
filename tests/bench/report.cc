#include "tests/bench/report.h"

#include <algorithm>
#include <cstdio>

namespace trialog::bench {

void Print(const std::vector<Line>& lines) {
  std::printf("| Measure | Ours | Yardstick | Ratio | Goal | Met |\n| --- | --- | --- | --- | --- | --- |\n");
  for (const Line& line : lines) {
    std::printf("| %s | %s | %s | %s | %s | %s |\n", line.measure.c_str(), line.ours.c_str(), line.yardstick.c_str(),
                line.ratio.c_str(), line.goal.c_str(), line.met ? "yes" : "no");
  }
}

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

std::string Number(double value, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

}  // namespace trialog::bench
