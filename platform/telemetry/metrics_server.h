// The HTTP address where Prometheus finds the metrics of this process: GET /metrics, text format 0.0.4.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "platform/telemetry/metrics.h"

namespace trialog::telemetry {

class MetricsServer {
 public:
  // "host:port" with a numeric host, or a port alone, which means the loopback address. Port 0: any. `collect` is
  // called for each request, from a thread of the server, one request at a time. INVALID_ARGUMENT METRICS_ADDRESS for
  // an address of another form; UNAVAILABLE ADDRESS_IN_USE when it cannot listen there.
  static absl::StatusOr<std::unique_ptr<MetricsServer>> Start(const std::string& address,
                                                              std::function<void(Metrics&)> collect);
  // No call to `collect` after it.
  ~MetricsServer();

  int port() const;

 private:
  struct Impl;
  explicit MetricsServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace trialog::telemetry
