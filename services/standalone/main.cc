// trialog-standalone: all five services on the embedded log.
#include <csignal>
#include <cstdio>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/time/clock.h"
#include "platform/telemetry/event_log.h"
#include "platform/text/text.h"
#include "services/standalone/standalone.h"

ABSL_FLAG(std::string, data, "data", "Folder with keys, log and stores; made by `trialogctl init`");
ABSL_FLAG(std::string, address, "127.0.0.1:50051", "Where to listen; without TLS a loopback address. Port 0: any");
ABSL_FLAG(bool, compress, true, "Whether log and stores are compressed; without, raw files can be searched");
ABSL_FLAG(absl::Duration, drain, absl::Seconds(10), "How long open calls may take after SIGTERM");

namespace telemetry = trialog::telemetry;

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("All services of Trialog in one process, on a log of its own.");
  absl::ParseCommandLine(argc, argv);
  // Signals are taken by this thread alone; every thread made from here on inherits the mask.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  trialog::standalone::Options options;
  options.data = absl::GetFlag(FLAGS_data);
  options.address = absl::GetFlag(FLAGS_address);
  options.compress = absl::GetFlag(FLAGS_compress);
  auto standalone = trialog::standalone::Standalone::Start(options);
  if (!standalone.ok()) {
    telemetry::Error("start_refused", {{"reason", standalone.status().ToString()}});
    return 1;
  }
  telemetry::Info("serving", {{"port", trialog::Cat((*standalone)->port())}, {"data", options.data}});
  std::printf("serving on port %d\n", (*standalone)->port());
  std::fflush(stdout);

  int signal = 0;
  sigwait(&signals, &signal);
  telemetry::Info("draining");
  (*standalone)->Drain(absl::Now() + absl::GetFlag(FLAGS_drain));
  standalone->reset();
  telemetry::Info("stopped");
  return 0;
}
