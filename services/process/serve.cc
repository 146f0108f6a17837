#include "services/process/serve.h"

#include <csignal>
#include <cstdio>

#include "absl/time/clock.h"
#include "platform/telemetry/event_log.h"
#include "platform/text/text.h"

namespace trialog::process {

int Serve(const std::function<absl::StatusOr<std::unique_ptr<Serving>>()>& start, absl::Duration drain) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // Every thread made from here on inherits it.

  auto serving = start();
  if (!serving.ok()) {
    telemetry::Error("start_refused", {{"reason", serving.status().ToString()}});
    return 1;
  }
  telemetry::Info("serving", {{"port", Cat((*serving)->port())}});
  std::printf("serving on port %d\n", (*serving)->port());
  std::fflush(stdout);

  int signal = 0;
  sigwait(&signals, &signal);
  telemetry::Info("draining");
  (*serving)->Drain(absl::Now() + drain);
  serving->reset();
  telemetry::Info("stopped");
  return 0;
}

}  // namespace trialog::process
