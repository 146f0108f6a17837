// What a component tells of itself when somebody asks: numbers that are kept anyway, read then and not before. Names
// follow Prometheus' conventions. Label values come from bounded sets known to the program (services, methods, codes):
// never a name, an id or anything else of a person, an organisation or a request.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

namespace trialog::telemetry {

using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

class Metrics {
 public:
  virtual ~Metrics() = default;
  // A number that only grows while the process lives; its name ends in "_total". `help` is one sentence, the same for
  // every call with this name.
  virtual void Counter(std::string_view name, std::string_view help, Labels labels, double value) = 0;
  virtual void Gauge(std::string_view name, std::string_view help, Labels labels, double value) = 0;
  // How many observations fell at or below each bound and above the one before; `counts` has one more than `bounds`,
  // for those above all.
  virtual void Histogram(std::string_view name, std::string_view help, Labels labels, const std::vector<double>& bounds,
                         const std::vector<uint64_t>& counts, double sum) = 0;
};

}  // namespace trialog::telemetry
