#include "services/analytics/statistics/disclosure.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>
#include <queue>

namespace trialog::analytics {
namespace {

constexpr int64_t kUnbounded = std::numeric_limits<int64_t>::max() / 4;

// Hidden cells may change only along closed loops that keep every row and column sum. A loop through one cell leaves
// its row r and comes back by its column c, so how far the cell may move is the largest flow from r to c over the
// others. Nodes: rows, then columns. Edmonds and Karp 1972.
class LoopFlow {
 public:
  // `raise`: the cell grows, the loop shrinks it elsewhere in its row; otherwise the other way round.
  LoopFlow(const CountTable& table, const std::vector<bool>& hidden, size_t row, size_t column, bool raise)
      : nodes_(table.rows + table.columns), capacity_(nodes_ * nodes_, 0) {
    for (size_t r = 0; r < table.rows; ++r) {
      for (size_t c = 0; c < table.columns; ++c) {
        if (!hidden[r * table.columns + c] || (r == row && c == column)) continue;
        const size_t from = raise ? r : table.rows + c;
        const size_t to = raise ? table.rows + c : r;
        capacity(from, to) = table.at(r, c);
        capacity(to, from) = kUnbounded;
      }
    }
  }

  // Stops once `enough` is reached.
  int64_t Max(size_t source, size_t sink, int64_t enough) {
    int64_t flow = 0;
    while (flow < enough) {
      const std::optional<int64_t> pushed = Augment(source, sink, enough - flow);
      if (!pushed) break;
      flow += *pushed;
    }
    return flow;
  }

 private:
  int64_t& capacity(size_t from, size_t to) { return capacity_[from * nodes_ + to]; }

  std::optional<int64_t> Augment(size_t source, size_t sink, int64_t limit) {
    std::vector<size_t> before(nodes_, nodes_);
    std::queue<size_t> open({source});
    before[source] = source;
    while (!open.empty() && before[sink] == nodes_) {
      const size_t node = open.front();
      open.pop();
      for (size_t next = 0; next < nodes_; ++next) {
        if (before[next] != nodes_ || capacity(node, next) == 0) continue;
        before[next] = node;
        open.push(next);
      }
    }
    if (before[sink] == nodes_) return std::nullopt;
    int64_t push = limit;
    for (size_t node = sink; node != source; node = before[node]) push = std::min(push, capacity(before[node], node));
    for (size_t node = sink; node != source; node = before[node]) {
      capacity(before[node], node) -= push;
      capacity(node, before[node]) += push;
    }
    return push;
  }

  size_t nodes_;
  std::vector<int64_t> capacity_;
};

bool MarginsAreSensitive(const CountTable& table, int64_t threshold) {
  for (size_t r = 0; r < table.rows; ++r) {
    if (IsSensitive(table.RowTotal(r), threshold)) return true;
  }
  for (size_t c = 0; c < table.columns; ++c) {
    if (IsSensitive(table.ColumnTotal(c), threshold)) return true;
  }
  return false;
}

// Places of `counts` not hidden yet, smallest count first, equal ones in order; zeros last, since they protect least.
std::vector<size_t> ByLeastInformation(const std::vector<int64_t>& counts, const std::vector<bool>& hidden) {
  std::vector<size_t> places;
  for (size_t i = 0; i < counts.size(); ++i) {
    if (!hidden[i]) places.push_back(i);
  }
  std::stable_sort(places.begin(), places.end(), [&](size_t a, size_t b) {
    return std::pair(counts[a] == 0, counts[a]) < std::pair(counts[b] == 0, counts[b]);
  });
  return places;
}

// The first sensitive cell that is not wide enough.
std::optional<size_t> FirstExposed(const CountTable& table, const std::vector<bool>& hidden, int64_t threshold) {
  for (size_t i = 0; i < table.cells.size(); ++i) {
    if (!IsSensitive(table.cells[i], threshold)) continue;
    const Bounds bounds = FeasibleBounds(table, hidden, i / table.columns, i % table.columns);
    if (bounds.high - bounds.low < threshold) return i;
  }
  return std::nullopt;
}

// Where to hide next; `places` are in the order of least information. A hidden cell that is alone in its line follows
// by subtraction, so best is a cell that ends two such lines, then one that ends one, then one beside the exposed cell.
size_t BestPlace(const CountTable& table, const std::vector<bool>& hidden, const std::vector<size_t>& places,
                 size_t exposed) {
  std::vector<int> in_row(table.rows), in_column(table.columns);
  for (size_t i = 0; i < hidden.size(); ++i) {
    in_row[i / table.columns] += hidden[i];
    in_column[i % table.columns] += hidden[i];
  }
  const auto merit = [&](size_t place) {
    const size_t row = place / table.columns;
    const size_t column = place % table.columns;
    const int ended = (in_row[row] == 1) + (in_column[column] == 1);
    const bool beside = row == exposed / table.columns || column == exposed % table.columns;
    return std::pair(ended, beside);
  };
  // The first of the best.
  return *std::max_element(places.begin(), places.end(), [&](size_t a, size_t b) { return merit(a) < merit(b); });
}

}  // namespace

int64_t CountTable::RowTotal(size_t row) const {
  int64_t total = 0;
  for (size_t c = 0; c < columns; ++c) total += at(row, c);
  return total;
}

int64_t CountTable::ColumnTotal(size_t column) const {
  int64_t total = 0;
  for (size_t r = 0; r < rows; ++r) total += at(r, column);
  return total;
}

int64_t CountTable::Total() const { return std::accumulate(cells.begin(), cells.end(), int64_t{0}); }

Bounds FeasibleBounds(const CountTable& table, const std::vector<bool>& hidden, size_t row, size_t column) {
  const int64_t count = table.at(row, column);
  if (!hidden[row * table.columns + column]) return {count, count};
  const size_t column_node = table.rows + column;
  const int64_t rise = LoopFlow(table, hidden, row, column, /*raise=*/true).Max(row, column_node, table.Total());
  const int64_t fall = LoopFlow(table, hidden, row, column, /*raise=*/false).Max(row, column_node, count);
  return {count - std::min(count, fall), count + rise};
}

ShownTable Protect(const CountTable& table, int64_t threshold) {
  ShownTable shown{.hidden = std::vector<bool>(table.cells.size(), false)};
  if (table.rows > kMaxTableSide || table.columns > kMaxTableSide || MarginsAreSensitive(table, threshold)) {
    return {.hidden = std::vector<bool>(table.cells.size(), true), .nothing_shown = true};
  }
  for (size_t i = 0; i < table.cells.size(); ++i) shown.hidden[i] = IsSensitive(table.cells[i], threshold);

  while (const std::optional<size_t> exposed = FirstExposed(table, shown.hidden, threshold)) {
    const std::vector<size_t> places = ByLeastInformation(table.cells, shown.hidden);
    if (places.empty()) return {.hidden = shown.hidden, .nothing_shown = true};
    shown.hidden[BestPlace(table, shown.hidden, places, *exposed)] = true;
  }
  return shown;
}

std::vector<bool> ProtectParts(const std::vector<int64_t>& parts, int64_t threshold) {
  std::vector<bool> hidden(parts.size(), false);
  int64_t count = 0;
  int64_t sum = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (!IsSensitive(parts[i], threshold)) continue;
    hidden[i] = true;
    ++count;
    sum += parts[i];
  }
  if (count == 0) return hidden;
  for (size_t place : ByLeastInformation(parts, hidden)) {
    if (count >= 2 && sum >= threshold) break;
    hidden[place] = true;
    ++count;
    sum += parts[place];
  }
  if (count < 2 || sum < threshold) hidden.assign(parts.size(), true);
  return hidden;
}

