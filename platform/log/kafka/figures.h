// What a client of the library knows of its brokers and its traffic.
#pragma once

#include <cstdint>
#include <string_view>

#include "platform/telemetry/metrics.h"

namespace trialog::log::kafka {

struct Figures {
  int brokers = 0;             // That it knows of …
  int brokers_up = 0;          // … and is connected to.
  int64_t queued_records = 0;  // Given to the library and not yet reported.
  // Since the client was made.
  int64_t records_sent = 0, records_received = 0;
  int64_t bytes_sent = 0, bytes_received = 0;
  int64_t request_errors = 0, request_timeouts = 0;
  double round_trip_seconds = 0;  // The 99th percentile at the slowest broker, of the library's last window.

  Figures& operator+=(const Figures& other);
  // Without what only counts while the client lives.
  Figures Sums() const;
};

// Reads the library's statistics (librdkafka, STATISTICS.md, version 2.0.2). Total: what is not there is zero.
Figures ParseStatistics(std::string_view json);

// Tells them as those of the clients in this `role` ("write", "follow", "history", "ask").
void Tell(const Figures& figures, std::string_view role, telemetry::Metrics& metrics);

}  // namespace trialog::log::kafka
