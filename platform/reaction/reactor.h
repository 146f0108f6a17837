// Reactions: a public event of some service becomes commands of this one, exactly once. README.md has the contract.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "platform/log/log.h"
#include "platform/reaction/submit.h"
#include "platform/runtime/runtime.h"
#include "platform/view/store.h"
#include "trialog/event/v1/record.pb.h"

namespace trialog::reaction {

// What one event leads to, or a part of it where that is more than one record may hold.
struct Step {
  Decision decision;
  std::string next;  // Where the following part starts; empty when this is the last.
};

// What a service does about another's events. One for each source: the position is kept for the source.
struct Reaction {
  std::string source;               // Service whose public stream is followed; may be the own one.
  std::vector<std::string> causes;  // Full names of the kinds reacted to, "trialog.trials.v1.MessageSent".
  std::string method;               // What the records say, "trials.notices".
  // Pure and total. Events that wait are dealt with in one record; `state` then holds what the earlier ones led to, and
  // an effect's name must not follow from `context` alone. `after`: `next` of the part before. A part is decided again
  // after a crash between two parts, so it gives what is missing and nothing twice.
  std::function<Step(const view::State& state, const Context& context, const event::v1::PublicEvent& cause,
                     std::string_view after)>
      react;
  // An event waits this long for others to be dealt with in the same record: for streams that are busy.
  absl::Duration gather = absl::ZeroDuration();
};

struct ReactorOptions {
  int partitions = log::kPartitions;
  // Whether this process is to own a partition; others wait. Null: always, on a log with one process. Thread safe.
  std::function<bool(int partition)> owns = nullptr;
  absl::Duration first_backoff = absl::Milliseconds(20);
  absl::Duration longest_backoff = absl::Seconds(5);
  // Events without a reaction before the position is recorded all the same, so that a restart reads no more than that.
  int64_t mark_every = 10'000;
};

// Has one executor of its own; at most one command a partition is under way. Ends after the owner that `submit` leads
// to was stopped, so that no answer comes later.
class Reactor {
 public:
  // References outlive it. `store` is that of the service that reacts, `submit` its owner.
  Reactor(Runtime& runtime, log::Log& log, view::Store& store, Submit submit, Reaction reaction,
          ReactorOptions options = {});
  ~Reactor();

  // Goes on after the last event reacted to. DATA_LOSS when that is not in the source's log (AdmissionAtCause);
  // INTERNAL when the source's events are not linked into this program.
  absl::Status Start();
  const std::string& source() const { return reaction_.source; }
  // Records of the source that are in its log and were not yet read. Thread safe.
  int64_t Lag() const;
  // What keeps a partition from going on at present; OK while none is. Thread safe.
  absl::Status Health() const;

 private:
  struct Follower {
    int partition = 0;
    event::v1::FoldState source;                 // Admission of what was read of the source.
    std::deque<event::v1::PublicEvent> waiting;  // Read, not yet dealt with: of two batches at most.
    bool gathered = false;                       // They have waited for others.
    std::string after;                           // The part of waiting.front() to be decided.
    bool as_last = true;                         // It is tried as the last part, which records the cause.
    size_t together = 1;                         // How many of those that wait are tried in one record.
    bool busy = false;                           // A command or a pause is under way.
    absl::Duration backoff;
    event::v1::PublicEvent passed;  // The last event without reaction; its position may be recorded.
    int64_t passed_count = 0;
    std::atomic<bool> woken = false;
    std::atomic<int64_t> read_to = 0;  // source.next_offset(), for metrics.
    absl::Status failure;              // Guarded by mutex_.
  };

  absl::Status Resume(Follower& follower);
  // Whether the event was dealt with, as this service's own log says.
  bool Reacted(const event::v1::PublicEvent& event) const;
  bool Reacted(const event::v1::PublicEvent& event, const event::v1::FoldState& own) const;
  void Pump(Follower& follower);
  void Gather(Follower& follower);
  absl::Status ReadMore(Follower& follower, bool& more);
  void React(Follower& follower);
  void Mark(Follower& follower);
  static std::vector<event::v1::PublicEvent> Next(const Follower& follower);
  absl::StatusOr<Step> Decide(const std::vector<event::v1::PublicEvent>& events, const std::string& after,
                              const view::State& state, const Context& context) const;
  void OnOutcome(Follower& follower, const absl::Status& outcome, size_t count, const std::string& next);
  void Pause(Follower& follower, const absl::Status& why, absl::Duration delay);
  void SetFailure(Follower& follower, absl::Status status);

  log::Log& log_;
  view::Store& store_;
  const Submit submit_;
  const Reaction reaction_;
  const ReactorOptions options_;
  const absl::flat_hash_set<std::string> causes_;
  const google::protobuf::Message* const prototype_;

  mutable absl::Mutex mutex_;
  std::vector<std::unique_ptr<Follower>> followers_;
  std::unique_ptr<Executor> executor_;             // Its tasks use all of the above, so it goes before them …
  std::vector<std::unique_ptr<log::Tail>> tails_;  // … and these, which leave it tasks, before it.
};

}  // namespace trialog::reaction
