#include "platform/service/watch_hub.h"

#include <algorithm>

#include "platform/errors/errors.h"
#include "platform/text/text.h"

namespace trialog::service {

WatchHub::WatchHub(Runtime& runtime, view::Store& store, int partitions)
    : runtime_(runtime), store_(store), scheduled_(new std::atomic<bool>[partitions]), partitions_(partitions),
      waiters_(partitions), interested_(partitions),
      executor_(runtime.NewExecutor(Cat("watch-", store.domain().service))) {
  for (int p = 0; p < partitions; ++p) {
    scheduled_[p] = false;
    listeners_.push_back(store_.Listen(p, [this, p] { Wake(p); }));
  }
}

WatchHub::~WatchHub() {
  for (int p = 0; p < partitions_; ++p) store_.Unlisten(p, listeners_[p]);
  executor_.reset();
}

int64_t WatchHub::Add(int partition, std::function<void()> pump) {
  int64_t id;
  {
    absl::MutexLock lock(&mutex_);
    id = next_id_++;
    pumps_[id] = {partition, std::move(pump)};
    ++interested_[partition];
  }
  Wake(partition);
  return id;
}

void WatchHub::Remove(int64_t id) {
  absl::MutexLock lock(&mutex_);
  auto it = pumps_.find(id);
  if (it == pumps_.end()) return;
  --interested_[it->second.partition];
  pumps_.erase(it);
}

void WatchHub::WakeAll() {
  for (int p = 0; p < partitions_; ++p) Wake(p);
}

void WatchHub::Wake(int partition) {
  {
    absl::MutexLock lock(&mutex_);
    if (interested_[partition] == 0) return;
  }
  if (scheduled_[partition].exchange(true)) return;
  executor_->After(kGather, [this, partition] {
    scheduled_[partition] = false;
    ServeWaiters(partition);
    RunPumps(partition);
  });
}

void WatchHub::RunPumps(int partition) {
  std::vector<std::function<void()>> pumps;
  {
    absl::MutexLock lock(&mutex_);
    for (auto& [id, pump] : pumps_) {
      if (pump.partition == partition) pumps.push_back(pump.run);
    }
  }
  for (auto& pump : pumps) pump();
}

void WatchHub::WhenFolded(int partition, int64_t offset, absl::Time deadline, std::function<void(absl::Status)> done) {
  if (store_.next_offset(partition) > offset) return done(absl::OkStatus());
  {
    absl::MutexLock lock(&mutex_);
    waiters_[partition].push_back({offset, deadline, std::move(done)});
    ++interested_[partition];
  }
  executor_->Post([this, partition] { ServeWaiters(partition); });  // It may have been folded meanwhile.
  executor_->After(std::max(deadline - runtime_.Now(), absl::ZeroDuration()), [this, partition] { ServeWaiters(partition); });
}

void WatchHub::ServeWaiters(int partition) {
  std::vector<Waiter> ready, late;
  const int64_t next_offset = store_.next_offset(partition);
  const absl::Time now = runtime_.Now();
  {
    absl::MutexLock lock(&mutex_);
    auto& all = waiters_[partition];
    for (auto it = all.begin(); it != all.end();) {
      if (next_offset <= it->offset && now < it->deadline) {
        ++it;
        continue;
      }
      (next_offset > it->offset ? ready : late).push_back(std::move(*it));
      it = all.erase(it);
      --interested_[partition];
    }
  }
  for (auto& waiter : ready) waiter.done(absl::OkStatus());
  for (auto& waiter : late) {
    waiter.done(RetryLater(absl::StatusCode::kUnavailable, "POSITION_NOT_REACHED",
                           "this replica has not yet folded to the position asked for; ask again", absl::Milliseconds(50)));
  }
}

}  // namespace trialog::service
