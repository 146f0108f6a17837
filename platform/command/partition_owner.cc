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
  if (stopped_ || released_ || role_ == Role::kReleasing)
    return Reject(*command, OwnerUnavailable("this process is leaving"));
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
  return !decided_ ||
         (decided_->records.size() < options_.max_group_records && decided_->bytes < options_.max_group_bytes);
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
  group->rivals = options_.replicated;
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

// ---- Append and acknowledge, strictly in seq order. ----

// A log that blocks is left alone with it `elsewhere` when there is something to do meanwhile.
void PartitionOwner::AppendDecided(Executor* elsewhere) {
  in_flight_ = std::move(decided_);
  appended_at_ = runtime_.Monotonic();
  WatchDeadlines();
  std::vector<std::string> records;
  records.reserve(in_flight_->records.size());
  for (const Pending& pending : in_flight_->records) records.push_back(pending.bytes);
  if (options_.bugs.acknowledge_before_append) {
    for (Pending& pending : in_flight_->records) Acknowledge(pending, last_own_offset_ + 1);
  }
  auto done = [this, alive = alive_, attempt = attempt_](std::vector<log::Report> reports) {
    executor_.Post([this, alive, attempt, reports = std::move(reports)] {
      if (*alive) OnReports(attempt, reports);
    });
  };
  if (elsewhere == nullptr) return appender_->Append(std::move(records), std::move(done));
  elsewhere->Post([appender = appender_, records = std::move(records), done = std::move(done)]() mutable {
    appender->Append(std::move(records), std::move(done));
  });
}

void PartitionOwner::OnReports(uint64_t attempt, const std::vector<log::Report>& reports) {
  if (attempt != attempt_ || !in_flight_) return;
  if (reports.size() != in_flight_->records.size()) return StepDown(OwnerUnavailable("a report is missing"));
  view::Commit commit{.partition = partition_, .fold = store_.fold(partition_), .changes = &in_flight_->changes};
  if (!Admit(*in_flight_, reports, commit)) return CommitOneByOne(reports);
  DecideWaiting();  // They go into the log while this group is committed.
  if (in_flight_) CommitAtOnce(reports, commit);
}

// The usual case: every record of the group follows the last own one without a gap, so that each is admitted and the
// state reached while deciding is the state of the fold.
bool PartitionOwner::Admit(Group& group, const std::vector<log::Report>& reports, view::Commit& commit) const {
  for (size_t i = 0; i < reports.size(); ++i) {
    if (!reports[i].status.ok() || reports[i].offset != last_own_offset_ + 1 + static_cast<int64_t>(i)) return false;
  }
  if (commit.fold.next_offset() != last_own_offset_ + 1) return false;
  const uint64_t first_seq = group.records[0].data.seq();
  const int64_t first_offset = reports[0].offset;
  commit.offset_of = [=](uint64_t seq) { return first_offset + static_cast<int64_t>(seq - first_seq); };
  event::v1::LogRecord record;
  for (size_t i = 0; i < group.records.size(); ++i) {
    Pending& pending = group.records[i];
    record.mutable_data()->Swap(&pending.data);
    const log::Verdict verdict = options_.bugs.fold.admit(commit.fold, record, pending.bytes, reports[i].offset);
    pending.data.Swap(record.mutable_data());
    if (verdict != log::Verdict::kAdmitted) return false;
    NoteCause(pending.data, commit.fold);
    commit.records.push_back({reports[i].offset, &pending.data});
  }
  return true;
}

void PartitionOwner::CommitAtOnce(const std::vector<log::Report>& reports, const view::Commit& commit) {
  const std::unique_ptr<Group> group = std::move(in_flight_);
  last_own_offset_ = reports.back().offset;
  if (decided_ && !decided_->records.empty()) AppendDecided(options_.appending);
  if (absl::Status written = WriteCommit(store_, commit, options_.bugs.fold); !written.ok()) {
    const bool passing = IsPassing(written);
    const absl::Status why = passing ? OwnerUnavailable(FromAbsl(written.message())) : CannotFold();
    Drop(*group, why);
    return passing ? StepDown(why) : Fail(written);
  }
  for (size_t i = 0; i < group->records.size(); ++i) Acknowledge(group->records[i], reports[i].offset);
  Finish(*group);
  GoOn();
}

// Something is off: each record for itself, read back from the log, the oldest first. The first that is not known to be
// admitted ends the term.
void PartitionOwner::CommitOneByOne(const std::vector<log::Report>& reports) {
  for (size_t i = 0; i < in_flight_->records.size(); ++i) {
    if (!reports[i].status.ok()) {
      const absl::Status& why = reports[i].status;
      return StepDown(
          absl::IsResourceExhausted(why) ? why : OwnerUnavailable(Cat("an append failed: ", FromAbsl(why.message()))));
    }
    int64_t offset = reports[i].offset;
    if (options_.bugs.no_offset_check) {
      Acknowledge(in_flight_->records[i], offset);
      last_own_offset_ = std::max(last_own_offset_, offset);
      continue;
    }
    if (!ReadBack(in_flight_->records[i], reports[i].offset, offset)) {
      return in_flight_ ? StepDown(OwnerUnavailable("a record was not admitted")) : void();
    }
    Acknowledge(in_flight_->records[i], offset);
    last_own_offset_ = offset;
  }
  const std::unique_ptr<Group> group = std::move(in_flight_);
  Finish(*group);
  GoOn();
}

