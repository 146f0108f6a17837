#include "services/process/main.h"

#include <cstdio>

namespace trialog::process {

int Main(int argc, char** argv, std::string_view what_it_is,
         const std::function<absl::StatusOr<std::unique_ptr<Serving>>(const Config& config)>& start) {
  const auto config = ReadConfig(argc, argv, what_it_is);
  if (!config.ok()) {
    std::fprintf(stderr, "%s\n", std::string(config.status().message()).c_str());
    return StartRefused(config.status());
  }
  return Serve([&] { return start(*config); }, config->drain);
}

}  // namespace trialog::process
