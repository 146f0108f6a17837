#include "services/analytics/statistics/survival_plot.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

#include "platform/text/text.h"

namespace trialog::analytics {
namespace {

constexpr double kWidth = 860;
constexpr double kLeft = 120;
constexpr double kRight = 830;
constexpr double kTop = 64;
constexpr double kBottom = 404;
constexpr double kRowHeight = 20;

// Okabe and Ito's colours, told apart with any colour vision; a dash pattern repeats the difference without colour.
constexpr std::array<std::string_view, 8> kColors = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                     "#56b4e9", "#e69f00", "#000000", "#8a7f00"};
constexpr std::array<std::string_view, 4> kDashes = {"none", "9 4", "3 3", "12 4 3 4"};

// At most two decimals, without locale: the same bytes everywhere.
std::string Number(double value) {
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed, 2).ptr;
  std::string_view text(buffer.data(), static_cast<size_t>(end - buffer.data()));
  while (text.ends_with('0')) text.remove_suffix(1);
  if (text.ends_with('.')) text.remove_suffix(1);
  return std::string(text == "-0" ? "0" : text);
}

std::string Escaped(std::string_view text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;  // XML 1.0 has no other control characters.
    }
  }
  return out;
}

std::string PValue(double p) {
  if (p < 0.0001) return "p < 0.0001";
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), p, std::chars_format::fixed, 4).ptr;
  return Cat("p = ", std::string_view(buffer.data(), static_cast<size_t>(end - buffer.data())));
}

class Canvas {
 public:
  explicit Canvas(const SurvivalPlot& plot)
      : plot_(plot), end_(plot.ticks.empty() ? 1 : std::max(plot.ticks.back(), 1e-9)) {}

  std::string Draw() {
    const size_t curves = std::min(plot_.curves.size(), kMaxPlotCurves);
    const double table_top = kBottom + 74;
    const double height = table_top + kRowHeight * static_cast<double>(curves) + 34;
    Header(height, curves);
    Grid();
    for (size_t i = 0; i < curves; ++i) Band(i);
    for (size_t i = 0; i < curves; ++i) Line(i);
    Legend(curves);
    AtRiskTable(table_top, curves);
    Note(height - 14, curves);
    out_ += "</svg>\n";
    return std::move(out_);
  }

 private:
  double X(double time) const { return kLeft + (kRight - kLeft) * std::clamp(time / end_, 0.0, 1.0); }
  double Y(double share) const { return kBottom - (kBottom - kTop) * std::clamp(share, 0.0, 1.0); }

  void Text(double x, double y, std::string_view attributes, std::string_view text) {
    Append(out_, "<text x=\"", Number(x), "\" y=\"", Number(y), "\"", attributes, ">", Escaped(text), "</text>\n");
  }

  void Header(double height, size_t curves) {
    Append(out_, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"", Number(kWidth), "\" height=\"", Number(height),
           "\" viewBox=\"0 0 ", Number(kWidth), " ", Number(height),
           "\" role=\"img\" aria-labelledby=\"title desc\" font-family=\"Helvetica, Arial, sans-serif\" "
           "font-size=\"13\">\n");
    Append(out_, "<title id=\"title\">", Escaped(plot_.title), "</title>\n<desc id=\"desc\">", Description(curves),
           "</desc>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n");
    Text(kLeft, 32, " font-size=\"18\" font-weight=\"bold\" fill=\"#1a1a1a\"", plot_.title);
    if (plot_.log_rank_p) {
      Text(kRight, 32, " text-anchor=\"end\" fill=\"#444444\"", Cat("log-rank ", PValue(*plot_.log_rank_p)));
    }
  }

  std::string Description(size_t curves) const {
    std::string text = "Kaplan-Meier survival curves with 95 % confidence bands.";
    for (size_t i = 0; i < curves; ++i) {
      const PlotCurve& curve = plot_.curves[i];
      Append(text, " ", Label(curve), ": ", curve.median ? Cat("median ", Number(*curve.median)) : "median not shown",
             ".");
    }
    return Escaped(text);
  }

  static std::string Label(const PlotCurve& curve) { return curve.label.empty() ? "All" : curve.label; }

  void Grid() {
    out_ += "<g stroke=\"#e3e3e3\" stroke-width=\"1\">\n";
    for (int i = 0; i <= 4; ++i) {
      const std::string y = Number(Y(i * 0.25));
      Append(out_, "<line x1=\"", Number(kLeft), "\" x2=\"", Number(kRight), "\" y1=\"", y, "\" y2=\"", y, "\"/>\n");
    }
    out_ += "</g>\n";
    for (int i = 0; i <= 4; ++i)
      Text(kLeft - 10, Y(i * 0.25) + 4, " text-anchor=\"end\" fill=\"#444444\"", Cat(i * 25, " %"));
    for (double tick : plot_.ticks) {
      Append(out_, "<line x1=\"", Number(X(tick)), "\" x2=\"", Number(X(tick)), "\" y1=\"", Number(kBottom), "\" y2=\"",
             Number(kBottom + 5), "\" stroke=\"#444444\"/>\n");
      Text(X(tick), kBottom + 20, " text-anchor=\"middle\" fill=\"#444444\"", Number(tick));
    }
    Append(out_, "<path d=\"M", Number(kLeft), " ", Number(kTop), "V", Number(kBottom), "H", Number(kRight),
           "\" fill=\"none\" stroke=\"#444444\"/>\n");
    Text((kLeft + kRight) / 2, kBottom + 42, " text-anchor=\"middle\" fill=\"#1a1a1a\"", plot_.time_axis);
    const double middle = (kTop + kBottom) / 2;
    Text(50, middle, Cat(" text-anchor=\"middle\" fill=\"#1a1a1a\" transform=\"rotate(-90 50 ", Number(middle), ")\""),
         "Survival");
  }

