// A chart of survival curves as SVG 1.1: steps, 95 % bands, medians' legend and the table of numbers at risk. Shows
// only what it is given, so it is given only what may be shown. Pure; the same input gives the same bytes.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace trialog::analytics {

// Curves beyond these are not drawn; a note under the chart says how many.
inline constexpr size_t kMaxPlotCurves = 10;

struct PlotStep {
  double time = 0;
  double survival = 1;
  double lower = 1;
  double upper = 1;
};

struct PlotCurve {
  std::string label;  // Any text; escaped.
  std::vector<PlotStep> steps;
  std::optional<double> median;
  // As printed under each tick, for example "138" or "<5".
  std::vector<std::string> at_risk;
};

struct SurvivalPlot {
  std::string title;
  std::string time_axis = "Days";
  // Ticks of the time axis, ascending, from 0; at_risk has one entry for each.
  std::vector<double> ticks;
  std::vector<PlotCurve> curves;
  // Groups whose figures are hidden.
  size_t hidden_curves = 0;
  // Printed when set.
  std::optional<double> log_rank_p;
};

std::string ToSvg(const SurvivalPlot& plot);

// About six round ticks from 0 to at least `end`.
std::vector<double> TimeTicks(double end);

}  // namespace trialog::analytics
