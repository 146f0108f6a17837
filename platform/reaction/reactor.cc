#include "platform/reaction/reactor.h"

#include <algorithm>
#include <utility>

#include "platform/errors/errors.h"
#include "platform/log/admission.h"
#include "platform/log/skip.h"
#include "platform/reaction/causes.h"
#include "platform/text/text.h"
#include "platform/view/public_stream.h"
#include "platform/view/remembering_state.h"

namespace trialog::reaction {
namespace {

constexpr size_t kBatchBytes = 256 << 10;
// How often a process that does not own a partition looks again.
constexpr absl::Duration kStandbyLook = absl::Seconds(1);

// Refusals that a decision here gives to itself; none of them reaches a caller.
constexpr std::string_view kAlreadyReacted = "ALREADY_REACTED";
constexpr std::string_view kMoreParts = "MORE_PARTS";
constexpr std::string_view kTooMuchTogether = "TOO_MUCH_TOGETHER";

// Events that are dealt with in one record when they wait anyway, and what they may lead to together.
constexpr size_t kMostTogether = 128;
constexpr size_t kMostEffects = 400;

bool NotBefore(const event::v1::Position& a, const event::v1::Position& b) {
  return std::pair(a.offset(), a.index()) >= std::pair(b.offset(), b.index());
}

}  // namespace

Reactor::Reactor(Runtime& runtime, log::Log& log, view::Store& store, Submit submit, Reaction reaction,
                 ReactorOptions options)
    : log_(log),
      store_(store),
      submit_(std::move(submit)),
      reaction_(std::move(reaction)),
      options_(std::move(options)),
      causes_(reaction_.causes.begin(), reaction_.causes.end()),
      prototype_(view::EventPrototype(reaction_.source)),
      executor_(runtime.NewExecutor(Cat("react-", store.domain().service, "-", reaction_.source))) {
  for (int p = 0; p < options_.partitions; ++p) {
    followers_.push_back(std::make_unique<Follower>());
    followers_.back()->partition = p;
    followers_.back()->backoff = options_.first_backoff;
    followers_.back()->together = kMostTogether;
  }
}

Reactor::~Reactor() = default;

absl::Status Reactor::Start() {
  if (prototype_ == nullptr) return absl::InternalError(Cat("the events of ", reaction_.source, " are not linked"));
  for (auto& follower : followers_) {
    const absl::Status resumed = Resume(*follower);
    if (resumed.ok()) continue;
    if (!log::IsDamaged(resumed)) return resumed;
    follower->busy =
        true;  // For good: no event of this partition leads to anything before an operator restored the log.
    SetFailure(*follower, resumed);
  }
  for (auto& each : followers_) {
    auto wake = [this, follower = each.get()] {
      if (follower->woken.exchange(true)) return;
      executor_->Post([this, follower] {
        follower->woken = false;
        Pump(*follower);
      });
    };
    tails_.push_back(log_.Follow(reaction_.source, each->partition, wake));
    wake();
  }
  return absl::OkStatus();
}

// The log is read from the record last reacted to, not from its beginning.
absl::Status Reactor::Resume(Follower& follower) {
  const event::v1::FoldState own = store_.fold(follower.partition);
  for (const auto& cause : own.reacted()) {
    if (cause.source() != reaction_.source || cause.position().partition() != follower.partition) continue;
    auto before = AdmissionAtCause(log_, cause);
    if (!before.ok()) return before.status();
    follower.source = *std::move(before);
    follower.read_to = cause.position().offset();
  }
  return absl::OkStatus();
}

bool Reactor::Reacted(const event::v1::PublicEvent& event) const {
  return Reacted(event, store_.fold(event.position().partition()));
}

bool Reactor::Reacted(const event::v1::PublicEvent& event, const event::v1::FoldState& own) const {
  return std::any_of(own.reacted().begin(), own.reacted().end(), [&](const event::v1::Cause& cause) {
    return cause.source() == reaction_.source && cause.position().partition() == event.position().partition() &&
           NotBefore(cause.position(), event.position());
  });
}

void Reactor::Pump(Follower& follower) {
  while (!follower.busy) {
    if (options_.owns && !options_.owns(follower.partition)) return Pause(follower, absl::OkStatus(), kStandbyLook);
    if (!follower.waiting.empty()) return follower.gathered ? React(follower) : Gather(follower);
    if (follower.passed_count >= options_.mark_every) return Mark(follower);
    bool more = false;
    if (absl::Status read = ReadMore(follower, more); !read.ok()) return Pause(follower, read, follower.backoff);
    follower.gathered = reaction_.gather == absl::ZeroDuration();
    if (!more) return;  // Until the log grows.
  }
}

void Reactor::Gather(Follower& follower) {
  follower.busy = true;
  executor_->After(reaction_.gather, [this, &follower] {
    follower.busy = false;
    bool more = false;
    if (absl::Status read = ReadMore(follower, more); !read.ok()) return Pause(follower, read, follower.backoff);
    follower.gathered = true;
    Pump(follower);
  });
}

absl::Status Reactor::ReadMore(Follower& follower, bool& more) {
  auto records = log_.Read(reaction_.source, follower.partition, follower.source.next_offset(), kBatchBytes);
  if (!records.ok()) return records.status();
  more = !records->empty();
  const event::v1::FoldState own = store_.fold(follower.partition);
  for (const log::StoredRecord& stored : *records) {
    auto record = log::ParseUnlessSkipped(log_, reaction_.source, follower.partition, follower.source, stored);
    if (!record.ok()) return record.status();
    if (log::Admit(follower.source, *record, stored.bytes, stored.offset) != log::Verdict::kAdmitted) continue;
    for (auto& event :
         view::PublicEvents(reaction_.source, *prototype_, follower.partition, stored.offset, record->data())) {
      if (Reacted(event, own)) continue;
      if (causes_.contains(event.type())) {
        follower.waiting.push_back(std::move(event));
        follower.passed_count = 0;
      } else {
        follower.passed = std::move(event);
        ++follower.passed_count;
      }
    }
  }
  follower.read_to = follower.source.next_offset();
  return absl::OkStatus();
}

// One organisation's events in a row, as many as wait and fit; one alone while it takes several parts.
std::vector<event::v1::PublicEvent> Reactor::Next(const Follower& follower) {
  const auto& waiting = follower.waiting;
  const size_t most = !follower.as_last || !follower.after.empty() ? 1 : follower.together;
  std::vector<event::v1::PublicEvent> events;
  for (size_t i = 0; i < std::min(most, waiting.size()); ++i) {
    if (waiting[i].organization() != waiting[0].organization()) break;
    events.push_back(waiting[i]);
  }
  return events;
}

// What the events lead to, each on what those before it led to.
absl::StatusOr<Step> Reactor::Decide(const std::vector<event::v1::PublicEvent>& events, const std::string& after,
                                     const view::State& state, const Context& context) const {
  const view::RememberingState known(state);  // Most events of a batch ask for the same.
  view::ChangeSet so_far(&known);
  Step all;
  bool any = false;
  const event::v1::FoldState own = store_.fold(events.front().position().partition());
  for (const event::v1::PublicEvent& event : events) {
    if (Reacted(event, own)) continue;
    any = true;
    Step step = reaction_.react(so_far, context, event, after);
    for (NewEvent& effect : step.decision.events) effect.cause_id = event.event_id();
    if (events.size() == 1) return step;
    if (!step.next.empty() || all.decision.events.size() + step.decision.events.size() > kMostEffects) {
      return Refuse(absl::StatusCode::kAborted, kTooMuchTogether, "fewer at once");
    }
    for (NewEvent& effect : step.decision.events) {
      const size_t index = all.decision.events.size();
      so_far.Begin({EventId(store_.domain().service, context.organization, context.command_id, static_cast<int>(index)),
                    context.organization, context.principal.caller, context.record_time, 0});
      store_.domain().evolve(so_far, *effect.body);
      all.decision.events.push_back(std::move(effect));
    }
  }
  if (!any) return Refuse(absl::StatusCode::kAlreadyExists, kAlreadyReacted, "dealt with before");
  return all;
}

void Reactor::React(Follower& follower) {
  follower.busy = true;
  auto events = std::make_shared<const std::vector<event::v1::PublicEvent>>(Next(follower));
  auto next = std::make_shared<std::string>();
  // Decided by the owner when all that its log holds is folded, so what `Reacted` says there is final.
  DecideFn decide = [this, events, next, after = follower.after, as_last = follower.as_last](
                        const view::State& state, const Context& context) -> absl::StatusOr<Decision> {
    absl::StatusOr<Step> step = Decide(*events, after, state, context);
    if (!step.ok()) return step.status();
    *next = std::move(step->next);
    if (as_last && !next->empty()) return Refuse(absl::StatusCode::kAborted, kMoreParts, "more parts follow");
    return std::move(step->decision);
  };
  Occasion occasion;
  occasion.trace = events->front().trace();
  if (follower.as_last) occasion.cause = CauseOf(events->back());
  submit_(events->front().organization(), reaction_.method, std::move(occasion), std::move(decide),
          [this, &follower, next, count = events->size()](const absl::StatusOr<Outcome>& outcome) {
            executor_->Post([this, &follower, next, count, status = outcome.status()] {
              OnOutcome(follower, status, count, *next);
            });
          });
}

void Reactor::OnOutcome(Follower& follower, const absl::Status& outcome, size_t count, const std::string& next) {
  follower.busy = false;
  const std::string reason = ReasonOf(outcome);
  if (reason == kTooMuchTogether || (reason == "RECORD_TOO_LARGE" && count > 1)) {
    follower.together = std::max<size_t>(count / 2, 1);
  } else if (reason == kMoreParts) {
    follower.as_last = false;
  } else if (outcome.ok() && !follower.as_last) {
    // Written without the cause. Were there no more parts after all, the same part is decided again as the last one.
    if (!next.empty()) follower.after = next;
    follower.as_last = true;
  } else if (outcome.ok() || reason == kAlreadyReacted) {
    follower.waiting.erase(follower.waiting.begin(), follower.waiting.begin() + static_cast<ptrdiff_t>(count));
    follower.after.clear();
    follower.as_last = true;
    follower.together = std::min(2 * follower.together, kMostTogether);
  } else {
    return Pause(follower, outcome, follower.backoff);
  }
  follower.backoff = options_.first_backoff;
  SetFailure(follower, absl::OkStatus());
  Pump(follower);
}

// A record with a cause and no events.
void Reactor::Mark(Follower& follower) {
  follower.busy = true;
  auto event = std::make_shared<const event::v1::PublicEvent>(follower.passed);
  Occasion occasion;
  occasion.cause = CauseOf(*event);
  submit_(
      event->organization(), reaction_.method, std::move(occasion),
      [this, event](const view::State&, const Context&) -> absl::StatusOr<Decision> {
        if (Reacted(*event)) return Refuse(absl::StatusCode::kAlreadyExists, kAlreadyReacted, "dealt with before");
        return Decision();
      },
      [this, &follower](const absl::StatusOr<Outcome>& outcome) {
        executor_->Post([this, &follower, status = outcome.status()] {
          follower.busy = false;
          if (!status.ok() && ReasonOf(status) != kAlreadyReacted) return Pause(follower, status, follower.backoff);
          follower.passed_count = 0;
          follower.backoff = options_.first_backoff;
          SetFailure(follower, absl::OkStatus());
          Pump(follower);
        });
      });
}

void Reactor::Pause(Follower& follower, const absl::Status& why, absl::Duration delay) {
  SetFailure(follower, why);
  if (!why.ok()) follower.backoff = std::min(2 * follower.backoff, options_.longest_backoff);
  follower.busy = true;
  executor_->After(delay, [this, &follower] {
    follower.busy = false;
    Pump(follower);
  });
}

void Reactor::SetFailure(Follower& follower, absl::Status status) {
  absl::MutexLock lock(&mutex_);
  follower.failure = std::move(status);
}

int64_t Reactor::Lag() const {
  int64_t lag = 0;
  for (const auto& follower : followers_) {
    lag += std::max<int64_t>(log_.KnownEnd(reaction_.source, follower->partition) - follower->read_to, 0);
  }
  return lag;
}

absl::Status Reactor::Health() const {
  absl::MutexLock lock(&mutex_);
  absl::Status status;
  for (const auto& follower : followers_) status.Update(follower->failure);
  return status;
}

}  // namespace trialog::reaction
