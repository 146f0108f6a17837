// One partition of a service's log, seen by one process: fold it, claim it, decide commands, append, acknowledge.
// A state machine without threads of its own: every method runs on the executor given. The protocol is design section 4
// and was checked as spec/log.tla.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "platform/command/command.h"
#include "platform/command/fold.h"
#include "platform/command/group.h"
#include "platform/log/log.h"
#include "platform/runtime/runtime.h"
#include "platform/view/store.h"

namespace trialog {

// For tests: rules of the protocol to leave out, so that a simulation shows that it would notice. The only seam for
// that.
struct PlantedBugs {
  bool acknowledge_before_append = false;
  bool no_offset_check = false;  // Any good report acknowledges.
  bool forget_requests = false;  // The table of request ids is not asked.
  FoldRules fold;                // Other rules of admission, or a position apart from its rows.
};

struct OwnerOptions {
  std::string address;  // What the claim carries.
  // Other processes serve this partition too: who does not own it answers OwnedElsewhere, and claims only what nobody
  // owns, or what it was told to own (Hint).
  bool replicated = false;
  // Another process may own this partition by now, unseen: what writes nothing, a rejection above all, is given when a
  // record that follows it is admitted (docs/adr/0025-rejections-are-confirmed.md).
  bool rivals = false;
  // How long whoever was told to own a partition waits for its owner to give it up.
  absl::Duration release_grace = absl::Seconds(1);
  size_t max_waiting = 4096;       // Commands; one more is refused with RESOURCE_EXHAUSTED.
  size_t max_group_records = 256;  // Records in one append.
  size_t max_group_bytes = 2 << 20;
  absl::Duration clock_error = absl::Seconds(5);  // Permitted; beyond it writes are refused.
  absl::Duration first_backoff = absl::Milliseconds(20);
  absl::Duration longest_backoff = absl::Seconds(5);
  // Where a group is appended while the one before it is committed, for a log that blocks; null: on the executor. Not
  // used once the owner was stopped.
  Executor* appending = nullptr;
  // Called once, on the executor, when a partition can no longer be folded.
  std::function<void(int partition, const absl::Status& why)> on_failure;
  // Called, on the executor, when a command or a claim is refused because this process's clock is wrong.
  std::function<void()> on_wrong_clock;
  PlantedBugs bugs;
};

class PartitionOwner {
 public:
  enum class Role { kStandby, kClaiming, kOwner, kReleasing };

  PartitionOwner(Runtime& runtime, Executor& executor, log::Log& log, view::Store& store, int partition,
                 OwnerOptions options);
  ~PartitionOwner();

  // Folds to the end and, when `wanted`, claims; without it stays a standby until the first command. An error that is
  // passing (UNAVAILABLE, RESOURCE_EXHAUSTED) is given back, and tried again all the same. With an assistant, on a
  // thread of its own, the fold is twice as fast.
  absl::Status Start(bool wanted, Executor* assistant = nullptr);
  // Takes a command, or answers it at once.
  void Submit(std::unique_ptr<Command> command);
  // The log may have grown.
  void Wake();
  // Whether this process is to own the partition, as far as is known: an owner that is not gives it up, and who is
  // claims it. Only a hint: the claim decides.
  void Hint(bool wanted);
  // Hands the partition over: takes nothing more, appends a release behind what is pending, then stands by for good.
  // `done` is called when the partition is given up, whichever way.
  void Release(std::function<void()> done);
  // Drops everything pending with UNAVAILABLE; no call to `done` of a command comes after it returned.
  void Stop();

  // Thread safe, as is waiting().
  Role role() const { return role_; }
  // Commands taken and not yet decided.
  size_t waiting() const { return waiting_count_.load(std::memory_order_relaxed); }
  // Why this partition can no longer be folded; OK while it can. Needs an operator.
  const absl::Status& failure() const { return failure_; }

