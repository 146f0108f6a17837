// The owner loop in a world that does everything that can go wrong, from a seed, on one thread: processes that crash,
// lose their store, stand still, leave and come back; a log that delays, loses, doubles and reorders; clients that ask
// again at any process until they know; clocks that jump. Same seed, same run.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "platform/command/partition_owner.h"
#include "platform/log/simulated/simulated_log.h"

namespace trialog::testing {

struct SimulationOptions {
  int commands = 80;  // At least; more until the run had a crash, a reordering and two writers.
  int clients = 6;
  bool verbose = false;  // Every step of clients and processes, on standard error.
  PlantedBugs bugs;
  bool position_apart = false;  // Planted: rows and position in two writes, with crashes in between.
};

// How often each thing happened.
struct SimulationCounts {
  log::FaultCounts log;
  int64_t commands = 0;  // Asked for by clients.
  int64_t attempts = 0;  // Sent; retries, repeats and copies too.
  int64_t acknowledged = 0;
  int64_t refused = 0;  // By a rule of the domain.
  int64_t unknown = 0;  // Attempts without an answer, or answered UNAVAILABLE.
  int64_t joined = 0;   // OK answers that say "the first outcome".
  int64_t reused = 0;   // Refused with REQUEST_ID_REUSED.
  int64_t claims = 0;   // Terms in the log.
  int64_t crashes = 0;
  int64_t stores_lost = 0;
  int64_t hand_overs = 0;
  int64_t hints = 0;      // Who is to own the partition was said anew.
  int64_t passed_on = 0;  // Attempts that a process answered with the address of the owner.
  int64_t pauses = 0;
  int64_t clock_jumps = 0;
  int64_t long_nights = 0;  // More than a day without a command.

  SimulationCounts& operator+=(const SimulationCounts& other);
  std::string ToString() const;
  // Names of what stands in ToString with 0, "late, holes"; empty when everything happened.
  std::string NeverHappened() const;
};

struct SimulationResult {
  std::vector<std::string> findings;  // What did not hold; empty when all held.
  SimulationCounts counts;
  std::string digest;  // Of the log: equal runs have equal ones.
};

SimulationResult Simulate(uint64_t seed, const SimulationOptions& options = {});

}  // namespace trialog::testing
