// Work that may block or takes long, away from handlers' threads and from the owner.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "platform/runtime/runtime.h"

namespace trialog::analytics {

// One thread, a bounded number of waiting tasks. Shared by whoever may still post when it has stopped.
class WorkQueue {
 public:
  WorkQueue(Runtime& runtime, std::string name, size_t max_waiting);
  ~WorkQueue();

  // False when the queue is full or stopped; then the task is dropped. Thread safe.
  bool Post(Task task);
  // The same after `delay`. A delayed task does not count as waiting.
  bool After(absl::Duration delay, Task task);

  // Drops what waits, waits for what runs, and takes nothing more. Not from a task of its own. Idempotent.
  void Stop();

 private:
  const size_t max_waiting_;
  absl::Mutex mutex_;
  size_t waiting_ ABSL_GUARDED_BY(mutex_) = 0;
  std::unique_ptr<Executor> executor_ ABSL_GUARDED_BY(mutex_);
};

// The answer to a caller whose task was not taken: RESOURCE_EXHAUSTED with RetryInfo.
absl::Status QueueFull();

}  // namespace trialog::analytics
