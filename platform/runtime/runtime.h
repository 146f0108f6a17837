// The seam between our code and time, chance and threads. Platform code takes them from here alone, so that a
// simulation can run the same code on one thread from a seed.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/time/time.h"

namespace trialog {

using Task = std::function<void()>;

// Runs tasks one after the other, in the order posted. What runs on one executor needs no locks among itself.
class Executor {
 public:
  // Tasks not yet run are dropped; returns after the running one ended. Not to be called from a task of its own. Who
  // has one that its tasks reach by the same pointer has it as the last member, and ends it as such: reset() takes the
  // pointer away while a task may still run.
  virtual ~Executor() = default;
  // Thread safe.
  virtual void Post(Task task) = 0;
  // Runs `task` after `delay` on Runtime's monotonic clock. Thread safe.
  virtual void After(absl::Duration delay, Task task) = 0;
};

class Runtime {
 public:
  virtual ~Runtime() = default;
  // UTC; may jump.
  virtual absl::Time Now() = 0;
  // Never goes back; only differences mean something.
  virtual absl::Duration Monotonic() = 0;
  // Cryptographically strong in production.
  virtual std::string RandomBytes(size_t count) = 0;
  virtual std::unique_ptr<Executor> NewExecutor(std::string name) = 0;
};

}  // namespace trialog
