// The hosts of a process behind one gRPC server and, where wanted, one address for metrics: listening at once, serving
// each service from the end of its first catch-up until the drain begins.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/rpc/server.h"
#include "platform/service/host.h"
#include "platform/telemetry/metrics_server.h"

namespace trialog::service {

struct FrontOptions {
  rpc::ServerOptions server;
  std::string metrics_address;                       // Of MetricsServer; empty: none.
  std::function<void(telemetry::Metrics&)> collect;  // Beside what hosts and frames tell; null: nothing.
};

class Front {
 public:
  // Listens. Every service is NOT_SERVING and answers UNAVAILABLE, reason STARTING; health, reflection and metrics
  // answer. The hosts, prepared and not started, outlive it.
  static absl::StatusOr<std::unique_ptr<Front>> Listen(std::vector<Host*> hosts, FrontOptions options);

  // Starts the hosts in their order and lets calls in to each when it has caught up. Blocks until all have.
  absl::Status CatchUp();

  // NOT_SERVING at once; then streams end, no command is taken any more and partitions are handed over; then calls have
  // until `deadline`. Blocks until done.
  void Drain(absl::Time deadline);

  rpc::Server& server() { return *server_; }
  int port() const { return server_->port(); }
  // 0 without metrics.
  int metrics_port() const { return metrics_ ? metrics_->port() : 0; }

 private:
  Front() = default;
  void Collect(telemetry::Metrics& metrics) const;

  std::vector<Host*> hosts_;
  std::function<void(telemetry::Metrics&)> collect_;
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<telemetry::MetricsServer> metrics_;  // First to go: it asks all of the above.
};

}  // namespace trialog::service
