// Blobs that a command under way may yet name: nobody may delete them.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"

namespace trialog::analytics {

// Thread safe.
class PendingBlobs {
 public:
  // Keeps the blob of this hash pending as long as what is returned lives; that may outlive this object.
  std::shared_ptr<const void> Hold(std::string sha256) {
    {
      absl::MutexLock lock(&state_->mutex);
      ++state_->holds[sha256];
    }
    return {nullptr, [state = state_, sha256 = std::move(sha256)](const void*) {
              absl::MutexLock lock(&state->mutex);
              const auto held = state->holds.find(sha256);
              if (--held->second == 0) state->holds.erase(held);
            }};
  }
  bool Contains(std::string_view sha256) const {
    absl::MutexLock lock(&state_->mutex);
    return state_->holds.contains(std::string(sha256));
  }

 private:
  struct State {
    absl::Mutex mutex;
    absl::flat_hash_map<std::string, int> holds ABSL_GUARDED_BY(mutex);
  };
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace trialog::analytics
