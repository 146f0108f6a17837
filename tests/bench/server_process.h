// A server as a process of its own, and what it costs the machine.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/time/time.h"

namespace trialog::bench {

// Runs `command` until destroyed. Waits for its line "serving on port N"; aborts when that does not come.
class ServerProcess {
 public:
  explicit ServerProcess(const std::vector<std::string>& command);
  // SIGTERM, then waits.
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  const std::string& address() const { return address_; }
  // User and system time so far (ticks of 10 ms).
  absl::Duration Cpu() const;
  // Resident set.
  int64_t ResidentBytes() const;

 private:
  pid_t pid_ = -1;
  int output_ = -1;  // Kept open: the server may print more.
  std::string address_;
};

}  // namespace trialog::bench