// Folds up to the pending record (at `offset`, or wherever it stands when that is -1); true when it is admitted there.
bool PartitionOwner::ReadBack(const Pending& pending, int64_t offset, int64_t& found_at) {
  bool admitted = false, found = false;
  for (int attempt = 0; attempt < kReadBackAttempts && !found; ++attempt) {
    auto records = log_.Read(std::string(domain_.service), partition_, store_.next_offset(partition_), kReadBytes);
    if (!records.ok()) return false;
    auto own = std::find_if(records->begin(), records->end(), [&](const auto& r) { return r.bytes == pending.bytes; });
    if (own != records->end()) {
      found = true;
      found_at = own->offset;
      records->erase(own + 1, records->end());
    } else if (!records->empty() && offset >= 0 && records->back().offset >= offset) {
      return false;  // Another record stands where the report said.
    }
    if (!records->empty()) attempt = 0;
    const absl::Status folded = FoldRecords(
        domain_, store_, partition_, *records,
        [&](const log::StoredRecord& stored, const event::v1::LogRecord&, log::Verdict verdict) {
          if (found && stored.offset == found_at) admitted = verdict == log::Verdict::kAdmitted;
        },
        options_.bugs.fold);
    if (!folded.ok()) {
      if (!IsPassing(folded)) Fail(folded);
      return false;
    }
  }
  return found && admitted;
}

void PartitionOwner::Acknowledge(Pending& pending, int64_t offset) {
  const auto& names = pending.data.result().names();
  Outcome outcome{partition_, offset, {names.begin(), names.end()}, false};
  // Gone when its caller could not wait any longer.
  if (const std::unique_ptr<Command> command = std::move(pending.command)) command->done(outcome);
  outcome.repeated = true;
  for (auto& joined : pending.joined) joined->done(outcome);
  pending.joined.clear();
}

// ---- A log that does not answer: callers hear of it before their deadline, and may come again. ----

void PartitionOwner::WatchDeadlines() {
  constexpr absl::Duration kLook = absl::Milliseconds(100);
  if (std::exchange(deadlines_watched_, true)) return;
  executor_.After(kLook, [this, alive = alive_] {
    if (!*alive) return;
    deadlines_watched_ = false;
    AnswerLate();
    if (in_flight_ || !waiting_.empty()) WatchDeadlines();
  });
}

void PartitionOwner::AnswerLate() {
  constexpr absl::Duration kStalled = absl::Milliseconds(250), kAhead = absl::Milliseconds(200);
  if (role_ == Role::kOwner && (!in_flight_ || runtime_.Monotonic() - appended_at_ < kStalled)) return;
  const absl::Time soon = runtime_.Now() + kAhead;
  const absl::Status late = OwnerUnavailable("the log does not answer in time");
  const absl::Status waiting = role_ == Role::kOwner ? late : NoOwner();
  AnswerWaiting([&](const Command& command) { return command.deadline <= soon ? waiting : absl::OkStatus(); });
  for (Group* group : {in_flight_.get(), decided_.get()}) {
    if (group != nullptr) group->Take([&](const Command& command) { return command.deadline <= soon; }, late);
  }
}

// Its records are committed: what was decided on top of it goes on over the store.
void PartitionOwner::Finish(Group& group) {
  for (Group* next : {in_flight_.get(), decided_.get()}) {
    if (next && next->before == &group) next->Rebase(store_.StateForCommit(partition_));
  }
  backoff_ = options_.first_backoff;  // Not before: two candidates may fence each other.
  Give(group.conditional);
}

// A process that stood still refuses from what it knew, though a rival has acknowledged the contrary; what a broker
// says of the log's end may be as old. So an empty record follows: where it is admitted, nothing came between.
void PartitionOwner::ConfirmRejections() {
  const std::string organization = decided_->conditional.front().command->organization;
  Context context = NewContext(*decided_, organization);
  context.principal.caller.set_kind(event::v1::Caller::KIND_SERVICE);
  context.principal.caller.set_name(std::string(domain_.service));
  Pending pending;
  event::v1::LogRecord record;
  BeginRecord(*decided_, context, *record.mutable_data());
  record.mutable_data()->set_method("owner.confirm");
  pending.bytes = record.SerializeAsString();
  EvolveBodies(domain_, record.data(), {}, next_seq_, decided_->changes);
  ++next_seq_;
  pending.data = std::move(*record.mutable_data());
  decided_->Add(std::move(pending));
}

// Of a group without records: decided while another was in flight, when nobody looked whether the log had grown. That
// is looked at now.
void PartitionOwner::GiveRejections() {
  const bool current = decided_->conditional.empty() || !IsBehind() || (FoldNewRecords() && HoldsTerm());
  const std::unique_ptr<Group> group = std::move(decided_);
  if (!group) return;  // It stepped down.
  current ? Give(group->conditional) : Drop(*group, OwnerUnavailable("the log is not known up to its end"));
}

void PartitionOwner::GoOn() {
  if (!in_flight_ && decided_) {
    if (decided_->rivals && decided_->records.empty() && !decided_->conditional.empty()) ConfirmRejections();
    if (!decided_->records.empty()) {
      AppendDecided(nullptr);
    } else {
      GiveRejections();
    }
  }
  if (in_flight_) return Schedule();
  if (role_ == Role::kReleasing) return AppendRelease();
  if (wake_missed_) return Wake();
  Schedule();
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
