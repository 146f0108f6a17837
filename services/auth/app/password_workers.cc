#include "services/auth/app/password_workers.h"

#include <algorithm>

#include "platform/errors/errors.h"
#include "platform/text/text.h"

namespace trialog::auth {

PasswordWorkers::PasswordWorkers(Runtime& runtime, int threads, int max_waiting)
    : max_waiting_(max_waiting), workers_(threads), timer_(runtime.NewExecutor("auth-timer")) {
  for (size_t i = 0; i < workers_.size(); ++i) workers_[i].executor = runtime.NewExecutor(Cat("auth-password-", i));
}

absl::Status PasswordWorkers::Run(Task task) {
  Worker* idlest;
  {
    absl::MutexLock lock(&mutex_);
    if (waiting_ >= max_waiting_) {
      return RetryLater(absl::StatusCode::kResourceExhausted, "SIGN_IN_BUSY", "too many sign-ins wait; try again",
                        absl::Seconds(1));
    }
    ++waiting_;
    idlest = &*std::min_element(workers_.begin(), workers_.end(),
                                [](const Worker& a, const Worker& b) { return a.waiting < b.waiting; });
    ++idlest->waiting;
  }
  idlest->executor->Post([this, idlest, task = std::move(task)] {
    task();
    absl::MutexLock lock(&mutex_);
    --waiting_;
    --idlest->waiting;
  });
  return absl::OkStatus();
}

}  // namespace trialog::auth
