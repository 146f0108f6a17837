// The main function of the six servers.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "services/process/config.h"
#include "services/process/serve.h"

namespace trialog::process {

// Reads the configuration and serves.
int Main(int argc, char** argv, std::string_view what_it_is,
         const std::function<absl::StatusOr<std::unique_ptr<Serving>>(const Config& config)>& start);

}  // namespace trialog::process
