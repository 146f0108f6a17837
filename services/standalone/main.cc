// trialog-standalone: all five services on the embedded log.
#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "services/process/serve.h"
#include "services/standalone/standalone.h"

ABSL_FLAG(std::string, data, "data", "Folder with keys, log and stores; made by `trialogctl init`");
ABSL_FLAG(std::string, address, "127.0.0.1:50051", "Where to listen; without TLS a loopback address. Port 0: any");
ABSL_FLAG(absl::Duration, drain, absl::Seconds(10), "How long open calls may take after SIGTERM");
ABSL_FLAG(bool, compress, true, "Compress files; off where a test searches them");

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("All services of Trialog in one process, on a log of its own.");
  absl::ParseCommandLine(argc, argv);
  const auto start = []() -> absl::StatusOr<std::unique_ptr<trialog::process::Serving>> {
    trialog::standalone::Options options;
    options.data = absl::GetFlag(FLAGS_data);
    options.address = absl::GetFlag(FLAGS_address);
    options.compress = absl::GetFlag(FLAGS_compress);
    return trialog::standalone::Standalone::Start(options);
  };
  return trialog::process::Serve(start, absl::GetFlag(FLAGS_drain));
}
