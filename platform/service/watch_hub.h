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
#include "platform/service/change_feed.h"
#include "platform/view/store.h"

namespace trialog::service {

class WatchHub {
 public:
  // Changes are gathered before streams are woken, in rounds: a batch instead of a call for each record. The more
  // streams there are, the longer from one round to the next, so that a crowd takes no more of the machine than a few.
  static constexpr absl::Duration kGather = absl::Milliseconds(5);
  static constexpr absl::Duration kGatherPerStream = absl::Microseconds(100);
  static constexpr absl::Duration kLongestGather = absl::Milliseconds(20);
  static constexpr absl::Duration kLongestSettling = absl::Seconds(2);
  // Streams of a round that are woken before other tasks of the executor get their turn.
  static constexpr size_t kPumpsAtOnce = 64;

  WatchHub(Runtime& runtime, view::Store& store, int partitions);
  ~WatchHub();

  // Calls `pump` on the executor after commits to the partition, until removed. Thread safe.
  int64_t Add(int partition, std::function<void()> pump);
  void Remove(int64_t id);
  // As after a commit to every partition: something else changed that streams look at. Thread safe.
  void WakeAll();
  Executor& executor() { return *executor_; }
  void Post(Task task) { executor_->Post(std::move(task)); }
  void After(absl::Duration delay, Task task) { executor_->After(delay, std::move(task)); }
  // To be kept by what Settle is to wait for, as long as it is under way. Thread safe.
  std::shared_ptr<const void> Hold();
  // Returns once what was posted before has run and nothing is held, or after kLongestSettling. Not for tasks of the
  // executor.
  void Settle();

  // What the streams that were added read, advanced before each round. For tasks of the executor.
  ChangeFeed& feed() { return feed_; }

  // Calls `done` with OK once the partition is folded beyond `offset`; UNAVAILABLE with RetryInfo when that takes
  // longer than until `deadline`, or nothing more is folded. Thread safe.
  void WhenFolded(int partition, int64_t offset, absl::Time deadline, std::function<void(absl::Status)> done);

  // Nothing more is folded here: whoever waits for it is told to ask another. Thread safe.
  void EndWaiting();

 private:
  using Pump = std::function<void()>;
  struct Waiter {
    int64_t offset;
    absl::Time deadline;
    std::function<void(absl::Status)> done;
  };
  struct Partition {
    std::map<int64_t, std::shared_ptr<const Pump>> pumps;  // Of streams, by id.
    std::vector<Waiter> waiters;
    absl::Duration last_round = -absl::InfiniteDuration();  // Monotonic.
    bool round_scheduled = false;
    bool serving_scheduled = false;
  };
  // A round of one partition; the executor's.
  struct Round {
    bool running = false;
    bool again = false;  // Woken meanwhile.
    bool more = false;   // The feed has more than it gave to this round.
    bool trimming = false;
    std::vector<std::shared_ptr<const Pump>> pumps;
    size_t next = 0;
  };
  struct Holds {
    absl::Mutex mutex;
    int count ABSL_GUARDED_BY(mutex) = 0;
  };
  void Wake(int partition);
  void BeginRound(int partition);
  void RunPumps(int partition);
  void EndRound(int partition);
  void TrimLater(int partition);
  void ServeWaiters(int partition);

  Runtime& runtime_;
  view::Store& store_;
  std::vector<int64_t> listeners_;
  ChangeFeed feed_;
  std::vector<Round> rounds_;
  const std::shared_ptr<Holds> holds_ = std::make_shared<Holds>();

  absl::Mutex mutex_;
  int64_t next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  std::map<int64_t, int> partition_of_ ABSL_GUARDED_BY(mutex_);  // By id.
  std::vector<Partition> partitions_ ABSL_GUARDED_BY(mutex_);
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;

  std::unique_ptr<Executor> executor_;  // Last: its tasks use all of the above.
};

}  // namespace trialog::service
