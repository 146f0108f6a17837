#include "platform/service/front.h"

#include <sys/resource.h>

#include "platform/telemetry/event_log.h"
#include "platform/text/text.h"

namespace trialog::service {
namespace {

// The two that say most about any process, under the names that every Prometheus dashboard knows.
void CollectProcess(telemetry::Metrics& metrics) {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  metrics.Counter("process_cpu_seconds_total", "User and system CPU time of this process.", {},
                  seconds(used.ru_utime) + seconds(used.ru_stime));
  metrics.Gauge("process_peak_resident_memory_bytes", "Most memory that this process had at any time.", {},
                static_cast<double>(used.ru_maxrss) * 1024);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Front>> Front::Listen(std::vector<Host*> hosts, FrontOptions options) {
  std::unique_ptr<Front> front(new Front);
  front->hosts_ = std::move(hosts);
  front->collect_ = std::move(options.collect);
  std::vector<std::unique_ptr<rpc::Frame>> frames;
  for (Host* host : front->hosts_) {
    auto frame = host->MakeFrame();
    if (!frame.ok()) return frame.status();
    frames.push_back(*std::move(frame));
  }
  auto server = rpc::Server::Start(std::move(frames), std::move(options.server));
  if (!server.ok()) return server.status();
  front->server_ = *std::move(server);
  if (!options.metrics_address.empty()) {
    auto metrics = telemetry::MetricsServer::Start(
        options.metrics_address, [front = front.get()](telemetry::Metrics& metrics) { front->Collect(metrics); });
    if (!metrics.ok()) return metrics.status();
    front->metrics_ = *std::move(metrics);
    telemetry::Info("metrics", {{"port", Cat(front->metrics_port())}});
  }
  telemetry::Info("listening", {{"port", Cat(front->port())}});
  return front;
}

absl::Status Front::CatchUp() {
  for (size_t i = 0; i < hosts_.size(); ++i) {
    if (absl::Status started = hosts_[i]->Start(); !started.ok()) return started;
    rpc::Frame& frame = *server_->frames()[i];
    frame.Open();
    for (const std::string& service : frame.service_names()) server_->SetServing(service, true);
    telemetry::Info("caught_up", {{"service", std::string(hosts_[i]->service())}});
  }
  return absl::OkStatus();
}

void Front::Drain(absl::Time deadline) {
  server_->StopServing();
  for (const auto& frame : server_->frames()) frame->Drain();
  for (Host* host : hosts_) host->backend().Drain(deadline);
  server_->Shutdown(deadline);
}

void Front::Collect(telemetry::Metrics& metrics) const {
  CollectProcess(metrics);
  for (const auto& frame : server_->frames()) frame->Collect(metrics);
  for (const Host* host : hosts_) host->Collect(metrics);
  if (collect_) collect_(metrics);
}

}  // namespace trialog::service
