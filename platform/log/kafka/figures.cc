#include "platform/log/kafka/figures.h"

#include <algorithm>

#include "nlohmann/json.hpp"

namespace trialog::log::kafka {
namespace {

using nlohmann::json;

int64_t Number(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_number_integer() ? found->get<int64_t>() : 0;
}

double MicrosecondsP99(const json& broker) {
  const auto rtt = broker.find("rtt");
  return rtt != broker.end() && rtt->is_object() ? static_cast<double>(Number(*rtt, "p99")) : 0;
}

}  // namespace

Figures& Figures::operator+=(const Figures& other) {
  // Of clients that know of any.
  if (other.brokers > 0) brokers_up = brokers == 0 ? other.brokers_up : std::min(brokers_up, other.brokers_up);
  brokers = std::max(brokers, other.brokers);
  queued_records += other.queued_records;
  records_sent += other.records_sent;
  records_received += other.records_received;
  bytes_sent += other.bytes_sent;
  bytes_received += other.bytes_received;
  request_errors += other.request_errors;
  request_timeouts += other.request_timeouts;
  round_trip_seconds = std::max(round_trip_seconds, other.round_trip_seconds);
  return *this;
}

Figures Figures::Sums() const {
  Figures sums = *this;
  sums.brokers = sums.brokers_up = 0;
  sums.queued_records = 0;
  sums.round_trip_seconds = 0;
  return sums;
}

Figures ParseStatistics(std::string_view text) {
  Figures figures;
  const json statistics = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!statistics.is_object()) return figures;
  figures.queued_records = Number(statistics, "msg_cnt");
  figures.records_sent = Number(statistics, "txmsgs");
  figures.records_received = Number(statistics, "rxmsgs");
  figures.bytes_sent = Number(statistics, "tx_bytes");
  figures.bytes_received = Number(statistics, "rx_bytes");
  const auto brokers = statistics.find("brokers");
  if (brokers == statistics.end() || !brokers->is_object()) return figures;
  for (const json& broker : *brokers) {
    if (!broker.is_object()) continue;
    figures.request_errors += Number(broker, "txerrs") + Number(broker, "rxerrs");
    figures.request_timeouts += Number(broker, "req_timeouts");
    // Bootstrap addresses are listed as brokers of their own, with a negative id.
    if (Number(broker, "nodeid") < 0) continue;
    ++figures.brokers;
    if (broker.value("state", json()) == "UP") ++figures.brokers_up;
    figures.round_trip_seconds = std::max(figures.round_trip_seconds, MicrosecondsP99(broker) / 1e6);
  }
  return figures;
}

void Tell(const Figures& figures, std::string_view role, telemetry::Metrics& metrics) {
  const telemetry::Labels labels = {{"client", role}};
  const auto counter = [&](std::string_view name, std::string_view help, int64_t value) {
    metrics.Counter(name, help, labels, static_cast<double>(value));
  };
  metrics.Gauge("trialog_kafka_brokers", "Brokers that a client of Kafka knows of.", labels, figures.brokers);
  metrics.Gauge("trialog_kafka_brokers_up", "Brokers that it is connected to.", labels, figures.brokers_up);
  metrics.Gauge("trialog_kafka_queued_records", "Records given to the client and not yet reported.", labels,
                static_cast<double>(figures.queued_records));
  metrics.Gauge("trialog_kafka_round_trip_seconds", "99th percentile of requests to the slowest broker.", labels,
                figures.round_trip_seconds);
  counter("trialog_kafka_records_sent_total", "Records sent to brokers.", figures.records_sent);
  counter("trialog_kafka_records_received_total", "Records received from brokers.", figures.records_received);
  counter("trialog_kafka_bytes_sent_total", "Bytes sent to brokers.", figures.bytes_sent);
  counter("trialog_kafka_bytes_received_total", "Bytes received from brokers.", figures.bytes_received);
  counter("trialog_kafka_request_errors_total", "Requests to brokers that failed.", figures.request_errors);
  counter("trialog_kafka_request_timeouts_total", "Requests that brokers did not answer.", figures.request_timeouts);
}

}  // namespace trialog::log::kafka
