// trialog-standalone: all five services on the embedded log.
#include "services/process/main.h"

#include "services/standalone/standalone.h"

int main(int argc, char** argv) {
  return trialog::process::Main(
      argc, argv, "All services of Trialog in one process, on a log of its own.",
      [](const trialog::process::Config& config) -> absl::StatusOr<std::unique_ptr<trialog::process::Serving>> {
        return trialog::standalone::Standalone::Start({config});
      });
}
