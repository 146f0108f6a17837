// An organisation with what the benchmarks work on, made through the public API of a fresh server.
#pragma once

#include <string>
#include <vector>

#include "platform/rpc/client.h"

namespace trialog::bench {

struct World {
  std::string technician_token;
  std::string biobank;  // Resource names.
  std::vector<std::string> samples;
  std::vector<std::string> items;  // An inventory item for each sample.
};

// Uses the one-time token in `init_token_file`. Ends the program when a call is refused.
World MakeWorld(const rpc::Client& client, const std::string& init_token_file, int samples);

// A fresh UUID for a request_id.
std::string RequestId();

}  // namespace trialog::bench
