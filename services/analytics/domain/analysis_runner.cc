#include "services/analytics/domain/analysis_runner.h"

#include <algorithm>
#include <functional>
#include <map>

#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/analytics/domain/criteria.h"
#include "services/analytics/statistics/describe.h"
#include "services/analytics/statistics/log_rank.h"

namespace trialog::analytics {
namespace {

using event::v1::Value;
using v1::AnalysisSpec;

struct Subject {
  int row = 0;
  Survival survival;
};

// Groups in the order of their values: numbers as numbers, text as text.
struct ValueLess {
  bool operator()(const Value& a, const Value& b) const { return Compare(a, b).value_or(0) < 0; }
};
template <typename T>
using Groups = std::map<Value, std::vector<T>, ValueLess>;

class Runner {
 public:
  explicit Runner(const AnalysisInput& input)
      : input_(input),
        columns_(input.version.columns()),
        cohort_(SelectCohort(columns_, input.cohort.criteria(), input.rows.rows())) {}

  absl::StatusOr<AnalysisOutput> Run() {
    Head();
    absl::Status done;
    switch (input_.spec.kind_case()) {
      case AnalysisSpec::kDescribe:
        done = Describe(input_.spec.describe());
        break;
      case AnalysisSpec::kKaplanMeier:
        done = Survive(input_.spec.kaplan_meier(), false);
        break;
      case AnalysisSpec::kLogRank:
        done = Survive(input_.spec.log_rank(), true);
        break;
      case AnalysisSpec::kCrossTabulation:
        done = CrossTabulate(input_.spec.cross_tabulation());
        break;
      case AnalysisSpec::KIND_NOT_SET:
        done = BadField("spec", "KIND_MISSING", "say what to compute");
        break;
    }
    if (!done.ok()) return done;
    result().set_hidden_count(hidden_);
    {
      google::protobuf::io::StringOutputStream stream(&output_.bytes);
      google::protobuf::io::CodedOutputStream coded(&stream);
      coded.SetSerializationDeterministic(true);
      result().SerializeToCodedStream(&coded);
    }
    return std::move(output_);
  }

 private:
  v1::AnalysisResult& result() { return output_.result; }

  void Head() {
    result().set_dataset_version(input_.version.name());
    result().set_dataset_sha256(input_.version.content().sha256());
    result().set_cohort(input_.cohort.name());
    result().set_cohort_revision(input_.cohort.revision());
    *result().mutable_criteria() = input_.cohort.criteria();
    *result().mutable_attrition() = ShowAttritionOf(input_.cohort.criteria(), cohort_, kThreshold);
    result().set_code_version(std::string(kCodeVersion));
    if (input_.version.provenance().has_position()) {
      *result().mutable_source_position() = input_.version.provenance().position();
    }
    result().set_threshold(kThreshold);
    Rule("counts from 1 to below the threshold are hidden, and others so that none follows by subtraction");
  }

  void Rule(std::string_view words) { result().add_disclosure_rules(std::string(words)); }
  void Convention(std::string_view words) { result().add_conventions(std::string(words)); }

  const Value& At(int row, int column) const { return input_.rows.rows(row).values(column); }
  int Column(const std::string& name) const { return *ColumnIndex(columns_, name); }

  v1::ShownCount Count(const Shown& shown) {
    if (shown.kind != Shown::kExact) ++hidden_;
    return ToShownCount(shown);
  }

  void Release(const std::vector<int>& rows) {
    RowNumbers set;
    for (int row : rows) set.Add(static_cast<size_t>(row));
    const auto& known = output_.released_sets;
    if (std::find(known.begin(), known.end(), set) == known.end()) output_.released_sets.push_back(std::move(set));
  }

  // Which of `sizes` are hidden; they and the rows left out make up the cohort, whose size is published.
  std::vector<bool> HideGroups(std::vector<int64_t> sizes, int64_t dropped) {
    sizes.push_back(dropped);
    std::vector<bool> hidden = ProtectParts(sizes, kThreshold);
    *result().mutable_dropped() = hidden.back()
                                      ? Count(IsSensitive(dropped) ? ShowAlone(dropped) : Shown{Shown::kHidden, 0})
                                      : Count({Shown::kExact, dropped});
    hidden.pop_back();
    return hidden;
  }

