// One simulated process: the partition's owner loop on an executor of its own.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "platform/command/partition_owner.h"
#include "platform/log/simulated/simulated_log.h"
#include "platform/runtime/simulated_runtime.h"
#include "platform/view/store.h"

namespace trialog::testing {

class Process {
 public:
  // Folds into `store` and, when `wanted`, claims. Runtime, log and store outlive it.
  Process(SimulatedRuntime& runtime, log::Log& log, view::Store& store, OwnerOptions options, bool wanted);
  // A crash: whatever was under way is dropped without an answer.
  ~Process();

  // Leaves the command with the owner, in a task of the executor.
  void Submit(std::unique_ptr<Command> command);
  // Tells the owner whether it is to have the partition.
  void Hint(bool wanted);
  // Hands the partition over; `left` becomes true when that is done.
  void Leave();

  bool leaving() const { return leaving_; }
  bool left() const { return left_; }
  const PartitionOwner& owner() const { return *owner_; }

 private:
  std::unique_ptr<Executor> executor_, appending_;
  std::unique_ptr<PartitionOwner> owner_;
  std::unique_ptr<log::Tail> tail_;
  bool leaving_ = false;
  bool left_ = false;
};

// Opens a store of little size; ends the program when that fails.
std::unique_ptr<view::Store> OpenSmallStore(rocksdb::Env* env, const std::string& path);

}  // namespace trialog::testing
