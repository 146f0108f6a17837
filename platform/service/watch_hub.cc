#include "platform/service/watch_hub.h"

#include <algorithm>

#include "absl/synchronization/notification.h"
#include "platform/errors/errors.h"
#include "platform/text/text.h"

namespace trialog::service {

WatchHub::WatchHub(Runtime& runtime, view::Store& store, int partitions)
    : runtime_(runtime),
      store_(store),
      feed_(runtime, store, partitions),
      rounds_(static_cast<size_t>(partitions)),
      partitions_(static_cast<size_t>(partitions)),
      executor_(runtime.NewExecutor(Cat("watch-", store.domain().service))) {
  for (int p = 0; p < partitions; ++p) listeners_.push_back(store_.Listen(p, [this, p] { Wake(p); }));
}

WatchHub::~WatchHub() {
  for (size_t p = 0; p < listeners_.size(); ++p) store_.Unlisten(static_cast<int>(p), listeners_[p]);
}

int64_t WatchHub::Add(int partition, std::function<void()> pump) {
  absl::MutexLock lock(&mutex_);
  const int64_t id = next_id_++;
  partitions_[partition].pumps[id] = std::make_shared<const Pump>(std::move(pump));
  partition_of_[id] = partition;
  return id;
}

void WatchHub::Remove(int64_t id) {
  std::shared_ptr<const Pump> last;  // Destroyed without the lock: it may hold the stream.
  absl::MutexLock lock(&mutex_);
  const auto found = partition_of_.find(id);
  if (found == partition_of_.end()) return;
  auto& pumps = partitions_[found->second].pumps;
  last = std::move(pumps[id]);
  pumps.erase(id);
  partition_of_.erase(found);
}

void WatchHub::WakeAll() {
  for (size_t p = 0; p < rounds_.size(); ++p) Wake(static_cast<int>(p));
}

void WatchHub::Wake(int partition) {
  bool serve, round;
  absl::Duration pause;
  {
    absl::MutexLock lock(&mutex_);
    Partition& woken = partitions_[partition];
    serve = !woken.waiters.empty() && !std::exchange(woken.serving_scheduled, true);
    round = !woken.pumps.empty() && !std::exchange(woken.round_scheduled, true);
    const absl::Duration apart = std::min(kGather + kGatherPerStream * woken.pumps.size(), kLongestGather);
    pause = std::max(kGather, woken.last_round + apart - runtime_.Monotonic());
  }
  if (serve) executor_->Post([this, partition] { ServeWaiters(partition); });
  if (round) executor_->After(pause, [this, partition] { BeginRound(partition); });
}

void WatchHub::BeginRound(int partition) {
  Round& round = rounds_[partition];
  {
    absl::MutexLock lock(&mutex_);
    Partition& woken = partitions_[partition];
    woken.round_scheduled = false;  // First: what is committed from here on asks for a round of its own.
    round.again = round.running;
    if (round.running) return;
    woken.last_round = runtime_.Monotonic();
    for (const auto& [id, pump] : woken.pumps) round.pumps.push_back(pump);
  }
  round.running = true;
  round.more = feed_.Advance(partition);
  RunPumps(partition);
}

void WatchHub::RunPumps(int partition) {
  Round& round = rounds_[partition];
  const size_t end = std::min(round.pumps.size(), round.next + kPumpsAtOnce);
  for (; round.next < end; ++round.next) (*round.pumps[round.next])();
  if (round.next < round.pumps.size()) return executor_->Post([this, partition] { RunPumps(partition); });
  EndRound(partition);
}

void WatchHub::EndRound(int partition) {
  Round& round = rounds_[partition];
  round.pumps.clear();
  round.next = 0;
  round.running = false;
  feed_.EndRound(partition);
  TrimLater(partition);
  if (round.more) executor_->Post([this, partition] { BeginRound(partition); });
  if (std::exchange(round.again, false)) Wake(partition);
}

void WatchHub::TrimLater(int partition) {
  if (rounds_[partition].trimming || !feed_.Trim(partition)) return;
  rounds_[partition].trimming = true;
  executor_->After(ChangeFeed::kKeep, [this, partition] {
    rounds_[partition].trimming = false;
    TrimLater(partition);
  });
}

void WatchHub::Settle() {
  absl::Notification settled;
  executor_->Post([&settled] { settled.Notify(); });
  settled.WaitForNotification();
  absl::MutexLock lock(&holds_->mutex);
  holds_->mutex.AwaitWithTimeout(absl::Condition(
                                     +[](int* count) { return *count == 0; }, &holds_->count),
                                 kLongestSettling);
}

std::shared_ptr<const void> WatchHub::Hold() {
  absl::MutexLock lock(&holds_->mutex);
  ++holds_->count;
  return std::shared_ptr<const void>(this, [holds = holds_](const void*) {
    absl::MutexLock lock(&holds->mutex);
    --holds->count;
  });
}

void WatchHub::WhenFolded(int partition, int64_t offset, absl::Time deadline, std::function<void(absl::Status)> done) {
  if (store_.next_offset(partition) > offset) return done(absl::OkStatus());
  {
    absl::MutexLock lock(&mutex_);
    if (ended_) deadline = absl::InfinitePast();
    partitions_[partition].waiters.push_back({offset, deadline, std::move(done)});
  }
  executor_->Post([this, partition] { ServeWaiters(partition); });  // It may have been folded meanwhile.
  if (deadline == absl::InfinitePast()) return;
  executor_->After(std::max(deadline - runtime_.Now(), absl::ZeroDuration()),
                   [this, partition] { ServeWaiters(partition); });
}

void WatchHub::EndWaiting() {
  {
    absl::MutexLock lock(&mutex_);
    ended_ = true;
    for (Partition& partition : partitions_) {
      for (Waiter& waiter : partition.waiters) waiter.deadline = absl::InfinitePast();
    }
  }
  for (int p = 0; p < static_cast<int>(rounds_.size()); ++p) executor_->Post([this, p] { ServeWaiters(p); });
}

void WatchHub::ServeWaiters(int partition) {
  std::vector<Waiter> ready, late;
  {
    absl::MutexLock lock(&mutex_);
    partitions_[partition].serving_scheduled = false;  // First: what is folded from here on is looked at again.
    const int64_t next_offset = store_.next_offset(partition);
    const absl::Time now = runtime_.Now();
    auto& all = partitions_[partition].waiters;
    for (auto it = all.begin(); it != all.end();) {
      if (next_offset <= it->offset && now < it->deadline) {
        ++it;
        continue;
      }
      (next_offset > it->offset ? ready : late).push_back(std::move(*it));
      it = all.erase(it);
    }
  }
  for (auto& waiter : ready) waiter.done(absl::OkStatus());
  for (auto& waiter : late) {
    waiter.done(RetryLater(absl::StatusCode::kUnavailable, "POSITION_NOT_REACHED",
                           "this replica has not yet folded to the position asked for; ask again",
                           absl::Milliseconds(50)));
  }
}

}  // namespace trialog::service