  static absl::Status TooManyGroups() {
    return Refuse(absl::StatusCode::kFailedPrecondition, "TOO_MANY_GROUPS", "choose a column with at most 40 values");
  }

  absl::Status Describe(const v1::DescribeSpec& spec) {
    Convention("missing values are left out per column; sample standard deviation (n - 1); quantiles of type 7");
    Rule("quantiles need the threshold of values on each side; least and greatest must be shared by as many");
    Groups<int> groups;
    int64_t dropped = 0;
    for (int row : cohort_.rows) {
      if (spec.group_column().empty()) {
        groups[Value()].push_back(row);
      } else if (const Value& group = At(row, Column(spec.group_column())); IsMissing(group)) {
        ++dropped;
      } else {
        groups[group].push_back(row);
      }
    }
    if (groups.size() > kMaxGroups) return TooManyGroups();
    std::vector<int64_t> sizes;
    for (const auto& [value, rows] : groups) sizes.push_back(static_cast<int64_t>(rows.size()));
    const std::vector<bool> hidden = HideGroups(sizes, dropped);
    result().mutable_describe();
    for (const std::string& column : spec.columns()) {
      size_t g = 0;
      for (const auto& [value, rows] : groups) Summarize(column, ValueText(value), rows, hidden[g++]);
    }
    return absl::OkStatus();
  }

  void Summarize(const std::string& column, const std::string& group, const std::vector<int>& rows, bool group_hidden) {
    v1::ColumnSummary& summary = *result().mutable_describe()->add_summaries();
    summary.set_column(column);
    summary.set_group(group);
    std::vector<double> values;
    std::vector<int> present;
    for (int row : rows) {
      if (const auto number = AsNumber(At(row, Column(column)))) {
        values.push_back(*number);
        present.push_back(row);
      }
    }
    const int64_t n = static_cast<int64_t>(values.size());
    const int64_t missing = static_cast<int64_t>(rows.size()) - n;
    // The group's size is published elsewhere, so its two parts stand or fall together.
    const std::vector<bool> parts = ProtectParts({n, missing}, kThreshold);
    *summary.mutable_n() = Count(group_hidden || parts[0] ? Shown{} : Shown{Shown::kExact, n});
    *summary.mutable_missing() = Count(group_hidden ? Shown{}
                                       : parts[1]   ? ShowAlone(missing)
                                                    : Shown{Shown::kExact, missing});
    if (group_hidden) return;
    const Description d = analytics::Describe(values);
    const ShownFigures shown = FiguresToShow(values, kThreshold);
    if (shown.moments) Release(present);
    const auto set = [&](bool show, const std::optional<double>& figure, void (v1::ColumnSummary::*setter)(double)) {
      if (show && figure)
        (summary.*setter)(*figure);
      else if (figure)
        ++hidden_;
    };
    set(shown.moments, d.mean, &v1::ColumnSummary::set_mean);
    set(shown.moments, d.sd, &v1::ColumnSummary::set_sd);
    set(shown.lower_quartile, d.lower_quartile, &v1::ColumnSummary::set_lower_quartile);
    set(shown.median, d.median, &v1::ColumnSummary::set_median);
    set(shown.upper_quartile, d.upper_quartile, &v1::ColumnSummary::set_upper_quartile);
    set(shown.minimum, d.minimum, &v1::ColumnSummary::set_minimum);
    set(shown.maximum, d.maximum, &v1::ColumnSummary::set_maximum);
  }

  // Time and status are derived here: days from the start to the end date. A row without either date, with an end
  // before its start, or without a known status or group is left out.
  std::optional<std::pair<Value, Subject>> Derive(const v1::SurvivalSpec& spec, int row) const {
    const auto start = AsDay(At(row, Column(spec.start_column())));
    const auto end = AsDay(At(row, Column(spec.end_column())));
    const Value& status = At(row, Column(spec.event_column()));
    if (!start || !end || *end < *start || IsMissing(status)) return std::nullopt;
    Value group;
    if (!spec.group_column().empty()) {
      group = At(row, Column(spec.group_column()));
      if (IsMissing(group)) return std::nullopt;
    }
    const bool happened = Compare(status, spec.event_value()) == 0;
    return std::pair(group, Subject{row, {static_cast<double>(*end - *start), happened}});
  }