 private:
  void Claim();
  void OnClaim(uint64_t attempt, const std::vector<log::Report>& reports);
  void BecomeOwner(int64_t claim_offset);
  absl::StatusOr<int64_t> FoldToOwnClaim(int64_t reported);
  void LoseClaim(const absl::Status& why);
  // The address of another process that owns the partition, as far as is folded; empty: none does.
  std::string OwnerElsewhere() const;
  bool ShouldClaim() const;
  // Nobody owns it: claims, after others had their chance who are rather meant to.
  void ClaimUnowned();
  void ClaimAfter(absl::Duration delay);
  void GiveUp();
  // Refuses each waiting command for which `refusal` is not OK.
  void AnswerWaiting(const std::function<absl::Status(const Command&)>& refusal);
  void NoteWaiting() { waiting_count_.store(waiting_.size(), std::memory_order_relaxed); }
  void Schedule();
  void DecideWaiting();
  void Decide(std::unique_ptr<Command> command, Group& group);
  std::unique_ptr<Group> NewGroup();
  // True when the command was answered, joined or will be answered without a record of its own.
  bool AnswerFromRequests(std::unique_ptr<Command>& command, Group& group);
  Context NewContext(const Group& group, const std::string& organization);
  // What every record of this owner begins with; the next of its sequence.
  void BeginRecord(const Group& group, const Context& context, event::v1::Data& data) const;
  void AddRecord(std::unique_ptr<Command> command, const Context& context, Decision decision, Group& group);
  void Give(std::vector<Answer>& answers);
  void AppendDecided(Executor* elsewhere);
  void OnReports(uint64_t attempt, const std::vector<log::Report>& reports);
  bool Admit(Group& group, const std::vector<log::Report>& reports, view::Commit& commit) const;
  void CommitAtOnce(const std::vector<log::Report>& reports, const view::Commit& commit);
  void CommitOneByOne(const std::vector<log::Report>& reports);
  bool HasRoom() const;
  bool ReadBack(const Pending& pending, int64_t offset, int64_t& found);
  void Acknowledge(Pending& pending, int64_t offset);
  absl::Status NoOwner() const;  // What a command hears that waited for one in vain.
  void WatchDeadlines();
  void AnswerLate();
  void Finish(Group& group);
  void ConfirmRejections();
  void GiveRejections();
  void GoOn();
  void Drop(Group& group, const absl::Status& why);
  void AppendRelease();
  void OnRelease(uint64_t attempt, const std::vector<log::Report>& reports);
  void StepDown(const absl::Status& why);
  void ClaimLater();
  double Fraction();  // By chance, from 0 to 1.
  void WakeLater();
  void StandBy();
  bool IsBehind();
  bool FoldNewRecords();
  bool HoldsTerm() const;
  void FoldFailed(const absl::Status& status);
  absl::Status CatchUpWithLog();
  absl::Status ClockIsRight();
  google::protobuf::Timestamp RecordTime(const Group& group) const;
  void Reject(Command& command, const absl::Status& status);
  void Fail(const absl::Status& status);

  Runtime& runtime_;
  Executor& executor_;
  log::Log& log_;
  view::Store& store_;
  const Domain& domain_;
  const int partition_;
  const OwnerOptions options_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);

  std::atomic<Role> role_ = Role::kStandby;
  absl::Status failure_;
  bool wanted_ = false;
  absl::Duration wanted_since_;                               // Monotonic; or the last claim that was lost.
  absl::Duration abstain_until_ = -absl::InfiniteDuration();  // It gave the partition up for another.
  absl::Duration claim_at_ = absl::InfiniteDuration();        // Monotonic; infinite: no claim is scheduled.
  bool work_scheduled_ = false;
  bool wake_scheduled_ = false;
  bool deadlines_watched_ = false;
  absl::Duration appended_at_;    // Monotonic; the group in flight.
  absl::Status unowned_because_;  // Why this process lost the partition, or did not get it, last.
  bool wake_missed_ = false;      // The log grew while something was in flight.
  bool stopped_ = false;
  bool leaving_ = false;  // For good, when it is given up.
  bool released_ = false;
  std::function<void()> on_released_;
  absl::Duration backoff_;

  uint64_t attempt_ = 0;  // Claims made by this process; reports of an earlier one are ignored.
  uint64_t term_ = 0;
  std::string owner_;
  uint64_t next_seq_ = 1;
  int64_t last_own_offset_ = -1;
  std::string claim_bytes_;
  std::shared_ptr<log::Appender> appender_;
  std::deque<std::unique_ptr<Command>> waiting_;
  std::atomic<size_t> waiting_count_ = 0;  // Its size, for metrics.
  std::unique_ptr<Group> in_flight_;       // Appended; its reports are awaited, or being looked at.
  std::unique_ptr<Group> decided_;         // Goes next; on top of the one in flight when there is one.

  absl::Time claim_sent_;
  bool log_clock_differs_ = false;
  absl::Time wall_seen_;
  absl::Duration monotonic_seen_;
};

}  // namespace trialog
