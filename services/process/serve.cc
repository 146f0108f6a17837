#include "services/process/serve.h"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <thread>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "platform/errors/errors.h"
#include "platform/telemetry/event_log.h"
#include "platform/text/text.h"

namespace trialog::process {
namespace {

// What a process is in; whoever comes first, the signal or the end of the start, decides.
enum class Phase { kStarting, kServing, kEnding };

}  // namespace

int StartRefused(const absl::Status& why) {
  telemetry::Error("start_refused", {{"reason", ReasonOf(why)}, {"cause", std::string(FromAbsl(why.message()))}});
  return 1;
}

int Serve(const std::function<absl::StatusOr<std::unique_ptr<Serving>>()>& start, absl::Duration drain) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // Every thread made from here on inherits it.

  std::atomic<Phase> phase = Phase::kStarting;
  absl::Notification stop;
  std::thread listener([&] {
    int signal = 0;
    sigwait(&signals, &signal);
    Phase starting = Phase::kStarting;
    if (phase.compare_exchange_strong(starting, Phase::kEnding)) {
      // Reading a long log: nothing was promised to anybody yet, and a crash is safe at any time.
      telemetry::Info("stopped_while_starting");
      _exit(0);
    }
    stop.Notify();
  });

  auto serving = start();
  Phase starting = Phase::kStarting;
  if (!phase.compare_exchange_strong(starting, Phase::kServing)) pause();  // The listener ends the process.
  if (!serving.ok()) {
    const int status = StartRefused(serving.status());
    kill(getpid(), SIGTERM);  // Frees the listener.
    listener.join();
    return status;
  }
  telemetry::Info("serving", {{"port", Cat((*serving)->port())}});
  if ((*serving)->metrics_port() != 0) std::printf("metrics on port %d\n", (*serving)->metrics_port());
  std::printf("serving on port %d\n", (*serving)->port());
  std::fflush(stdout);

  stop.WaitForNotification();
  listener.join();
  telemetry::Info("draining");
  (*serving)->Drain(absl::Now() + drain);
  serving->reset();
  telemetry::Info("stopped");
  return 0;
}

}  // namespace trialog::process