  absl::Status Survive(const v1::SurvivalSpec& spec, bool test) {
    Convention("Kaplan-Meier, Greenwood variance, 95 % log-log interval; events before censorings at equal times");
    Rule("curves end where fewer than the threshold are at risk");
    Groups<Subject> groups;
    int64_t dropped = 0;
    for (int row : cohort_.rows) {
      if (auto derived = Derive(spec, row))
        groups[derived->first].push_back(derived->second);
      else
        ++dropped;
    }
    if (groups.size() > kMaxGroups) return TooManyGroups();
    std::vector<int64_t> sizes;
    double last = 0;
    for (const auto& [value, subjects] : groups) sizes.push_back(static_cast<int64_t>(subjects.size()));
    const std::vector<bool> hidden = HideGroups(sizes, dropped);

    std::vector<KaplanMeierCurve> curves;
    std::vector<std::vector<Survival>> shown_groups;
    std::vector<int> shown_rows;
    size_t g = 0;
    for (const auto& [value, subjects] : groups) {
      std::vector<Survival> survival;
      std::vector<int> rows;
      for (const Subject& subject : subjects) {
        survival.push_back(subject.survival);
        rows.push_back(subject.row);
      }
      curves.push_back(ShowCurve(KaplanMeier(survival), kThreshold));
      if (hidden[g++]) continue;
      if (!curves.back().steps.empty()) last = std::max(last, curves.back().steps.back().time);
      Release(rows);
      shown_rows.insert(shown_rows.end(), rows.begin(), rows.end());
      shown_groups.push_back(std::move(survival));
    }
    const std::vector<double> ticks = TimeTicks(last);
    g = 0;
    for (const auto& [value, subjects] : groups) {
      AddCurve(ValueText(value), curves[g], hidden[g], ticks);
      ++g;
    }
    if (test) Test(shown_groups, shown_rows);
    return absl::OkStatus();
  }

  void AddCurve(const std::string& group, const KaplanMeierCurve& curve, bool group_hidden,
                const std::vector<double>& ticks) {
    v1::SurvivalCurve& shown = *result().mutable_survival()->add_curves();
    shown.set_group(group);
    // With the group's size shown, events and censorings stand or fall together.
    const std::vector<bool> parts = ProtectParts({curve.events, curve.n - curve.events}, kThreshold);
    *shown.mutable_n() = Count(group_hidden ? Shown{} : Shown{Shown::kExact, curve.n});
    *shown.mutable_events() = Count(group_hidden || parts[0] ? Shown{} : Shown{Shown::kExact, curve.events});
    if (group_hidden) return;
    if (curve.median) shown.set_median(*curve.median);
    if (curve.median_lower) shown.set_median_lower(*curve.median_lower);
    if (curve.median_upper) shown.set_median_upper(*curve.median_upper);
    for (const KaplanMeierStep& step : curve.steps) {
      v1::SurvivalStep& to = *shown.add_steps();
      to.set_time(step.time);
      to.set_survival(step.survival);
      to.set_lower(step.lower);
      to.set_upper(step.upper);
      to.set_at_risk(step.at_risk);
    }
    for (double tick : ticks) {
      v1::AtRisk& at = *shown.add_at_risk();
      at.set_time(tick);
      const auto next = std::find_if(curve.steps.begin(), curve.steps.end(),
                                     [&](const KaplanMeierStep& step) { return step.time >= tick; });
      *at.mutable_count() =
          Count(next == curve.steps.end() ? Shown{Shown::kHidden, 0} : Shown{Shown::kExact, next->at_risk});
    }
  }

  void Test(const std::vector<std::vector<Survival>>& groups, const std::vector<int>& rows) {
    Convention("log-rank with hypergeometric variance over the groups shown");
    const auto test = LogRankTest(groups);
    if (!test) return;
    Release(rows);
    v1::LogRankResult& shown = *result().mutable_survival()->mutable_log_rank();
    shown.set_chi_square(test->chi_square);
    shown.set_degrees_of_freedom(test->degrees_of_freedom);
    shown.set_p_value(test->p_value);
  }

