// The least that a durable answer costs: one file, appends of all who wait written and synced together.
#pragma once

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/mutex.h"

namespace trialog::bench {

// Thread safe.
class GroupCommit {
 public:
  // Appends to a new file at `path`; aborts when it cannot.
  explicit GroupCommit(const std::string& path);
  // Commits what waits first.
  ~GroupCommit();

  // Calls `done` on the committing thread once `record` is durable (fdatasync).
  void Append(std::string record, std::function<void()> done);

 private:
  struct Pending {
    std::string record;
    std::function<void()> done;
  };
  void Run();

  const int fd_;
  absl::Mutex mutex_;
  std::vector<Pending> pending_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace trialog::bench
