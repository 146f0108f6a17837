#include "platform/command/owner.h"

#include <algorithm>
#include <future>

#include "absl/synchronization/notification.h"
#include "platform/errors/errors.h"
#include "platform/text/text.h"

namespace trialog {
namespace {

// Commands posted and not yet looked at; the partitions have bounds of their own behind it.
constexpr size_t kMaxIncoming = 16 * 1024;

absl::Status Leaving() {
  return RetryLater(absl::StatusCode::kUnavailable, "SHUTTING_DOWN", "this process is leaving; ask another",
                    absl::Milliseconds(100));
}

}  // namespace

Owner::Owner(Runtime& runtime, log::Log& log, view::Store& store, OwnerOptions options, int partition_count)
    : partitions(partition_count),
      runtime_(runtime),
      store_(store),
      log_(log),
      executor_(runtime.NewExecutor(Cat("own-", store.domain().service))),
      appending_(runtime.NewExecutor(Cat("log-", store.domain().service))) {
  options = NotingFailures(std::move(options));
  options.appending = appending_.get();
  for (int p = 0; p < partitions; ++p) {
    owners_.push_back(std::make_unique<PartitionOwner>(runtime, *executor_, log, store, p, options));
    woken_.push_back(std::make_unique<std::atomic<bool>>(false));
  }
  readable_.resize(partitions);
}

Owner::~Owner() {
  Stop();
  appending_.reset();  // Its tasks report to the other.
  executor_.reset();
  // One that was submitted while everything stopped.
  for (auto& command : Incoming()) command->done(Leaving());
}

OwnerOptions Owner::NotingFailures(OwnerOptions options) {
  options.on_failure = [this, given = std::move(options.on_failure)](int partition, const absl::Status& why) {
    {
      absl::MutexLock lock(&mutex_);
      health_.Update(why);
    }
    if (given) given(partition, why);
  };
  options.on_wrong_clock = [this] { clock_wrong_at_ = absl::ToInt64Milliseconds(runtime_.Monotonic()); };
  return options;
}

void Owner::RunAndWait(Task task) {
  std::promise<void> done;
  executor_->Post([&] {
    task();
    done.set_value();
  });
  done.get_future().wait();
}

absl::Status Owner::Start(bool claim) {
  for (int p = 0; p < partitions; ++p) {  // Before the fold, so that no record falls between the two.
    tails_.push_back(log_.Follow(std::string(store_.domain().service), p, [this, p] {
      if (woken_[p]->exchange(true)) return;
      executor_->Post([this, p] {
        woken_[p]->store(false);
        owners_[p]->Wake();
      });
    }));
  }
  absl::Status started;
  const std::unique_ptr<Executor> assistant = runtime_.NewExecutor(Cat("fold-", store_.domain().service));
  RunAndWait([&] {
    for (int p = 0; p < partitions; ++p) {
      readable_[p] = owners_[p]->Start(claim, assistant.get());
      if (!log::IsDamaged(readable_[p])) started.Update(readable_[p]);
    }
  });
  return started;
}

void Owner::Submit(std::unique_ptr<Command> command) {
  absl::Status refused;
  if (stopped_) refused = Leaving();
  bool first = false;
  if (refused.ok()) {
    absl::MutexLock lock(&mutex_);
    if (incoming_.size() >= kMaxIncoming) {
      refused = RetryLater(absl::StatusCode::kResourceExhausted, "QUEUE_FULL",
                           "too many commands wait; repeat with the same request_id", absl::Milliseconds(100));
    } else {
      first = incoming_.empty();
      incoming_.push_back(std::move(command));
    }
  }
  if (!refused.ok()) return command->done(refused);
  if (first) executor_->Post([this] { TakeIncoming(); });
}

std::vector<std::unique_ptr<Command>> Owner::Incoming() {
  absl::MutexLock lock(&mutex_);
  return std::exchange(incoming_, {});
}

void Owner::TakeIncoming() {
  for (auto& command : Incoming()) {
    owners_[log::PartitionOf(command->organization, partitions)]->Submit(std::move(command));
  }
}

void Owner::Hint(std::vector<bool> wanted) {
  executor_->Post([this, wanted = std::move(wanted)] {
    for (size_t p = 0; p < owners_.size() && p < wanted.size(); ++p) owners_[p]->Hint(wanted[p]);
  });
}

void Owner::Drain(absl::Time deadline) {
  if (stopped_.exchange(true)) return;
  tails_.clear();
  struct Released {
    int left;
    absl::Notification all;
  };
  const auto released = std::make_shared<Released>(partitions);
  executor_->Post([this, released] {
    TakeIncoming();
    for (auto& owner : owners_) {
      owner->Release([released] {
        if (--released->left == 0) released->all.Notify();
      });
    }
  });
  if (!released->all.WaitForNotificationWithDeadline(deadline)) StopAll();
}

void Owner::Stop() {
  if (stopped_.exchange(true)) return;
  tails_.clear();
  StopAll();
}

void Owner::StopAll() {
  RunAndWait([&] {
    TakeIncoming();
    for (auto& owner : owners_) owner->Stop();
  });
}

size_t Owner::waiting() const {
  size_t sum = 0;
  for (const auto& owner : owners_) sum += owner->waiting();
  absl::MutexLock lock(&mutex_);
  return sum + incoming_.size();
}

int Owner::owned() const {
  return static_cast<int>(std::count_if(
      owners_.begin(), owners_.end(), [](const auto& owner) { return owner->role() == PartitionOwner::Role::kOwner; }));
}

bool Owner::ClockWasWrong(absl::Duration ago) const {
  const int64_t at = clock_wrong_at_;
  return at != kNever && runtime_.Monotonic() < absl::Milliseconds(at) + ago;
}

absl::Status Owner::Health() const {
  absl::MutexLock lock(&mutex_);
  return health_;
}

}  // namespace trialog
