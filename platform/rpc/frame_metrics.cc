// What a frame tells Prometheus. Read from the counters when asked; only what was ever called is shown.
#include "platform/rpc/frame.h"
#include "platform/rpc/method.h"
#include "platform/text/text.h"

namespace trialog::rpc {
namespace {

using telemetry::Metrics;

// "trialog.inventory.v1.SampleService/GetSample" is the inventory service's "SampleService/GetSample".
struct ShortName {
  explicit ShortName(std::string_view full) : method(full) {
    const auto parts = Split(full, '.');
    if (parts.size() != 4 || parts[0] != "trialog") return;
    service = parts[1];
    method = parts[3];
  }
  std::string_view service, method;
};

const std::vector<double>& BoundsInSeconds() {
  static const auto& bounds = *new std::vector<double>([] {
    std::vector<double> seconds;
    for (int64_t micros : kLatencyBoundsMicros) seconds.push_back(static_cast<double>(micros) / 1e6);
    return seconds;
  }());
  return bounds;
}

// Calls that ended with one code.
void CollectEnded(const ShortName& name, std::string_view code, const MethodCounters::Ended& ended, Metrics& metrics) {
  std::vector<uint64_t> counts;
  for (const auto& bucket : ended.latency)
    counts.push_back(static_cast<uint64_t>(bucket.load(std::memory_order_relaxed)));
  metrics.Histogram("trialog_rpc_duration_seconds", "Calls by how they ended and how long they took.",
                    {{"service", name.service}, {"method", name.method}, {"code", code}}, BoundsInSeconds(), counts,
                    static_cast<double>(ended.latency_sum_micros.load(std::memory_order_relaxed)) / 1e6);
}

void CollectMethod(const Method& method, Metrics& metrics) {
  const ShortName name(method.name);
  const MethodCounters& counters = method.counters;
  const int64_t started = counters.started.load(std::memory_order_relaxed);
  if (started == 0) return;
  int64_t ended = 0;
  for (size_t code = 0; code < kStatusCodes; ++code) {
    const int64_t count = counters.ended[code].count();
    if (count == 0) continue;
    ended += count;
    CollectEnded(name, absl::StatusCodeToString(static_cast<absl::StatusCode>(code)), counters.ended[code], metrics);
  }
  const telemetry::Labels labels = {{"service", name.service}, {"method", name.method}};
  metrics.Counter("trialog_rpc_started_total", "Calls that arrived.", labels, static_cast<double>(started));
  if (!method.stream) return;
  metrics.Gauge("trialog_streams_open", "Streams (watches, subscriptions) that are open now.", labels,
                static_cast<double>(std::max<int64_t>(started - ended, 0)));
  metrics.Counter("trialog_stream_messages_total", "Messages sent on streams.", labels,
                  static_cast<double>(counters.messages_sent.load(std::memory_order_relaxed)));
}

}  // namespace

void Frame::Collect(Metrics& metrics) const {
  for (const auto& method : state_->methods) CollectMethod(*method, metrics);
  if (state_->methods.empty()) return;
  const ShortName name(state_->methods.front()->name);
  metrics.Gauge("trialog_calls_open", "Calls and streams that have arrived and not ended.", {{"service", name.service}},
                state_->outstanding.load(std::memory_order_relaxed));
}

}  // namespace trialog::rpc
