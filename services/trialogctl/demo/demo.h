// `trialogctl demo`: a real trial's data through all services of a running server, by its public gRPC API alone.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace trialog::ctl::demo {

struct DemoOptions {
  std::string data_file;         // See trial_file.h.
  std::string server;            // host:port.
  std::string credentials_file;  // JSON of mode 0600: organization, username, password of an administrator.
  std::string state_file;        // How far a run came, and the checkpoint kept from its start. Made when missing.
  std::string
      people_file;        // Where the people's passwords go, mode 0600; empty: demo-people.json beside the state file.
  std::string plot_file;  // Where the survival plot goes; empty: beside the state file.
  std::string log_key_file;  // The audit log's public key (C2SP verifier key); empty: signatures are not checked.
};

// Loads the trial, shows it, proves a record; what an earlier run did is not repeated, and a run that was cut off goes
// on. Prints its progress on standard output. Errors name the call that failed.
absl::Status RunDemo(const DemoOptions& options);

}  // namespace trialog::ctl::demo
