#include "platform/facts/fact_folder.h"

#include <future>

#include "platform/errors/errors.h"
#include "platform/log/admission.h"
#include "platform/text/text.h"
#include "platform/view/public_stream.h"

namespace trialog::facts {
namespace {

constexpr size_t kBatchBytes = 1 << 20;

}  // namespace

FactFolder::FactFolder(Runtime& runtime, log::Log& log, view::Store& store, std::string source, int partitions,
                       FoldFact fold, std::function<void(const std::vector<event::v1::PublicEvent>&)> folded)
    : runtime_(runtime), log_(log), store_(store), source_(std::move(source)), partitions_(partitions),
      fold_(std::move(fold)), folded_(std::move(folded)), prototype_(view::EventPrototype(source_)), waiters_(partitions),
      executor_(runtime.NewExecutor(Cat("facts-", store.domain().service))) {
  for (int p = 0; p < partitions_; ++p) {
    next_offset_.push_back(std::make_unique<std::atomic<int64_t>>(store_.fact_fold(source_, p).next_offset()));
    woken_.push_back(std::make_unique<std::atomic<bool>>(false));
  }
}

FactFolder::~FactFolder() {
  tails_.clear();
  executor_.reset();
}

absl::Status FactFolder::Start() {
  if (prototype_ == nullptr) return absl::InternalError(Cat("the events of ", source_, " are not linked"));
  std::promise<absl::Status> caught_up;
  executor_->Post([&] {
    absl::Status status;
    for (int p = 0; p < partitions_; ++p) status.Update(CatchUp(p));
    caught_up.set_value(status);
  });
  if (absl::Status status = caught_up.get_future().get(); !status.ok()) return status;
  for (int p = 0; p < partitions_; ++p) {
    auto wake = [this, p] {
      if (woken_[p]->exchange(true)) return;
      executor_->Post([this, p] {
        woken_[p]->store(false);
        absl::Status status = CatchUp(p);
        {
          absl::MutexLock lock(&mutex_);
          health_ = status;
        }
        ServeWaiters(p);
      });
    };
    tails_.push_back(log_.Follow(source_, p, wake));
    wake();  // What came between the catch-up and the tail.
  }
  return absl::OkStatus();
}

absl::Status FactFolder::CatchUp(int partition) {
  event::v1::FoldState fold = store_.fact_fold(source_, partition);
  while (true) {
    auto records = log_.Read(source_, partition, fold.next_offset(), kBatchBytes);
    if (!records.ok()) return records.status();
    if (records->empty()) return absl::OkStatus();
    std::vector<event::v1::PublicEvent> events;
    std::vector<view::Store::FactWrite> writes;
    for (const log::StoredRecord& stored : *records) {
      auto record = log::ParseRecord(stored.bytes, stored.offset);
      if (!record.ok()) return record.status();
      if (log::Admit(fold, *record, stored.bytes, stored.offset) != log::Verdict::kAdmitted) continue;
      for (auto& event : view::PublicEvents(source_, *prototype_, partition, stored.offset, record->data())) {
        fold_(event, writes);
        events.push_back(std::move(event));
      }
    }
    if (absl::Status written = store_.WriteFacts(source_, partition, fold, writes); !written.ok()) return written;
    if (folded_) folded_(events);
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
  executor_->Post([this, partition] { ServeWaiters(partition); });
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
  for (int p = 0; p < partitions_; ++p) {
    const auto end = log_.EndOffset(source_, p);
    if (end.ok()) lag += std::max<int64_t>(*end - next_offset(p), 0);
  }
  return lag;
}

absl::Status FactFolder::Health() const {
  absl::MutexLock lock(&mutex_);
  return health_;
}

}  // namespace trialog::facts
