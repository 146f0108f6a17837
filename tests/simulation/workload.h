// A stream of inventory commands from a seed, for simulation and fault runs: command `number` is a pure function of
// seed and number, so that two processes agree on it without sending it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "platform/command/command.h"

namespace trialog::testing {

// All commands belong to one organisation, hence to one partition. Few samples, places and items, so that most commands
// meet the work of others and a good part of them is refused by a rule.
class Workload {
 public:
  explicit Workload(uint64_t seed) : seed_(seed) {}

  // The first commands: a biobank and its storage locations. The others are refused until they are through.
  static constexpr int kSetup = 5;
  static int Partition();
  static std::string RequestKey(int number);

  // A command with its request key and fingerprint; `done` and `deadline` are the caller's.
  std::unique_ptr<Command> Make(int number) const;
  // Another request under the same request id.
  std::unique_ptr<Command> MakeOther(int number) const;

 private:
  DecideFn Decide(int number) const;

  const uint64_t seed_;
};

// Whether a client may send the same request again: nothing was decided, or nobody knows.
bool IsRetryable(const absl::Status& status);

}  // namespace trialog::testing
