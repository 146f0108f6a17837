#include "services/analytics/app/work_queue.h"

#include "platform/errors/errors.h"

namespace trialog::analytics {

WorkQueue::WorkQueue(Runtime& runtime, std::string name, size_t max_waiting)
    : max_waiting_(max_waiting), executor_(runtime.NewExecutor(std::move(name))) {}

WorkQueue::~WorkQueue() { Stop(); }

bool WorkQueue::Post(Task task) {
  absl::MutexLock lock(&mutex_);
  if (!executor_ || waiting_ >= max_waiting_) return false;
  ++waiting_;
  executor_->Post([this, task = std::move(task)] {
    {
      absl::MutexLock lock(&mutex_);
      --waiting_;
    }
    task();
  });
  return true;
}

bool WorkQueue::After(absl::Duration delay, Task task) {
  absl::MutexLock lock(&mutex_);
  if (!executor_) return false;
  executor_->After(delay, std::move(task));
  return true;
}

void WorkQueue::Stop() {
  std::unique_ptr<Executor> executor;
  {
    absl::MutexLock lock(&mutex_);
    executor = std::move(executor_);
  }
  // Here the running task ends; what it posts is not taken.
}

absl::Status QueueFull() {
  return RetryLater(absl::StatusCode::kResourceExhausted, "BUSY", "much is being computed; try again later",
                    absl::Seconds(2));
}

}  // namespace trialog::analytics
