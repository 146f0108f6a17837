// Wakes what waits for a store to grow: watch streams and reads that ask for a position. One executor a service.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "platform/runtime/runtime.h"
#include "platform/view/store.h"

namespace trialog::service {

class WatchHub {
 public:
  // Changes are gathered this long before streams are woken: a batch instead of a call for each record.
  static constexpr absl::Duration kGather = absl::Milliseconds(5);

  WatchHub(Runtime& runtime, view::Store& store, int partitions);
  ~WatchHub();

  // Calls `pump` on the executor now and after commits to the partition, until removed. Thread safe.
  int64_t Add(int partition, std::function<void()> pump);
  void Remove(int64_t id);
  // As after a commit to every partition: something else changed that streams look at. Thread safe.
  void WakeAll();
  void Post(Task task) { executor_->Post(std::move(task)); }

  // Calls `done` with OK once the partition is folded beyond `offset`; UNAVAILABLE with RetryInfo when that takes longer
  // than until `deadline`. Thread safe.
  void WhenFolded(int partition, int64_t offset, absl::Time deadline, std::function<void(absl::Status)> done);

 private:
  struct Pump {
    int partition;
    std::function<void()> run;
  };
  struct Waiter {
    int64_t offset;
    absl::Time deadline;
    std::function<void(absl::Status)> done;
  };
  void Wake(int partition);
  void RunPumps(int partition);
  void ServeWaiters(int partition);

  Runtime& runtime_;
  view::Store& store_;
  std::vector<int64_t> listeners_;
  std::unique_ptr<std::atomic<bool>[]> scheduled_;
  const int partitions_;

  absl::Mutex mutex_;
  int64_t next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  std::map<int64_t, Pump> pumps_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::vector<Waiter>> waiters_ ABSL_GUARDED_BY(mutex_);
  std::vector<int> interested_ ABSL_GUARDED_BY(mutex_);  // Pumps and waiters a partition; a commit wakes nobody at 0.

  std::unique_ptr<Executor> executor_;  // Last: its tasks use all of the above.
};

}  // namespace trialog::service
