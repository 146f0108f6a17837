// Unary load on a server: the same code for the yardstick and for ours.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "google/protobuf/message.h"
#include "platform/rpc/client.h"

namespace trialog::bench {

// One method under load. `next` fills the request of a lane (0 … outstanding − 1), which has one call at a time.
struct Work {
  std::string method;
  std::string token;
  std::function<std::unique_ptr<google::protobuf::Message>(int lane)> next;
  const google::protobuf::Message* answer = nullptr;  // Default instance.
};

struct Slice {
  double calls_per_second = 0;
  int64_t calls = 0;
  absl::Duration p50;
};

inline constexpr int kChannels = 4;

// Channels of their own, to "host:port".
std::vector<std::unique_ptr<rpc::Client>> Clients(const std::string& address);

// Keeps `outstanding` calls in flight for `time`. An answer that is an error ends the program: its figure would be
// wrong.
Slice Run(const std::vector<std::unique_ptr<rpc::Client>>& clients, const Work& work, int outstanding,
          absl::Duration time);

// `part` between 0 and 1. Zero when there are none.
absl::Duration Percentile(std::vector<absl::Duration>& values, double part);

}  // namespace trialog::bench
