// Timers: what a fold entered into a due table becomes a command once its time has come. README.md has the contract.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "platform/log/log.h"
#include "platform/reaction/submit.h"
#include "platform/runtime/runtime.h"
#include "platform/view/store.h"

namespace trialog::reaction {

// An index whose keys begin with view::OrderedTime of when its row is due.
struct DueTable {
  const view::Index* index;
  std::string method;  // What the records say, "inventory.expiry".
  // Pure. Its events take the row's key out of the index, or give it a later time: that makes it happen once.
  std::function<absl::StatusOr<Decision>(const view::State& state, const Context& context, const std::string& name)>
      decide;
};

struct DueOptions {
  int partitions = log::kPartitions;
  std::function<bool(int partition)> owns = nullptr;  // As in ReactorOptions.
  absl::Duration look_every = absl::Seconds(1);       // The most that a command comes late, when all goes well.
  absl::Duration longest_backoff = absl::Minutes(1);
};

// Has one executor of its own; at most one command a partition is under way, the earliest due first. Ends after the
// owner that `submit` leads to was stopped.
class DueRunner {
 public:
  DueRunner(Runtime& runtime, view::Store& store, Submit submit, DueTable table, DueOptions options = {});
  ~DueRunner();

  void Start();
  // What keeps a partition from going on at present; OK while none is. Thread safe.
  absl::Status Health() const;

 private:
  struct Lane {
    int partition = 0;
    std::string last;    // Key of the last command that succeeded: still being first means that it changed nothing.
    bool again = false;  // `last` was left as it was, its delay is over, it is tried once more.
    absl::Duration backoff;
    absl::Status failure;  // Guarded by mutex_. Stands until something else is done or nothing is due.
  };
  void Look(Lane& lane);
  void OnOutcome(Lane& lane, const std::string& key, const absl::Status& outcome);
  void LookLater(Lane& lane, absl::Duration delay, absl::Status why);

  Runtime& runtime_;
  view::Store& store_;
  const Submit submit_;
  const DueTable table_;
  const DueOptions options_;

  mutable absl::Mutex mutex_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::unique_ptr<Executor> executor_;  // Last: its tasks use all of the above.
};

}  // namespace trialog::reaction
