// How a partition's ownership begins and ends: claim, hand-over, stepping down.
#include <algorithm>

#include "platform/command/owner_internal.h"
#include "platform/command/partition_owner.h"
#include "platform/view/times.h"

namespace trialog {

// ---- Claim: fold to the end, append Claim(term + 1), read up to it. ----

void PartitionOwner::Claim() {
  if (role_ != Role::kStandby || stopped_ || released_ || !failure_.ok()) return;
  if (absl::Status folded = CatchUpWithLog(); !folded.ok()) {
    return IsPassing(folded) ? LoseClaim(folded) : Fail(folded);
  }
  if (options_.replicated && !ShouldClaim()) return StandBy();
  role_ = Role::kClaiming;
  term_ = store_.fold(partition_).term() + 1;
  owner_ = runtime_.RandomBytes(16);  // Fresh for each attempt: an id kept over a restart was shown to be unsafe.
  appender_ = log_.NewAppender(std::string(domain_.service), partition_);
  event::v1::LogRecord record;
  auto* claim = record.mutable_claim();
  claim->set_term(term_);
  claim->set_owner(owner_);
  claim->set_address(options_.address);
  claim_sent_ = runtime_.Now();
  log_clock_differs_ = false;
  *claim->mutable_record_time() = ToProto(claim_sent_);
  claim_bytes_ = record.SerializeAsString();
  appender_->Append({claim_bytes_}, [this, alive = alive_, attempt = ++attempt_](std::vector<log::Report> reports) {
    executor_.Post([this, alive, attempt, reports = std::move(reports)] {
      if (*alive) OnClaim(attempt, reports);
    });
  });
}

void PartitionOwner::OnClaim(uint64_t attempt, const std::vector<log::Report>& reports) {
  if (attempt != attempt_ || role_ != Role::kClaiming) return;
  if (reports.size() != 1 || !reports[0].status.ok()) {
    return LoseClaim(reports.empty() ? absl::UnknownError("no report") : reports[0].status);
  }
  const absl::StatusOr<int64_t> claim_offset = FoldToOwnClaim(reports[0].offset);
  if (!failure_.ok()) return;
  if (!claim_offset.ok()) return LoseClaim(claim_offset.status());
  BecomeOwner(*claim_offset);
}

// Folds up to the own claim and not beyond: state, next seq and last own offset are those of the fold at that offset.
absl::StatusOr<int64_t> PartitionOwner::FoldToOwnClaim(int64_t reported) {
  for (int attempt = 0; attempt < kReadBackAttempts; ++attempt) {
    if (reported >= 0 && store_.next_offset(partition_) > reported)
      break;  // Folded past it: too late to judge it there.
    auto records = log_.Read(std::string(domain_.service), partition_, store_.next_offset(partition_), kReadBytes);
    if (!records.ok()) return records.status();
    if (records->empty()) continue;
    attempt = 0;
    const auto own = std::find_if(records->begin(), records->end(), [&](const auto& r) {
      return reported >= 0 ? r.offset >= reported : r.bytes == claim_bytes_;
    });
    const bool found = own != records->end();
    if (found) records->erase(own + 1, records->end());
    const absl::Status folded = FoldRecords(domain_, store_, log_, partition_, *records, nullptr, options_.bugs.fold);
    if (!folded.ok()) {
      if (!IsPassing(folded)) Fail(folded);
      return folded;
    }
    if (found) {
      // The log stamped it between our sending and now, so that its clock can be compared with ours.
      const absl::Time stamped = records->back().append_time;
      log_clock_differs_ = stamped != absl::InfinitePast() && (stamped < claim_sent_ - options_.clock_error ||
                                                               stamped > runtime_.Now() + options_.clock_error);
      return records->back().offset;
    }
  }
  return absl::NotFoundError("the claim is not in the log");
}

void PartitionOwner::BecomeOwner(int64_t claim_offset) {
  const auto fold = store_.fold(partition_);
  // The record at the claim's own offset must be what set the term; equal term and owner alone are not enough.
  if (claim_offset < 0 || fold.next_offset() != claim_offset + 1 || fold.claim_offset() != claim_offset ||
      fold.owner() != owner_) {
    return LoseClaim(absl::AbortedError("another claim was first"));
  }
  if (log_clock_differs_) {  // The next claim measures again.
    if (options_.on_wrong_clock) options_.on_wrong_clock();
    return LoseClaim(ClockWrong());
  }
  role_ = Role::kOwner;
  next_seq_ = fold.next_seq();
  last_own_offset_ = claim_offset;
  if (FoldNewRecords()) Schedule();
}

void PartitionOwner::LoseClaim(const absl::Status& why) {
  appender_.reset();
  role_ = Role::kStandby;
  wanted_since_ = runtime_.Monotonic();
  ClaimLater();
  unowned_because_ = why;
  AnswerWaiting([&](const Command& command) {
    // A full disk, a wrong clock: said at once rather than at the deadline.
    if (absl::IsResourceExhausted(why) || log_clock_differs_) return why;
    return command.deadline > runtime_.Now() ? absl::OkStatus() : NoOwner();
  });
  Wake();
}

absl::Status PartitionOwner::NoOwner() const {
  if (absl::IsResourceExhausted(unowned_because_) || log_clock_differs_) return unowned_because_;
  return OwnerUnavailable(Cat("no owner could be found in time: ", FromAbsl(unowned_because_.message())));
}

void PartitionOwner::AnswerWaiting(const std::function<absl::Status(const Command&)>& refusal) {
  std::deque<std::unique_ptr<Command>> waiting;
  waiting.swap(waiting_);
  for (auto& command : waiting) {
    if (absl::Status status = refusal(*command); !status.ok()) {
      Reject(*command, status);
    } else {
      waiting_.push_back(std::move(command));
    }
  }
  NoteWaiting();
}

void PartitionOwner::ClaimLater() {
  // Random and growing, so that two candidates do not fence each other for ever.
  ClaimAfter(backoff_ * (0.5 + Fraction()));
  backoff_ = std::min(backoff_ * 2, options_.longest_backoff);
}

void PartitionOwner::ClaimAfter(absl::Duration delay) {
  const absl::Duration at = runtime_.Monotonic() + delay;
  if (at >= claim_at_ || stopped_ || released_ || !failure_.ok()) return;
  claim_at_ = at;
  executor_.After(delay, [this, alive = alive_, at] {
    if (!*alive || claim_at_ != at) return;
    claim_at_ = absl::InfiniteDuration();
    if (ShouldClaim()) return Claim();
    if (wanted_) ClaimAfter(options_.release_grace);  // Its owner may yet be found gone.
  });
}

double PartitionOwner::Fraction() { return static_cast<unsigned char>(runtime_.RandomBytes(1)[0]) / 256.0; }

// ---- Beside others. ----

std::string PartitionOwner::OwnerElsewhere() const {
  const auto fold = store_.fold(partition_);
  if (!options_.replicated || fold.owner().empty() || fold.address() == options_.address) return {};
  return fold.address();
}

bool PartitionOwner::ShouldClaim() const {
  if (!options_.replicated) return wanted_ || !waiting_.empty();
  if (!OwnerElsewhere().empty()) {
    return wanted_ && runtime_.Monotonic() >= wanted_since_ + options_.release_grace;
  }
  // Whoever owned it left, or it is this process before it was started again, or nobody ever did.
  return wanted_ || !waiting_.empty() || store_.fold(partition_).term() > 0;
}

// The one that is meant to own it first. The others too, since a hint may be old, or there may be none.
void PartitionOwner::ClaimUnowned() {
  if (!options_.replicated || role_ != Role::kStandby || !ShouldClaim()) return;
  constexpr absl::Duration kSoon = absl::Milliseconds(20), kLater = absl::Milliseconds(100);
  const absl::Duration abstains = abstain_until_ - runtime_.Monotonic();
  ClaimAfter(wanted_ || !waiting_.empty() ? kSoon * Fraction() : std::max(kLater * (0.5 + Fraction()), abstains));
}

void PartitionOwner::Hint(bool wanted) {
  if (wanted && !wanted_) wanted_since_ = runtime_.Monotonic();
  wanted_ = wanted;
  if (stopped_ || released_ || !failure_.ok() || leaving_) return;
  if (!wanted && role_ == Role::kOwner) return GiveUp();
  if (!wanted || role_ != Role::kStandby) return;
  OwnerElsewhere().empty() ? ClaimUnowned() : ClaimAfter(options_.release_grace);
}

void PartitionOwner::GiveUp() {
  abstain_until_ = runtime_.Monotonic() + options_.release_grace;
  role_ = Role::kReleasing;
  AnswerWaiting([](const Command&) { return OwnerUnavailable("the partition goes to another process"); });
  if (!in_flight_) AppendRelease();
}

// ---- Leaving. ----

void PartitionOwner::Release(std::function<void()> done) {
  on_released_ = std::move(done);
  leaving_ = true;
  if (role_ == Role::kReleasing) return;  // It gives it up already.
  const bool was_owner = role_ == Role::kOwner;
  if (!was_owner) {
    released_ = true;
    return StepDown(OwnerUnavailable("this process is leaving"));
  }
  role_ = Role::kReleasing;
  AnswerWaiting([](const Command&) { return OwnerUnavailable("this process is leaving"); });
  if (!in_flight_) AppendRelease();
}

void PartitionOwner::AppendRelease() {
  event::v1::LogRecord record;
  record.mutable_release()->set_term(term_);
  record.mutable_release()->set_owner(owner_);
  record.mutable_release()->set_seq(next_seq_);
  appender_->Append({record.SerializeAsString()},
                    [this, alive = alive_, attempt = attempt_](std::vector<log::Report> reports) {
                      executor_.Post([this, alive, attempt, reports = std::move(reports)] {
                        if (*alive) OnRelease(attempt, reports);
                      });
                    });
}

// Whatever became of the release, this process is out: safety never depends on it.
void PartitionOwner::OnRelease(uint64_t attempt, const std::vector<log::Report>&) {
  if (attempt != attempt_) return;
  StepDown(OwnerUnavailable("released"));
}

void PartitionOwner::StepDown(const absl::Status& why) {
  appender_.reset();
  ++attempt_;
  released_ = released_ || leaving_;  // Given up, though perhaps not as cleanly as was meant.
  const bool gave_up = role_ == Role::kReleasing;
  role_ = Role::kStandby;
  wanted_since_ = runtime_.Monotonic();  // Whoever fenced this one has its time too.
  unowned_because_ = why;
  if (!gave_up) ClaimLater();
  const std::unique_ptr<Group> in_flight = std::move(in_flight_), decided = std::move(decided_);
  if (in_flight) Drop(*in_flight, why);
  if (decided) Drop(*decided, why);
  if (stopped_ || released_ || !failure_.ok()) {
    AnswerWaiting([&](const Command&) { return failure_.ok() ? why : failure_; });
    if (on_released_) std::exchange(on_released_, nullptr)();
  }
  Wake();
}

// Answers what was not answered.
void PartitionOwner::Drop(Group& group, const absl::Status& why) {
  for (Pending& pending : group.records) {
    if (pending.command) Reject(*pending.command, why);
    for (auto& joined : pending.joined) Reject(*joined, why);
  }
  for (Answer& answer : group.answers) Reject(*answer.command, why);
  for (Answer& answer : group.conditional) Reject(*answer.command, why);
}

void PartitionOwner::Stop() {
  stopped_ = true;
  StepDown(OwnerUnavailable("this process is stopping"));
}

// The fold cannot go on. Never guess: refuse everything in this partition until an operator has looked.
void PartitionOwner::Fail(const absl::Status& status) {
  const bool first = failure_.ok();
  failure_ = status;
  StepDown(CannotFold());
  if (first && options_.on_failure) options_.on_failure(partition_, status);
}

}  // namespace trialog