Shown ShowAlone(int64_t count, int64_t threshold) {
  return IsSensitive(count, threshold) ? Shown{Shown::kBelow, threshold} : Shown{Shown::kExact, count};
}

ShownAttrition ShowAttrition(const std::vector<int64_t>& remaining, int64_t threshold) {
  ShownAttrition shown;
  shown.remaining.resize(remaining.size());
  if (remaining.empty()) return shown;
  std::vector<int64_t> shown_counts;
  const auto show = [&](size_t i) {
    const bool apart = std::all_of(shown_counts.begin(), shown_counts.end(), [&](int64_t other) {
      return !IsSensitive(std::abs(remaining[i] - other), threshold);
    });
    if (!apart || IsSensitive(remaining[i], threshold)) return;
    shown.remaining[i] = {Shown::kExact, remaining[i]};
    shown_counts.push_back(remaining[i]);
  };
  if (IsSensitive(remaining.back(), threshold)) {
    // Its size stays between the counts shown before it and 0.
    shown.remaining.back() = {Shown::kBelow, threshold};
    shown_counts.push_back(remaining.back());
  } else {
    show(remaining.size() - 1);
  }
  for (size_t i = 0; i + 1 < remaining.size(); ++i) show(i);

  for (size_t i = 0; i + 1 < remaining.size(); ++i) {
    const int64_t excluded = remaining[i] - remaining[i + 1];
    if (IsSensitive(excluded, threshold)) {
      shown.excluded.push_back({Shown::kBelow, threshold});
    } else if (shown.remaining[i].kind == Shown::kExact && shown.remaining[i + 1].kind == Shown::kExact) {
      shown.excluded.push_back({Shown::kExact, excluded});
    } else {
      shown.excluded.push_back({Shown::kHidden, 0});
    }
  }
  return shown;
}

ShownFigures FiguresToShow(const std::vector<double>& values, int64_t threshold) {
  ShownFigures shown;
  const int64_t n = static_cast<int64_t>(values.size());
  if (n < threshold) return shown;
  shown.moments = true;
  // floor((n − 1) p) + 1 values are at or below a quantile of type 7, and as many are above its mirror image.
  const auto each_side = [&](double p) {
    const double place = static_cast<double>(n - 1) * std::min(p, 1 - p);
    return static_cast<int64_t>(place) + 1 >= threshold;
  };
  shown.lower_quartile = each_side(0.25);
  shown.median = each_side(0.5);
  shown.upper_quartile = each_side(0.75);
  const auto [least, greatest] = std::minmax_element(values.begin(), values.end());
  shown.minimum = std::count(values.begin(), values.end(), *least) >= threshold;
  shown.maximum = std::count(values.begin(), values.end(), *greatest) >= threshold;
  return shown;
}

KaplanMeierCurve ShowCurve(KaplanMeierCurve curve, int64_t threshold) {
  const auto beyond = std::find_if(curve.steps.begin(), curve.steps.end(),
                                   [&](const KaplanMeierStep& step) { return step.at_risk < threshold; });
  const double last = beyond == curve.steps.begin() ? -1 : std::prev(beyond)->time;
  curve.steps.erase(beyond, curve.steps.end());
  for (std::optional<double>* time : {&curve.median, &curve.median_lower, &curve.median_upper}) {
    if (*time && **time > last) time->reset();
  }
  return curve;
}

}  // namespace trialog::analytics
