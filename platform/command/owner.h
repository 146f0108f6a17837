// All partitions of one service in this process, on one executor: where handlers leave their commands.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "platform/command/partition_owner.h"

namespace trialog {

// Waits for executors of its own, so only for a runtime with real threads.
class Owner {
 public:
  Owner(Runtime& runtime, log::Log& log, view::Store& store, OwnerOptions options, int partitions = log::kPartitions);
  // Stops first if that was not done.
  ~Owner();

  // Folds every partition to its end; the service may answer after that. `claim`: own them all from the start, else
  // each from its first command on. A partition whose log is damaged is left out: its commands are refused, and
  // Readable says why.
  absl::Status Start(bool claim);

  // Takes a command; its `done` is called once, on the executor. Thread safe, bounded, never blocks.
  void Submit(std::unique_ptr<Command> command);

  // Runs `task` on the executor, after what was submitted before.
  void Post(Task task) { executor_->Post(std::move(task)); }
  void After(absl::Duration delay, Task task) { executor_->After(delay, std::move(task)); }

  // Which partitions this process is to own, as far as is known; it gives up the others. Thread safe.
  void Hint(std::vector<bool> wanted);
  // Whether this process owns a partition at present. Thread safe.
  bool Owns(int partition) const { return owners_[partition]->role() == PartitionOwner::Role::kOwner; }

  // Takes nothing more, finishes what is pending and gives every partition up. Returns when done; at `deadline` what is
  // not is dropped, and answered, as by Stop: a log that does not answer keeps nobody.
  void Drain(absl::Time deadline);
  // Drops everything at once, as a crash would, but answers it. Idempotent.
  void Stop();

  // Why the first partition that can no longer be folded cannot; OK while all can. Thread safe.
  absl::Status Health() const;

  // Whether something was refused, not longer ago than this, because this process's clock is wrong. Thread safe.
  bool ClockWasWrong(absl::Duration ago) const;

  // Why the store does not hold what a partition's log did when this started; OK when it does. Thread safe after Start.
  const absl::Status& Readable(int partition) const { return readable_[partition]; }

  // Commands taken and not yet decided; partitions that this process owns. Thread safe.
  size_t waiting() const;
  int owned() const;

  const int partitions;

 private:
  OwnerOptions NotingFailures(OwnerOptions options);
  std::vector<std::unique_ptr<Command>> Incoming();
  void TakeIncoming();
  void StopAll();
  void RunAndWait(Task task);

  Runtime& runtime_;
  view::Store& store_;
  log::Log& log_;
  std::unique_ptr<Executor> executor_;
  std::unique_ptr<Executor> appending_;
  std::vector<std::unique_ptr<PartitionOwner>> owners_;
  std::vector<std::unique_ptr<std::atomic<bool>>> woken_;
  std::vector<absl::Status> readable_;  // By partition; constant after Start.
  std::vector<std::unique_ptr<log::Tail>> tails_;
  std::atomic<bool> stopped_ = false;
  static constexpr int64_t kNever = INT64_MIN;
  std::atomic<int64_t> clock_wrong_at_ = kNever;  // Milliseconds of the monotonic clock.

  mutable absl::Mutex mutex_;
  std::vector<std::unique_ptr<Command>> incoming_ ABSL_GUARDED_BY(mutex_);
  absl::Status health_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace trialog
