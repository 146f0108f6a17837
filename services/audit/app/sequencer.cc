#include "services/audit/app/sequencer.h"

#include <algorithm>
#include <future>

#include "platform/command/fold.h"
#include "platform/errors/errors.h"
#include "platform/telemetry/event_log.h"
#include "platform/text/text.h"
#include "services/audit/domain/choices.h"

namespace trialog::audit {

Sequencer::Sequencer(Runtime& runtime, log::Log& log, AuditStore& store, AuditFold& fold, Submit submit,
                     SequencerOptions options, std::function<void()> grown)
    : runtime_(runtime),
      log_(log),
      store_(store),
      fold_(fold),
      submit_(std::move(submit)),
      options_(std::move(options)),
      grown_(std::move(grown)),
      backoff_(options_.first_backoff),
      executor_(runtime.NewExecutor("audit-sequence")),
      tasks_(*executor_) {}

absl::Status Sequencer::Start() {
  std::promise<absl::Status> caught_up;
  tasks_.Post([&] { caught_up.set_value(fold_.CatchUp()); });
  if (absl::Status status = caught_up.get_future().get();
      log::IsDamaged(status) || ReasonOf(status) == kSourceEndsEarly) {
    Fail(status);  // As when it is met later: what is in the tree is served, nothing is added.
  } else if (!status.ok()) {
    return status;
  }
  tails_.push_back(log_.Follow(std::string(kOwnLog), kOwnPartition, [this] { Wake(); }));
  for (const std::string& source : options_.sources) {
    for (int p = 0; p < options_.partitions; ++p) tails_.push_back(log_.Follow(source, p, [this] { SourceGrew(); }));
  }
  sources_grew_ = true;
  Wake();  // What came between the catch-up and the tails.
  return absl::OkStatus();
}

void Sequencer::Stop() {
  tails_.clear();
  executor_.reset();
}

absl::Status Sequencer::Health() const {
  absl::MutexLock lock(&mutex_);
  return health_;
}

std::optional<absl::Duration> Sequencer::UnprovenSince() const {
  absl::MutexLock lock(&mutex_);
  return unproven_since_;
}

void Sequencer::MarkUnproven(absl::Duration since) {
  absl::MutexLock lock(&mutex_);
  if (!unproven_since_) unproven_since_ = since;
}

void Sequencer::MarkProven() {
  absl::MutexLock lock(&mutex_);
  unproven_since_.reset();
}

void Sequencer::Wake() {
  if (woken_.exchange(true)) return;
  tasks_.Post([this] {
    woken_ = false;
    Step();
  });
}

// Woken once for all that comes until the next look at the sources.
void Sequencer::SourceGrew() {
  if (!options_.choose || sources_grew_.exchange(true)) return;
  tasks_.Post([this] { Choose(); });
}

void Sequencer::Step() {
  if (!Ready()) return;
  if (absl::Status folded = fold_.CatchUp(); !folded.ok()) return Fail(folded);
  GoOn();
  if (grown_ && std::exchange(told_size_, store_.size()) != store_.size()) grown_();
  Choose();
}

void Sequencer::Choose() {
  if (!options_.choose || proposing_ || !Health().ok()) return;
  if (const absl::Duration early = wait_until_ - runtime_.Monotonic(); early > absl::ZeroDuration()) {
    return StepAfter(early);
  }
  if (!ProposeRanges()) ProposeCheckpoint();
}

// True when something was proposed, or cannot be.
bool Sequencer::ProposeRanges() {
  ranges_wait_ = sources_grew_;
  if (!ranges_wait_) return false;
  const absl::Duration now = runtime_.Monotonic();
  MarkUnproven(now);
  // A checkpoint that is due goes first: with sources that never rest there would always be another range before it.
  if (last_checkpoint_ + options_.checkpoint_every <= now && HasUnsigned()) return false;
  if (const absl::Duration due = last_ranges_ + options_.sequence_every; due > now) {
    StepAfter(due - now);
    return false;  // A checkpoint need not wait for it.
  }
  sources_grew_ = false;  // First: what comes from here on calls for another look.
  auto ranges = NewRanges();
  if (!ranges.ok()) {
    sources_grew_ = true;
    Fail(ranges.status());
    return true;
  }
  ranges_wait_ = !ranges->empty();
  if (!ranges_wait_) return false;
  last_ranges_ = now;
  Propose("Sequence", [ranges = *std::move(ranges)](const view::State& state, const Context& context) {
    return Sequence(state, context, ranges);
  });
  return true;
}

bool Sequencer::HasUnsigned() const {
  const auto last = store_.Checkpoint(0);
  return store_.size() > (last.ok() ? last->tree_size() : 0);
}

absl::StatusOr<std::vector<v1::Sequenced>> Sequencer::NewRanges() {
  std::vector<v1::Sequenced> ranges;
  for (const std::string& source : options_.sources) {
    for (int p = 0; p < options_.partitions; ++p) {
      absl::StatusOr<int64_t> end = log_.KnownEnd(source, p);
      if (*end < 0) end = log_.EndOffset(source, p);
      if (!end.ok()) return end.status();
      auto next = fold_.NextOf(source, p);
      if (!next.ok()) return next.status();
      if (*end <= *next) continue;
      v1::Sequenced& range = ranges.emplace_back();
      range.set_source(source);
      range.set_partition(p);
      range.set_from(*next);
      range.set_to(*end);
    }
  }
  return ranges;
}

void Sequencer::ProposeCheckpoint() {
  const uint64_t size = store_.size();
  auto last = store_.Checkpoint(0);
  if (!last.ok() && !absl::IsNotFound(last.status())) return Fail(last.status());
  if (size == 0 || (last.ok() && last->tree_size() >= size)) {
    if (!ranges_wait_) MarkProven();
    return;
  }
  const absl::Duration now = runtime_.Monotonic();
  MarkUnproven(now);
  if (const absl::Duration due = last_checkpoint_ + options_.checkpoint_every; due > now) return StepAfter(due - now);
  // A state that a crash could take back from this replica is not vouched for.
  if (absl::Status synced = store_.Sync(); !synced.ok()) return Fail(synced);
  last_checkpoint_ = now;
  v1::CheckpointSigned checkpoint;
  checkpoint.set_size(size);
  checkpoint.set_root(store_.PendingRoot());
  Propose(
      "SignCheckpoint",
      [checkpoint](const view::State& state, const Context& context) {
        return SignCheckpoint(state, context, checkpoint);
      },
      [this] {  // What is not in it came since, or waits a moment longer.
        MarkProven();
        MarkUnproven(last_checkpoint_);
      });
}

void Sequencer::Propose(std::string method, DecideFn decide, Task accepted) {
  proposing_ = true;
  submit_(std::move(method), std::move(decide),
          [this, accepted = std::move(accepted)](const absl::StatusOr<Outcome>& outcome) {
            tasks_.Post([this, accepted, status = outcome.status()] {
              proposing_ = false;
              if (status.ok() && accepted) accepted();
              Decided(status);
            });
          });
}

void Sequencer::Decided(const absl::Status& status) {
  if (status.ok()) {
    backoff_ = options_.first_backoff;
    return Step();
  }
  sources_grew_ = true;  // What was proposed has no place yet, for all that is known.
  BackOff();
}

void Sequencer::BackOff() {
  // Random and growing: another replica may choose too, and the log may be away for long.
  const std::string random = runtime_.RandomBytes(1);
  const absl::Duration delay = backoff_ * (0.5 + static_cast<unsigned char>(random[0]) / 256.0);
  backoff_ = std::min(backoff_ * 2, options_.longest_backoff);
  wait_until_ = runtime_.Monotonic() + delay;
  StepAfter(delay);
}

void Sequencer::StepAfter(absl::Duration delay) {
  const absl::Duration at = runtime_.Monotonic() + delay;
  if (at >= timer_at_) return;
  timer_at_ = at;
  tasks_.After(delay, [this, at] {
    if (timer_at_ == at) timer_at_ = absl::InfiniteDuration();
    Step();
  });
}

bool Sequencer::Ready() {
  const absl::Status health = Health();
  if (health.ok()) return true;
  if (!IsPassing(health)) return false;
  if (const absl::Duration early = wait_until_ - runtime_.Monotonic(); early > absl::ZeroDuration()) {
    StepAfter(early);
    return false;
  }
  const absl::Status restarted = fold_.Restart();
  if (!restarted.ok()) Fail(restarted);
  return restarted.ok();
}

// The event log is told when it begins and when it is for good, not of each try; before health is, so that who sees the
// one finds the other.
void Sequencer::Fail(const absl::Status& status) {
  const bool passing = IsPassing(status);
  const std::string cause(FromAbsl(status.message()));
  if (!passing) {
    telemetry::Error("audit_stopped", {{"reason", ReasonOf(status)}, {"cause", cause}});
  } else if (Health().ok()) {
    telemetry::Warning("audit_interrupted", {{"reason", ReasonOf(status)}, {"cause", cause}});
  }
  SetHealth(status);
  if (passing) BackOff();
}

void Sequencer::GoOn() {
  if (Health().ok()) return;
  backoff_ = options_.first_backoff;
  telemetry::Info("audit_goes_on", {{"tree_size", Cat(store_.size())}});
  SetHealth(absl::OkStatus());
}

void Sequencer::SetHealth(const absl::Status& status) {
  absl::MutexLock lock(&mutex_);
  health_ = status;
}

}  // namespace trialog::audit
