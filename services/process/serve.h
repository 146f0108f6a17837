// What the main function of every server process does: signals, start, one line on standard output, drain.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace trialog::process {

// A server that runs. Destroying it ends it.
class Serving {
 public:
  virtual ~Serving() = default;
  virtual int port() const = 0;
  virtual void Drain(absl::Time deadline) = 0;
};

// Starts, prints "serving on port N", waits for SIGTERM or SIGINT, drains, ends. The exit status of the process. To be called
// before any other thread is made: signals are taken by this thread alone.
int Serve(const std::function<absl::StatusOr<std::unique_ptr<Serving>>()>& start, absl::Duration drain);

}  // namespace trialog::process
