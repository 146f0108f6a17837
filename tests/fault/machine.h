// A machine for fault tests: the embedded log, a store and the owner loop of one partition, on file systems that fail
// when told to, and a client that keeps the journal of what it was told. One thread besides RocksDB's own.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "absl/time/time.h"
#include "platform/command/partition_owner.h"
#include "platform/log/embedded/embedded_log.h"
#include "platform/log/testing/power_cut_fs.h"
#include "platform/runtime/simulated_runtime.h"
#include "platform/verify/checker.h"
#include "rocksdb/env.h"
#include "tests/simulation/workload.h"

namespace trialog::testing {

class Machine {
 public:
  // The file systems may be one and the same.
  Machine(uint64_t seed, std::shared_ptr<PowerCutFileSystem> log_files,
          std::shared_ptr<PowerCutFileSystem> store_files);
  ~Machine();

  // Opens log and store and starts the owner; checks that the log does not end before the store.
  absl::Status Start();
  // All of the process is gone; what was under way has no answer.
  void Stop();

  // Asks for `commands` more, 8 at a time, those without an answer first, until each has one, the power is cut, or
  // `patience` of virtual time has passed. Retryable answers are asked again.
  void Serve(int commands, absl::Duration patience);

  // What does not hold, after folding to the end (platform/verify).
  std::vector<std::string> Check();

  int64_t acknowledged() const { return static_cast<int64_t>(journal_.acknowledged.size()); }
  bool all_answered() const { return open_.empty(); }
  // The last retryable answer.
  const absl::Status& last_error() const { return last_error_; }
  const view::Store& store() const { return *store_; }

 private:
  void Ask(int number);
  void OnAnswer(int number, const absl::StatusOr<Outcome>& outcome);

  const Workload workload_;
  const std::shared_ptr<PowerCutFileSystem> log_files_, store_files_;
  const std::unique_ptr<rocksdb::Env> store_env_;
  SimulatedRuntime runtime_;
  std::unique_ptr<log::EmbeddedLog> log_;
  std::unique_ptr<view::Store> store_;
  std::unique_ptr<Executor> executor_;
  std::unique_ptr<PartitionOwner> owner_;
  ClientJournal journal_;
  std::map<int, int> sent_;
  std::set<int> open_;       // Without an answer that says what became of it.
  std::set<int> in_flight_;  // Those of them that the process has.
  int next_ = 0;
  absl::Status last_error_;
};

}  // namespace trialog::testing