  absl::Status CrossTabulate(const v1::CrossTabulationSpec& spec) {
    Convention("rows without either value are left out");
    Groups<int> by_row, by_column;
    std::vector<int> used;
    for (int row : cohort_.rows) {
      const Value& r = At(row, Column(spec.row_column()));
      const Value& c = At(row, Column(spec.column_column()));
      if (IsMissing(r) || IsMissing(c)) continue;
      by_row[r].push_back(row);
      by_column[c].push_back(row);
      used.push_back(row);
    }
    if (by_row.size() > kMaxGroups || by_column.size() > kMaxGroups) return TooManyGroups();
    CountTable table{.rows = by_row.size(), .columns = by_column.size()};
    for (const auto& [r, rows] : by_row) {
      for (const auto& [c, others] : by_column) {
        table.cells.push_back(std::count_if(
            rows.begin(), rows.end(), [&](int row) { return Compare(At(row, Column(spec.column_column())), c) == 0; }));
      }
    }
    const int64_t n = static_cast<int64_t>(used.size());
    const std::vector<bool> whole = HideGroups({n}, static_cast<int64_t>(cohort_.rows.size()) - n);
    ShowTable(table, by_row, by_column, whole[0]);
    if (!whole[0]) Release(used);
    return absl::OkStatus();
  }

  void ShowTable(const CountTable& table, const Groups<int>& by_row, const Groups<int>& by_column, bool all_hidden) {
    const ShownTable pattern = Protect(table, kThreshold);
    const bool margins_hidden = all_hidden || pattern.nothing_shown;
    v1::CrossTabulationResult& shown = *result().mutable_cross_tabulation();
    const auto count = [&](bool hide, int64_t value) { return Count(hide ? Shown{} : Shown{Shown::kExact, value}); };
    size_t i = 0;
    for (const auto& [value, rows] : by_row) {
      shown.add_row_values(ValueText(value));
      *shown.add_row_totals() = count(margins_hidden, table.RowTotal(i++));
    }
    i = 0;
    for (const auto& [value, rows] : by_column) {
      shown.add_column_values(ValueText(value));
      *shown.add_column_totals() = count(margins_hidden, table.ColumnTotal(i++));
    }
    for (size_t c = 0; c < table.cells.size(); ++c) {
      *shown.add_cells() = count(margins_hidden || pattern.hidden[c], table.cells[c]);
    }
    *shown.mutable_total() = count(all_hidden, table.Total());
  }

  const AnalysisInput& input_;
  const Columns& columns_;
  const CohortRows cohort_;
  AnalysisOutput output_;
  int64_t hidden_ = 0;
};

}  // namespace

absl::StatusOr<AnalysisOutput> RunAnalysis(const AnalysisInput& input) {
  if (absl::Status bad = CheckSpec(input.version.columns(), input.spec); !bad.ok()) return bad;
  if (absl::Status bad = CheckRows(input.version.columns(), input.rows.rows()); !bad.ok()) return bad;
  return Runner(input).Run();
}

SurvivalPlot PlotOf(const v1::SurvivalResult& result, std::string_view title) {
  SurvivalPlot plot{.title = std::string(title)};
  for (const v1::SurvivalCurve& curve : result.curves()) {
    if (curve.n().kind_case() != v1::ShownCount::kExact) {
      ++plot.hidden_curves;
      continue;
    }
    PlotCurve& drawn = plot.curves.emplace_back();
    drawn.label = curve.group();
    if (curve.has_median()) drawn.median = curve.median();
    for (const v1::SurvivalStep& step : curve.steps()) {
      drawn.steps.push_back({step.time(), step.survival(), step.lower(), step.upper()});
    }
    plot.ticks.clear();  // Every curve has the same ticks.
    for (const v1::AtRisk& at : curve.at_risk()) {
      plot.ticks.push_back(at.time());
      drawn.at_risk.push_back(at.count().kind_case() == v1::ShownCount::kExact ? Cat(at.count().exact()) : "–");
    }
  }
  if (result.has_log_rank()) plot.log_rank_p = result.log_rank().p_value();
  return plot;
}

}  // namespace trialog::analytics
