#include "platform/service/metrics.h"

#include "absl/strings/ascii.h"
#include "platform/service/host.h"
#include "platform/text/text.h"

// What a service tells beside its calls: its log, its folds, its owner, its access records.

namespace trialog::service {
namespace {

using telemetry::Metrics;

// OUTCOME_SIGN_IN_FAILED is "sign_in_failed".
std::string OutcomeName(int outcome) {
  std::string name = event::v1::Access::Outcome_Name(static_cast<event::v1::Access::Outcome>(outcome));
  name = name.substr(std::string_view("OUTCOME_").size());
  absl::AsciiStrToLower(&name);
  return name;
}

}  // namespace

void TellFoldLag(Metrics& metrics, std::string_view service, std::string_view source, std::string_view reader,
                 int64_t lag) {
  metrics.Gauge("trialog_fold_lag_records",
                "Records of a log (source) that a reader in the service has not yet taken in.",
                {{"service", service}, {"source", source}, {"reader", reader}}, static_cast<double>(lag));
}

void Backend::Collect(Metrics& metrics) const {
  const std::string_view service = domain_.service;
  event::v1::FoldState sum;
  int64_t lag = 0;
  for (int p = 0; p < owner_.partitions; ++p) {
    const event::v1::FoldState fold = store_->fold(p);
    sum.set_admitted(sum.admitted() + fold.admitted());
    sum.set_ignored_stale(sum.ignored_stale() + fold.ignored_stale());
    sum.set_ignored_duplicate(sum.ignored_duplicate() + fold.ignored_duplicate());
    sum.set_ignored_gap(sum.ignored_gap() + fold.ignored_gap());
    sum.set_alarms(sum.alarms() + fold.alarms());
    sum.set_requests(sum.requests() + fold.requests());
    lag += std::max<int64_t>(log_.KnownEnd(std::string(service), p) - fold.next_offset(), 0);
  }
  TellFoldLag(metrics, service, service, "state", lag);
  const std::pair<std::string_view, uint64_t> verdicts[] = {{"admitted", sum.admitted()},
                                                            {"fenced", sum.ignored_stale()},
                                                            {"duplicate", sum.ignored_duplicate()},
                                                            {"gap", sum.ignored_gap()}};
  for (const auto& [verdict, count] : verdicts) {
    metrics.Counter("trialog_log_records_total", "Records of the service's log ever, by what admission said of them.",
                    {{"service", service}, {"verdict", verdict}}, static_cast<double>(count));
  }
  metrics.Counter("trialog_log_alarms_total",
                  "Signs in the service's log that records were lost. Any needs an operator.", {{"service", service}},
                  static_cast<double>(sum.alarms()));
  metrics.Gauge("trialog_request_ids", "Request ids that are remembered.", {{"service", service}},
                static_cast<double>(sum.requests()));
  metrics.Gauge("trialog_commands_waiting", "Commands taken and not yet decided.", {{"service", service}},
                static_cast<double>(owner_.waiting()));
  metrics.Gauge("trialog_partitions_owned", "Partitions of the service's log that this process owns.",
                {{"service", service}}, owner_.owned());
  for (int outcome = 1; outcome < event::v1::Access::Outcome_ARRAYSIZE; ++outcome) {
    metrics.Counter("trialog_access_records_total", "Access records written by this process.",
                    {{"service", service}, {"outcome", OutcomeName(outcome)}},
                    static_cast<double>((*accesses_recorded_)[outcome].load(std::memory_order_relaxed)));
  }
  metrics.Counter("trialog_access_records_withheld_total",
                  "Refusals beyond a caller's share of the minute: counted in a later access record.",
                  {{"service", service}}, static_cast<double>(accesses_withheld_.load(std::memory_order_relaxed)));
}

void Host::Collect(Metrics& metrics) const {
  const std::string_view name = service();
  backend_->Collect(metrics);
  TellFoldLag(metrics, name, "auth", "callers", directory_->Lag());
  const bool started = started_;
  metrics.Gauge("trialog_healthy", "1 while the service has caught up once and everything in it can be folded.",
                {{"service", name}}, started && Health().ok() ? 1 : 0);
  if (!started) return;  // What follows is still being made.
  for (const auto& reactor : reactors_) TellFoldLag(metrics, name, reactor->source(), "reactions", reactor->Lag());
  if (relay_) {
    TellFoldLag(metrics, name, name, "relay", relay_->Lag());
    metrics.Counter("trialog_events_relayed_total", "Public events that this process wrote to the service's topic.",
                    {{"service", name}}, static_cast<double>(relay_->relayed()));
  }
  if (definition_.companion) definition_.companion->Collect(metrics);
}

}  // namespace trialog::service