  // The outline of a step function: across to each step's time, then to its value.
  std::string StepPath(const std::vector<PlotStep>& steps, double PlotStep::*value) const {
    std::string path = Cat("M", Number(X(0)), " ", Number(Y(1)));
    for (const PlotStep& step : steps) Append(path, "H", Number(X(step.time)), "V", Number(Y(step.*value)));
    return path;
  }

  void Band(size_t i) {
    const std::vector<PlotStep>& steps = plot_.curves[i].steps;
    if (steps.empty()) return;
    std::string path = StepPath(steps, &PlotStep::upper);
    Append(path, "V", Number(Y(steps.back().lower)));
    for (size_t s = steps.size(); s-- > 0;) {
      Append(path, "H", Number(X(steps[s].time)), "V", Number(Y(s == 0 ? 1 : steps[s - 1].lower)));
    }
    Append(path, "H", Number(X(0)), "Z");
    Append(out_, "<path d=\"", path, "\" fill=\"", kColors[i % kColors.size()],
           "\" fill-opacity=\"0.14\" stroke=\"none\"/>\n");
  }

  void Line(size_t i) {
    if (plot_.curves[i].steps.empty()) return;
    Append(out_, "<path d=\"", StepPath(plot_.curves[i].steps, &PlotStep::survival), "\" fill=\"none\"", Stroke(i),
           "/>\n");
  }

  static std::string Stroke(size_t i) {
    return Cat(" stroke=\"", kColors[i % kColors.size()],
               "\" stroke-width=\"2.25\" stroke-linejoin=\"round\" stroke-dasharray=\"", kDashes[i % kDashes.size()],
               "\"");
  }

  void Legend(size_t curves) {
    for (size_t i = 0; i < curves; ++i) {
      const PlotCurve& curve = plot_.curves[i];
      const double y = kTop + 14 + 20 * static_cast<double>(i);
      Append(out_, "<line x1=\"", Number(kRight - 250), "\" x2=\"", Number(kRight - 214), "\" y1=\"", Number(y - 4),
             "\" y2=\"", Number(y - 4), "\"", Stroke(i), "/>\n");
      Text(kRight - 206, y, " fill=\"#1a1a1a\"",
           curve.median ? Cat(Label(curve), ", median ", Number(*curve.median)) : Label(curve));
    }
  }

  void AtRiskTable(double top, size_t curves) {
    Text(16, top, " font-weight=\"bold\" fill=\"#1a1a1a\"", "At risk");
    for (size_t i = 0; i < curves; ++i) {
      const PlotCurve& curve = plot_.curves[i];
      const double y = top + kRowHeight * static_cast<double>(i + 1);
      Text(16, y, Cat(" fill=\"", kColors[i % kColors.size()], "\""), Label(curve));
      for (size_t t = 0; t < std::min(curve.at_risk.size(), plot_.ticks.size()); ++t) {
        Text(X(plot_.ticks[t]), y, " text-anchor=\"middle\" fill=\"#1a1a1a\"", curve.at_risk[t]);
      }
    }
  }

  void Note(double y, size_t curves) {
    const size_t not_drawn = plot_.curves.size() - curves;
    std::string note = "Bands: 95 %, Greenwood, log-log. Curves end where too few are at risk to be shown.";
    if (plot_.hidden_curves > 0) Append(note, " Hidden groups: ", plot_.hidden_curves, ".");
    if (not_drawn > 0) Append(note, " Further groups not drawn: ", not_drawn, ".");
    Text(16, y, " font-size=\"11\" fill=\"#666666\"", note);
  }

  const SurvivalPlot& plot_;
  const double end_;
  std::string out_;
};

}  // namespace

std::string ToSvg(const SurvivalPlot& plot) { return Canvas(plot).Draw(); }

std::vector<double> TimeTicks(double end) {
  if (!(end > 0)) return {0, 1};
  const double magnitude = std::pow(10, std::floor(std::log10(end / 6)));
  double step = magnitude;
  for (double factor : {1.0, 2.0, 2.5, 5.0, 10.0}) {
    step = magnitude * factor;
    if (step * 6 >= end) break;
  }
  std::vector<double> ticks = {0};
  while (ticks.back() < end) ticks.push_back(step * static_cast<double>(ticks.size()));
  return ticks;
}

}  // namespace trialog::analytics
