// Where passwords are hashed: threads of their own, so that neither calls nor the owner wait for Argon2id, and few of
// them, so that a flood of sign-ins takes a bounded part of the machine.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "platform/runtime/runtime.h"

namespace trialog::auth {

// Thread safe.
class PasswordWorkers {
 public:
  PasswordWorkers(Runtime& runtime, int threads, int max_waiting);

  // Runs `task` soon, or refuses it at once: RESOURCE_EXHAUSTED, reason SIGN_IN_BUSY.
  absl::Status Run(Task task);
  // Runs a short task after `delay`, which does not count as waiting.
  void After(absl::Duration delay, Task task) { timer_->After(delay, std::move(task)); }

 private:
  struct Worker {
    int waiting = 0;  // Running included.
    std::unique_ptr<Executor> executor;
  };

  const int max_waiting_;
  absl::Mutex mutex_;
  int waiting_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<Worker> workers_;  // `waiting` under mutex_.
  std::unique_ptr<Executor> timer_;
};

}  // namespace trialog::auth
