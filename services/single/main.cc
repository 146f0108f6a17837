// The main function of each service's own process; the service is chosen by what is linked (definition.h).
#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "services/single/definition.h"
#include "services/single/single.h"

ABSL_FLAG(std::string, data, "data", "Folder with keys, log and store of this service; made by `trialogctl init`");
ABSL_FLAG(std::string, address, "127.0.0.1:0", "Where to listen; without TLS a loopback address. Port 0: any");
ABSL_FLAG(absl::Duration, drain, absl::Seconds(10), "How long open calls may take after SIGTERM");

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("One service of Trialog, on an embedded log of its own.");
  absl::ParseCommandLine(argc, argv);
  const auto start = []() -> absl::StatusOr<std::unique_ptr<trialog::process::Serving>> {
    return trialog::single::Single::Start(absl::GetFlag(FLAGS_data), absl::GetFlag(FLAGS_address),
                                          trialog::single::kIsAuth, trialog::single::DefinitionOf);
  };
  return trialog::process::Serve(start, absl::GetFlag(FLAGS_drain));
}
