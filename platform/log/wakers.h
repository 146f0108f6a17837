// Who wants to be woken when a partition grows: what Log::Follow of an in-process log stands on.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "platform/log/log.h"

namespace trialog::log {

// Thread safe. Outlives neither its tails nor is outlived by them: both orders are fine.
class Wakers {
 public:
  Wakers();
  ~Wakers();
  // A tail's destructor waits for a call of its own `wake` that is running; so `wake` must not destroy its tail.
  std::unique_ptr<Tail> Add(const std::string& topic, int partition, std::function<void()> wake);
  // Calls every `wake` of the partition, in this thread.
  void Wake(const std::string& topic, int partition);

 private:
  class Registration;
  struct Follower;
  struct Registry;
  std::shared_ptr<Registry> registry_;
};

}  // namespace trialog::log
