#include "platform/command/partition_owner.h"

#include <algorithm>

#include "platform/command/owner_internal.h"
#include "platform/view/times.h"

namespace trialog {

PartitionOwner::PartitionOwner(Runtime& runtime, Executor& executor, log::Log& log, view::Store& store, int partition,
                               OwnerOptions options)
    : runtime_(runtime),
      executor_(executor),
      log_(log),
      store_(store),
      domain_(store.domain()),
      partition_(partition),
      options_(std::move(options)),
      backoff_(options_.first_backoff),
      wall_seen_(runtime.Now()),
      monotonic_seen_(runtime.Monotonic()) {}

PartitionOwner::~PartitionOwner() { *alive_ = false; }

absl::Status PartitionOwner::Start(bool wanted, Executor* assistant) {
  wanted_ = wanted;
  wanted_since_ = runtime_.Monotonic();
  absl::Status caught_up =
      assistant == nullptr ? CatchUpWithLog() : CatchUpInParallel(domain_, store_, log_, partition_, *assistant);
  if (!caught_up.ok()) FoldFailed(caught_up);
  if (!failure_.ok()) return caught_up;
  wanted ? Claim() : StandBy();
  return caught_up;
}

void PartitionOwner::Submit(std::unique_ptr<Command> command) {
  if (!failure_.ok()) return Reject(*command, failure_);
  if (stopped_ || released_ || leaving_) return Reject(*command, OwnerUnavailable("this process is leaving"));
  if (role_ == Role::kReleasing) return Reject(*command, OwnerUnavailable("the partition goes to another process"));
  if (role_ == Role::kStandby && !ShouldClaim()) {
    if (const std::string owner = OwnerElsewhere(); !owner.empty()) return Reject(*command, OwnedElsewhere(owner));
  }
  if (waiting_.size() >= options_.max_waiting) {
    return Reject(*command,
                  RetryLater(absl::StatusCode::kResourceExhausted, "QUEUE_FULL",
                             "too many commands wait; repeat with the same request_id", absl::Milliseconds(100)));
  }
  waiting_.push_back(std::move(command));
  NoteWaiting();
  if (role_ != Role::kOwner) WatchDeadlines();
  if (role_ == Role::kStandby) claim_at_ == absl::InfiniteDuration() ? Claim() : ClaimUnowned();
  if (role_ == Role::kOwner) Schedule();
}

// Deciding is a task of its own, so that all commands already posted are decided and written together.
void PartitionOwner::Schedule() {
  if (role_ != Role::kOwner || work_scheduled_ || waiting_.empty() || !HasRoom()) return;
  work_scheduled_ = true;
  executor_.Post([this, alive = alive_] {
    if (!*alive) return;
    work_scheduled_ = false;
    DecideWaiting();
  });
}

bool PartitionOwner::HasRoom() const {
  // What waits for a record to be given counts too: refusals, strict reads.
  return !decided_ || (decided_->records.size() + decided_->conditional.size() < options_.max_group_records &&
                       decided_->bytes < options_.max_group_bytes);
}

void PartitionOwner::Wake() {
  if (!failure_.ok() || stopped_) return;
  wake_missed_ = in_flight_ || role_ == Role::kClaiming;  // Looked at when that is done.
  if (wake_missed_) return;
  if (role_ == Role::kOwner && !IsBehind()) return Schedule();
  if (!FoldNewRecords()) return;
  role_ == Role::kStandby ? StandBy() : Schedule();
}

// What was folded may say who owns the partition now, or that nobody does.
void PartitionOwner::StandBy() {
  if (!options_.replicated) return;
  if (const std::string owner = OwnerElsewhere(); !owner.empty() && !ShouldClaim()) {
    return AnswerWaiting([&](const Command&) { return OwnedElsewhere(owner); });
  }
  ClaimUnowned();
}

void PartitionOwner::WakeLater() {
  if (wake_scheduled_) return;
  wake_scheduled_ = true;
  executor_.After(options_.first_backoff * 5, [this, alive = alive_] {
    if (!*alive) return;
    wake_scheduled_ = false;
    Wake();
  });
}

// A hint, and cheap: the end may be an old one.
bool PartitionOwner::IsBehind() {
  const int64_t end = log_.KnownEnd(std::string(domain_.service), partition_);
  return end < 0 || end > store_.next_offset(partition_);
}

absl::Status PartitionOwner::CatchUpWithLog() {
  return CatchUp(domain_, store_, log_, partition_, INT64_MAX, options_.bugs.fold);
}

// True when this process stands at the end of the log and still in the role it had.
bool PartitionOwner::FoldNewRecords() {
  if (absl::Status folded = CatchUpWithLog(); !folded.ok()) {
    FoldFailed(folded);
    return false;
  }
  if (role_ != Role::kOwner || HoldsTerm()) return true;
  StepDown(OwnerUnavailable("a later claim"));
  return false;
}

bool PartitionOwner::HoldsTerm() const {
  const auto fold = store_.fold(partition_);
  return fold.term() == term_ && fold.owner() == owner_;
}

void PartitionOwner::FoldFailed(const absl::Status& status) { IsPassing(status) ? WakeLater() : Fail(status); }

// ---- Decide: every waiting command on the state plus what is pending; one append at a time. ----

void PartitionOwner::DecideWaiting() {
  if (role_ != Role::kOwner || waiting_.empty() || !HasRoom()) return;
  if (!in_flight_ && IsBehind() && !FoldNewRecords()) return;
  const absl::Status clock = ClockIsRight();
  if (!decided_) decided_ = NewGroup();
  while (!waiting_.empty() && HasRoom()) {
    std::unique_ptr<Command> command = std::move(waiting_.front());
    waiting_.pop_front();
    if (!clock.ok()) {
      decided_->answers.push_back({std::move(command), clock});
    } else {
      Decide(std::move(command), *decided_);
    }
  }
  NoteWaiting();
  // What was decided on a damaged store must reach neither the log nor a caller.
  if (absl::Status health = store_.Health(); !health.ok()) return Fail(health);
  Give(decided_->answers);
  if (!in_flight_) GoOn();
}

std::unique_ptr<Group> PartitionOwner::NewGroup() {
  auto group =
      in_flight_ ? std::make_unique<Group>(*in_flight_) : std::make_unique<Group>(store_.StateForCommit(partition_));
  group->rivals = options_.rivals;
  return group;
}

void PartitionOwner::Give(std::vector<Answer>& answers) {
  for (Answer& answer : answers) answer.command->done(std::move(answer.outcome));
  answers.clear();
}

void PartitionOwner::Decide(std::unique_ptr<Command> command, Group& group) {
  if (command->deadline <= runtime_.Now()) {
    return Reject(*command, Refuse(absl::StatusCode::kDeadlineExceeded, "DEADLINE_PASSED",
                                   "the deadline passed before the command was decided; nothing was written"));
  }
  if (AnswerFromRequests(command, group)) return;
  Context context = NewContext(group, command->organization);
  context.principal = std::move(command->principal);
  if (command->access) return AddRecord(std::move(command), context, {}, group);
  absl::StatusOr<Decision> decision = command->decide(group.changes, context);
  if (!decision.ok()) return group.Reject(std::move(command), decision.status());
  AddRecord(std::move(command), context, *std::move(decision), group);
}

bool PartitionOwner::AnswerFromRequests(std::unique_ptr<Command>& command, Group& group) {
  if (command->request_key.empty() || options_.bugs.forget_requests) return false;
  const auto reused = [] {
    return Refuse(absl::StatusCode::kAlreadyExists, "REQUEST_ID_REUSED",
                  "this request_id was used for another request; use a new one for a new request");
  };
  if (Pending* first = group.Find(command->request_key)) {
    if (first->data.request_mac() != command->request_mac) {
      group.Reject(std::move(command), reused());
    } else {
      first->joined.push_back(std::move(command));
    }
    return true;
  }
  auto known = store_.FindRequest(partition_, command->request_key);
  if (!known) return false;
  if (known->mac == command->request_mac) {
    Outcome outcome{partition_, known->offset, std::move(known->names), true};
    group.answers.push_back({std::move(command), std::move(outcome)});
  } else {
    group.answers.push_back({std::move(command), reused()});
  }
  return true;
}

Context PartitionOwner::NewContext(const Group& group, const std::string& organization) {
  Context context;
  context.organization = organization;
  context.record_time = RecordTime(group);
  context.command_id = UuidV7(absl::ToUnixMillis(FromProto(context.record_time)), runtime_.RandomBytes(10));
  return context;
}

void PartitionOwner::BeginRecord(const Group& group, const Context& context, event::v1::Data& data) const {
  data.set_term(term_);
  data.set_owner(owner_);
  data.set_seq(next_seq_);
  const Pending* last = group.Last();
  data.set_prev(last ? log::RecordHash(last->bytes) : store_.fold(partition_).last_hash());
  data.set_command_id(context.command_id);
  *data.mutable_caller() = context.principal.caller;
  *data.mutable_record_time() = context.record_time;
  data.set_organization(context.organization);
}

void PartitionOwner::AddRecord(std::unique_ptr<Command> command, const Context& context, Decision decision,
                               Group& group) {
  Pending pending;
  event::v1::LogRecord record;
  event::v1::Data& data = *record.mutable_data();
  BeginRecord(group, context, data);
  data.set_request_key(command->request_key);
  data.set_request_mac(command->request_mac);
  data.set_trace(command->trace);
  data.set_method(command->method);
  std::vector<std::shared_ptr<const google::protobuf::Message>> bodies;
  for (NewEvent& event : decision.events) {
    if (KindOf(*event.body) == nullptr) {  // Our own fault, nothing changed.
      return group.Reject(std::move(command), Refuse(absl::StatusCode::kInternal, "EVENT_NOT_SET",
                                                     "the decision holds an event without a kind"));
    }
    auto* added = data.add_events();
    added->set_entity(std::move(event.entity));
    added->set_cause_id(std::move(event.cause_id));
    event.body->SerializeToString(added->mutable_domain());
    bodies.push_back(std::move(event.body));
  }
  if (command->access) {
    auto* added = data.add_events();
    added->set_entity(command->access_entity);
    *added->mutable_access() = *command->access;
  }
  for (std::string& name : decision.names) data.mutable_result()->add_names(std::move(name));
  if (command->cause) *data.mutable_cause() = *command->cause;
  if (context.principal.grants_offset >= 0) {
    data.mutable_grants_position()->set_partition(context.principal.grants_partition);
    data.mutable_grants_position()->set_offset(context.principal.grants_offset);
  }
  pending.bytes = record.SerializeAsString();
  if (pending.bytes.size() > log::kMaxRecordBytes) {
    return group.Reject(std::move(command),
                        Refuse(absl::StatusCode::kInvalidArgument, "RECORD_TOO_LARGE",
                               "the command does not fit in one record (512 KiB); send less at once"));
  }
  EvolveBodies(domain_, data, bodies, next_seq_, group.changes);
  ++next_seq_;
  pending.data = std::move(data);
  pending.command = std::move(command);
  group.Add(std::move(pending));
}

void PartitionOwner::Reject(Command& command, const absl::Status& status) { command.done(status); }

// ---- Time. ----

// A jump is the difference between two looks, so that the slow drift of months is none. Once it jumped, it stays wrong.
absl::Status PartitionOwner::ClockIsRight() {
  const absl::Time now = runtime_.Now();
  const absl::Duration monotonic = runtime_.Monotonic();
  const absl::Duration drift = (now - wall_seen_) - (monotonic - monotonic_seen_);
  if (absl::AbsDuration(drift) <= options_.clock_error) {
    wall_seen_ = now;
    monotonic_seen_ = monotonic;
  }
  const auto fold = store_.fold(partition_);
  const bool behind_log = fold.has_record_time() && now < FromProto(fold.record_time()) - options_.clock_error;
  if (absl::AbsDuration(drift) <= options_.clock_error && !behind_log) return absl::OkStatus();
  if (options_.on_wrong_clock) options_.on_wrong_clock();
  return ClockWrong();
}

google::protobuf::Timestamp PartitionOwner::RecordTime(const Group& group) const {
  const Pending* last = group.Last();
  const google::protobuf::Timestamp before = last ? last->data.record_time() : store_.fold(partition_).record_time();
  return ToProto(std::max(runtime_.Now(), FromProto(before)));
}

}  // namespace trialog
