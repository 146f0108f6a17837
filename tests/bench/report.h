// The table that the benchmark prints.
#pragma once

#include <string>
#include <vector>

namespace trialog::bench {

struct Line {
  std::string measure;
  std::string ours;
  std::string yardstick;  // Empty: the goal is a figure of its own.
  std::string ratio;
  std::string goal;
  bool met = false;
};

// Of an odd number of values; the upper middle of an even one.
double Median(std::vector<double> values);

// Markdown, so that docs/performance.md takes it as it is.
void Print(const std::vector<Line>& lines);

// `digits` after the point.
std::string Number(double value, int digits = 0);

}  // namespace trialog::bench
