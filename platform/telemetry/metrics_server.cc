#include "platform/telemetry/metrics_server.h"

#include <prometheus/client_metric.h>
#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <prometheus/metric_family.h>
#include <prometheus/metric_type.h>

#include <limits>
#include <map>

#include "absl/synchronization/mutex.h"
#include "platform/errors/errors.h"
#include "platform/http/address.h"
#include "platform/text/text.h"

namespace trialog::telemetry {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

// Puts what it is told together by name.
class Families final : public Metrics {
 public:
  void Counter(std::string_view name, std::string_view help, Labels labels, double value) override {
    Add(name, help, MetricType::Counter, labels).counter.value = value;
  }
  void Gauge(std::string_view name, std::string_view help, Labels labels, double value) override {
    Add(name, help, MetricType::Gauge, labels).gauge.value = value;
  }
  void Histogram(std::string_view name, std::string_view help, Labels labels, const std::vector<double>& bounds,
                 const std::vector<uint64_t>& counts, double sum) override {
    ClientMetric::Histogram& histogram = Add(name, help, MetricType::Histogram, labels).histogram;
    histogram.sample_sum = sum;
    for (size_t i = 0; i < counts.size(); ++i) {
      histogram.sample_count += counts[i];
      if (i < bounds.size()) histogram.bucket.push_back({histogram.sample_count, bounds[i]});
    }
    histogram.bucket.push_back({histogram.sample_count, std::numeric_limits<double>::infinity()});
  }

  std::vector<MetricFamily> Take() {
    std::vector<MetricFamily> all;
    for (auto& [name, family] : families_) all.push_back(std::move(family));
    return all;
  }

 private:
  ClientMetric& Add(std::string_view name, std::string_view help, MetricType type, Labels labels) {
    auto found = families_.find(name);
    if (found == families_.end()) {
      found = families_.emplace(name, MetricFamily{std::string(name), std::string(help), type, {}}).first;
    }
    ClientMetric& metric = found->second.metric.emplace_back();
    for (const auto& [label, value] : labels) metric.label.push_back({std::string(label), std::string(value)});
    return metric;
  }

  std::map<std::string, MetricFamily, std::less<>> families_;
};

class Collector final : public prometheus::Collectable {
 public:
  explicit Collector(std::function<void(Metrics&)> collect) : collect_(std::move(collect)) {}
  std::vector<MetricFamily> Collect() const override {
    absl::MutexLock lock(&mutex_);
    Families families;
    collect_(families);
    return families.Take();
  }

 private:
  mutable absl::Mutex mutex_;
  const std::function<void(Metrics&)> collect_;
};

}  // namespace

struct MetricsServer::Impl {
  std::shared_ptr<Collector> collector;
  std::unique_ptr<prometheus::Exposer> exposer;
  int port = 0;
};

absl::StatusOr<std::unique_ptr<MetricsServer>> MetricsServer::Start(const std::string& address,
                                                                    std::function<void(Metrics&)> collect) {
  const std::string listening = http::ListeningAddress(address);
  if (listening.empty()) {
    return Refuse(absl::StatusCode::kInvalidArgument, "METRICS_ADDRESS",
                  Cat("'", address, "' must be a port, or a numeric host and a port, as in 127.0.0.1:9464"));
  }
  auto impl = std::make_unique<Impl>();
  impl->collector = std::make_shared<Collector>(std::move(collect));
  try {  // The library throws; nothing of ours does.
    impl->exposer = std::make_unique<prometheus::Exposer>(std::vector<std::string>{
        "listening_ports", listening, "num_threads", "2", "request_timeout_ms", "5000", "enable_keep_alive", "no"});
    impl->exposer->RegisterCollectable(impl->collector);
    impl->port = impl->exposer->GetListeningPorts().at(0);
  } catch (const std::exception&) {
    return RetryLater(absl::StatusCode::kUnavailable, "ADDRESS_IN_USE",
                      Cat("cannot listen for metrics on '", address, "': in use, or not of this machine"),
                      absl::Seconds(1));
  }
  return std::unique_ptr<MetricsServer>(new MetricsServer(std::move(impl)));
}

MetricsServer::MetricsServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MetricsServer::~MetricsServer() = default;

int MetricsServer::port() const { return impl_->port; }

}  // namespace trialog::telemetry
