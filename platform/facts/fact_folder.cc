#include "platform/facts/fact_folder.h"

#include <algorithm>
#include <future>
#include <utility>

#include "platform/errors/errors.h"
#include "platform/log/admission.h"
#include "platform/log/skip.h"
#include "platform/text/text.h"
#include "platform/view/public_stream.h"

namespace trialog::facts {
namespace {

constexpr size_t kBatchBytes = 1 << 20;
constexpr absl::Duration kLongestBackoff = absl::Seconds(1);

}  // namespace

FactFolder::FactFolder(Runtime& runtime, log::Log& log, view::Store& store, std::string source, int partitions,
                       FoldFact fold, std::function<void(const std::vector<event::v1::PublicEvent>&)> folded)
    : runtime_(runtime),
      log_(log),
      store_(store),
      source_(std::move(source)),
      partitions_(partitions),
      fold_(std::move(fold)),
      folded_(std::move(folded)),
      prototype_(view::EventPrototype(source_)),
      waiters_(partitions),
      health_(partitions),
      owners_(partitions),
      executor_(runtime.NewExecutor(Cat("facts-", store.domain().service))) {
  for (int p = 0; p < partitions_; ++p) {
    followers_.push_back(std::make_unique<Follower>());
    followers_[p]->fold = store_.fact_fold(source_, p);
    followers_[p]->stored = followers_[p]->fold.next_offset();
    next_offset_.push_back(std::make_unique<std::atomic<int64_t>>(followers_[p]->stored));
    absl::MutexLock lock(&mutex_);
    owners_[p] = followers_[p]->fold.address();
  }
}

FactFolder::~FactFolder() = default;

absl::Status FactFolder::Start() {
  if (prototype_ == nullptr) return absl::InternalError(Cat("the events of ", source_, " are not linked"));
  std::promise<absl::Status> caught_up;
  executor_->Post([&] {
    absl::Status status;
    for (int p = 0; p < partitions_; ++p) {
      absl::Status folded = CatchUp(p);
      // Who belongs to that partition stays unknown; all others are told apart.
      if (!log::IsDamaged(folded)) status.Update(folded);
    }
    caught_up.set_value(status);
  });
  if (absl::Status status = caught_up.get_future().get(); !status.ok()) return status;
  for (int p = 0; p < partitions_; ++p) {
    tails_.push_back(log_.Follow(source_, p, [this, p] { Wake(p); }));
    Wake(p);  // What came between the catch-up and the tail.
  }
  return absl::OkStatus();
}

void FactFolder::Wake(int partition) {
  if (followers_[partition]->woken.exchange(true)) return;
  executor_->After(kGather, [this, partition] {
    followers_[partition]->woken = false;
    Advance(partition);
  });
}

void FactFolder::Advance(int partition) {
  absl::Status status = CatchUp(partition);
  Follower& follower = *followers_[partition];
  if (status.ok()) {
    follower.backoff = kFirstBackoff;
  } else {
    // What could not be read or written may be a revocation; nothing else may come for long.
    TryAgain(partition, follower.backoff);
    follower.backoff = std::min(2 * follower.backoff, kLongestBackoff);
  }
  {
    absl::MutexLock lock(&mutex_);
    health_[partition] = std::move(status);
  }
  ServeWaiters(partition);
}

void FactFolder::TryAgain(int partition, absl::Duration delay) {
  if (std::exchange(followers_[partition]->retrying, true)) return;
  executor_->After(delay, [this, partition] {
    followers_[partition]->retrying = false;
    Advance(partition);
  });
}

absl::Status FactFolder::CatchUp(int partition) {
  event::v1::FoldState& fold = followers_[partition]->fold;
  while (true) {
    auto records = log_.Read(source_, partition, fold.next_offset(), kBatchBytes);
    if (!records.ok()) return records.status();
    if (records->empty()) return absl::OkStatus();
    event::v1::FoldState after = fold;
    std::vector<event::v1::PublicEvent> events;
    std::vector<view::Store::FactWrite> writes;
    for (const log::StoredRecord& stored : *records) {
      auto record = log::ParseUnlessSkipped(log_, source_, partition, after, stored);
      if (!record.ok()) return record.status();
      if (log::Admit(after, *record, stored.bytes, stored.offset) != log::Verdict::kAdmitted) continue;
      for (auto& event : view::PublicEvents(source_, *prototype_, partition, stored.offset, record->data())) {
        fold_(event, writes);
        events.push_back(std::move(event));
      }
    }
    if (!writes.empty() || after.next_offset() - followers_[partition]->stored >= kStoreEvery) {
      if (absl::Status written = store_.WriteFacts(source_, partition, after, writes); !written.ok()) return written;
      followers_[partition]->stored = after.next_offset();
    }
    if (after.address() != fold.address()) {
      absl::MutexLock lock(&mutex_);
      owners_[partition] = after.address();
    }
    fold = std::move(after);
    if (folded_ && !events.empty()) folded_(events);
    next_offset_[partition]->store(fold.next_offset(), std::memory_order_release);
  }
}

void FactFolder::WhenFolded(int partition, int64_t offset, absl::Duration patience,
                            std::function<void(absl::Status)> done) {
  if (next_offset(partition) > offset) return done(absl::OkStatus());
  {
    absl::MutexLock lock(&mutex_);
    waiters_[partition].push_back({offset, runtime_.Monotonic() + patience, std::move(done)});
  }
  // Not after the others have gathered; and it may have been folded meanwhile.
  executor_->Post(
      [this, partition, offset] { next_offset(partition) > offset ? ServeWaiters(partition) : Advance(partition); });
  executor_->After(patience, [this, partition] { ServeWaiters(partition); });
}

void FactFolder::ServeWaiters(int partition) {
  std::vector<Waiter> ready, late;
  const int64_t folded = next_offset(partition);
  {
    absl::MutexLock lock(&mutex_);
    auto& all = waiters_[partition];
    for (auto it = all.begin(); it != all.end();) {
      if (folded <= it->offset && runtime_.Monotonic() < it->until) {
        ++it;
        continue;
      }
      (folded > it->offset ? ready : late).push_back(std::move(*it));
      it = all.erase(it);
    }
  }
  for (auto& waiter : ready) waiter.done(absl::OkStatus());
  for (auto& waiter : late) {
    waiter.done(RetryLater(absl::StatusCode::kUnavailable, "FACTS_BEHIND",
                           Cat("this service has not yet read what ", source_, " recorded; try again"),
                           absl::Milliseconds(50)));
  }
}

int64_t FactFolder::Lag() const {
  int64_t lag = 0;
  for (int p = 0; p < partitions_; ++p) lag += std::max<int64_t>(log_.KnownEnd(source_, p) - next_offset(p), 0);
  return lag;
}

std::string FactFolder::OwnerAddress(int partition) const {
  absl::MutexLock lock(&mutex_);
  return owners_[partition];
}

absl::Status FactFolder::Health() const {
  absl::MutexLock lock(&mutex_);
  absl::Status status;
  for (const absl::Status& partition : health_) status.Update(partition);
  return status;
}

}  // namespace trialog::facts
