// Chooses what comes next in the tree and when a state of it is signed, and keeps the store folded. A choice is a
// record of audit's own log before it takes effect; this class only proposes, AuditFold does what stands in the log.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "platform/command/command.h"
#include "platform/log/log.h"
#include "platform/runtime/runtime.h"
#include "services/audit/views/audit_fold.h"
#include "services/audit/views/audit_store.h"

namespace trialog::audit {

struct SequencerOptions {
  std::vector<std::string> sources;
  int partitions = log::kPartitions;  // Of each source.
  // False on a replica that only follows: choosing makes a replica claim audit's log.
  bool choose = true;
  // At most one record of ranges in this time: each costs the log a sync.
  absl::Duration sequence_every = absl::Milliseconds(50);
  absl::Duration checkpoint_every = absl::Seconds(1);
  absl::Duration first_backoff = absl::Milliseconds(50);
  absl::Duration longest_backoff = absl::Seconds(5);
};

class Sequencer {
 public:
  // Submits a decision to the owner of audit's log; calls `done` once, from any thread.
  using Submit =
      std::function<void(std::string method, DecideFn decide, std::function<void(absl::StatusOr<Outcome>)> done)>;

  // References outlive it. `grown` is called on its thread after the store has grown; null: nobody is told.
  Sequencer(Runtime& runtime, log::Log& log, AuditStore& store, AuditFold& fold, Submit submit,
            SequencerOptions options, std::function<void()> grown = nullptr);
  ~Sequencer() { Stop(); }

  // Folds to the end of audit's log, then follows all logs. Blocks until caught up; the errors are AuditFold's.
  absl::Status Start();
  // Ends its thread. `submit` answers whatever is on its way before this is called.
  void Stop();
  // What keeps it from going on; OK while nothing does. An error that may pass (IsPassing) stands while it tries again,
  // any other for good. Thread safe.
  absl::Status Health() const;
  // Since when something stands in the logs that no signed checkpoint covers, on the runtime's monotonic clock; nothing
  // while all is covered. Under load it is the time of the last checkpoint. Thread safe.
  std::optional<absl::Duration> UnprovenSince() const;

 private:
  void Wake();
  void SourceGrew();
  void Step();
  void Choose();
  bool ProposeRanges();
  void ProposeCheckpoint();
  // Whether the tree has leaves that the latest checkpoint does not cover.
  bool HasUnsigned() const;
  absl::StatusOr<std::vector<v1::Sequenced>> NewRanges();
  // `accepted`, when set, is called on the executor once it stands in the log.
  void Propose(std::string method, DecideFn decide, Task accepted = nullptr);
  void Decided(const absl::Status& status);
  // Whether nothing is wrong, or what was may have passed and fold and store are back at what is committed.
  bool Ready();
  // Steps again after a while.
  void BackOff();
  void StepAfter(absl::Duration delay);
  void Fail(const absl::Status& status);
  void GoOn();
  void SetHealth(const absl::Status& status);
  void MarkUnproven(absl::Duration since);
  void MarkProven();

  Runtime& runtime_;
  log::Log& log_;
  AuditStore& store_;
  AuditFold& fold_;
  const Submit submit_;
  const SequencerOptions options_;
  const std::function<void()> grown_;

  std::atomic<bool> woken_ = false;
  std::atomic<bool> sources_grew_ = false;  // Since the last look at their ends.
  mutable absl::Mutex mutex_;
  absl::Status health_ ABSL_GUARDED_BY(mutex_);
  std::optional<absl::Duration> unproven_since_ ABSL_GUARDED_BY(mutex_);

  // The executor's.
  bool ranges_wait_ = false;                            // Records that are not in the tree, as of the last look.
  bool proposing_ = false;                              // One proposal is on its way.
  absl::Duration timer_at_ = absl::InfiniteDuration();  // Monotonic: when the earliest timer runs.
  uint64_t told_size_ = 0;
  absl::Duration backoff_;
  absl::Duration wait_until_ = -absl::InfiniteDuration();  // Monotonic: no proposal before.
  absl::Duration last_ranges_ = -absl::InfiniteDuration();
  absl::Duration last_checkpoint_ = -absl::InfiniteDuration();

  std::unique_ptr<Executor> executor_;
  Executor& tasks_;  // The same: its last task runs while the pointer above is being cleared.
  std::vector<std::unique_ptr<log::Tail>> tails_;
};

}  // namespace trialog::audit
