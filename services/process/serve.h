// What every server process does: signals, start, one line on standard output, drain.
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
  virtual int metrics_port() const { return 0; }  // 0: none.
  virtual void Drain(absl::Time deadline) = 0;
};

// Starts, prints "metrics on port N" where there are some and "serving on port N", waits for SIGTERM or SIGINT, drains,
// ends. The exit status of the process: 1 when the start was refused. A signal during the start ends the process at
// once, with status 0. To be called before any other thread is made: signals are taken by a thread of its own.
int Serve(const std::function<absl::StatusOr<std::unique_ptr<Serving>>()>& start, absl::Duration drain);

// Says why a start was refused, in the event log. 1, the exit status.
int StartRefused(const absl::Status& why);

}  // namespace trialog::process
