// Folds another service's public stream into the facts of this service's store, position and facts in one write.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "platform/log/log.h"
#include "platform/runtime/runtime.h"
#include "platform/view/store.h"
#include "trialog/event/v1/record.pb.h"

namespace trialog::facts {

// What an event means for the facts: a pure function of the event and the facts so far. Total.
using FoldFact = std::function<void(const event::v1::PublicEvent& event, std::vector<view::Store::FactWrite>& writes)>;

class FactFolder {
 public:
  // Events are gathered this long before they are folded, unless somebody waits for them.
  static constexpr absl::Duration kGather = absl::Milliseconds(5);
  // Records that bring no fact, before the position is stored all the same: a restart reads no more than these again.
  static constexpr int64_t kStoreEvery = 1000;

  // `folded` is called after each write with the events in it, on the folder's executor, before anybody who waits for
  // the position is told. All references outlive the folder.
  FactFolder(Runtime& runtime, log::Log& log, view::Store& store, std::string source, int partitions, FoldFact fold,
             std::function<void(const std::vector<event::v1::PublicEvent>&)> folded);
  ~FactFolder();

  // Folds to the end of every partition, then follows. Not OK when the source cannot be folded.
  absl::Status Start();

  // Offset up to which a partition is folded (exclusive).
  int64_t next_offset(int partition) const { return next_offset_[partition]->load(std::memory_order_acquire); }
  // Records of the source that are in its log and not yet folded. Thread safe.
  int64_t Lag() const;
  // Where the owner of a partition of the source takes calls, as far as is folded; empty: nobody owns it. Thread safe.
  std::string OwnerAddress(int partition) const;
  // Calls `done` once the partition is folded beyond `offset`, or with UNAVAILABLE after `patience`. Thread safe.
  void WhenFolded(int partition, int64_t offset, absl::Duration patience, std::function<void(absl::Status)> done);
  // Why a partition cannot be folded at present, which is tried again all the time; OK while all can. Thread safe.
  absl::Status Health() const;

 private:
  static constexpr absl::Duration kFirstBackoff = absl::Milliseconds(20);
  struct Waiter {
    int64_t offset;
    absl::Duration until;  // Monotonic.
    std::function<void(absl::Status)> done;
  };
  // What is known of one partition of the source; the executor's.
  struct Follower {
    event::v1::FoldState fold;
    int64_t stored = 0;  // Next offset as it is in the store.
    std::atomic<bool> woken = false;
    bool retrying = false;
    absl::Duration backoff = kFirstBackoff;
  };
  void Wake(int partition);
  // Folds what is there and tells who waits.
  void Advance(int partition);
  absl::Status CatchUp(int partition);
  void TryAgain(int partition, absl::Duration delay);
  void ServeWaiters(int partition);

  Runtime& runtime_;
  log::Log& log_;
  view::Store& store_;
  const std::string source_;
  const int partitions_;
  const FoldFact fold_;
  const std::function<void(const std::vector<event::v1::PublicEvent>&)> folded_;
  const google::protobuf::Message* const prototype_;
  std::vector<std::unique_ptr<std::atomic<int64_t>>> next_offset_;
  std::vector<std::unique_ptr<Follower>> followers_;

  mutable absl::Mutex mutex_;
  std::vector<std::vector<Waiter>> waiters_ ABSL_GUARDED_BY(mutex_);
  std::vector<absl::Status> health_ ABSL_GUARDED_BY(mutex_);  // By partition.
  std::vector<std::string> owners_ ABSL_GUARDED_BY(mutex_);   // By partition.

  std::unique_ptr<Executor> executor_;             // Its tasks use all of the above, so it goes before them …
  std::vector<std::unique_ptr<log::Tail>> tails_;  // … and these, which leave it tasks, before it.
};

}  // namespace trialog::facts
