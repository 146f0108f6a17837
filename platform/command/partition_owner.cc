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
  absl::Status caught_up =
      assistant == nullptr ? CatchUpWithLog() : CatchUpInParallel(domain_, store_, log_, partition_, *assistant);
  if (!caught_up.ok()) FoldFailed(caught_up);
  if (wanted) Claim();
  return caught_up;
}

void PartitionOwner::Submit(std::unique_ptr<Command> command) {
  if (!failure_.ok()) return Reject(*command, failure_);
  if (stopped_ || released_ || role_ == Role::kReleasing)
    return Reject(*command, OwnerUnavailable("this process is leaving"));
  if (waiting_.size() >= options_.max_waiting) {
    return Reject(*command,
                  RetryLater(absl::StatusCode::kResourceExhausted, "QUEUE_FULL",
                             "too many commands wait; repeat with the same request_id", absl::Milliseconds(100)));
  }
  waiting_.push_back(std::move(command));
  NoteWaiting();
  if (role_ == Role::kStandby && !claim_scheduled_) Claim();
  if (role_ == Role::kOwner) Schedule();
}

// Deciding is a task of its own, so that all commands already posted are decided and written together.
void PartitionOwner::Schedule() {
  if (role_ != Role::kOwner || work_scheduled_ || group_ || waiting_.empty()) return;
  work_scheduled_ = true;
  executor_.Post([this, alive = alive_] {
    if (!*alive) return;
    work_scheduled_ = false;
    DecideWaiting();
  });
}

void PartitionOwner::Wake() {
  if (!failure_.ok() || stopped_) return;
  wake_missed_ = group_ || role_ == Role::kClaiming;  // Looked at when that is done.
  if (wake_missed_) return;
  if (role_ == Role::kOwner && !IsBehind()) return Schedule();
  if (FoldNewRecords()) Schedule();
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

// A hint, and cheap: the log may answer an old end.
bool PartitionOwner::IsBehind() {
  const auto end = log_.EndOffset(std::string(domain_.service), partition_);
  return !end.ok() || *end > store_.next_offset(partition_);
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
  const auto fold = store_.fold(partition_);
  if (role_ != Role::kOwner || (fold.term() == term_ && fold.owner() == owner_)) return true;
  StepDown(OwnerUnavailable("a later claim"));
  return false;
}

void PartitionOwner::FoldFailed(const absl::Status& status) { IsPassing(status) ? WakeLater() : Fail(status); }

// ---- Decide: every waiting command on the state plus what is decided before it, then one append. ----

void PartitionOwner::DecideWaiting() {
  if (role_ != Role::kOwner || group_ || waiting_.empty()) return;
  if (IsBehind() && !FoldNewRecords()) return;
  const absl::Status clock = ClockIsRight();
  group_ = std::make_unique<Group>(store_.StateForCommit(partition_));
  while (!waiting_.empty() && group_->records.size() < options_.max_group_records &&
         group_->bytes < options_.max_group_bytes) {
    std::unique_ptr<Command> command = std::move(waiting_.front());
    waiting_.pop_front();
    if (!clock.ok()) {
      group_->answers.push_back({std::move(command), clock});
    } else {
      Decide(std::move(command), *group_);
    }
  }
  NoteWaiting();
  // What was decided on a damaged store must reach neither the log nor a caller.
  if (absl::Status health = store_.Health(); !health.ok()) return Fail(health);
  Give(group_->answers);
  if (group_->records.empty()) return FinishGroup();
  AppendGroup();
}

void PartitionOwner::Give(std::vector<Answer>& answers) {
  for (Answer& answer : answers) answer.command->done(std::move(answer.outcome));
  answers.clear();
}

void PartitionOwner::RejectIn(Group& group, std::unique_ptr<Command> command, absl::Status status) {
  (group.records.empty() ? group.answers : group.conditional).push_back({std::move(command), std::move(status)});
}

void PartitionOwner::Decide(std::unique_ptr<Command> command, Group& group) {
  if (command->deadline <= runtime_.Now()) {
    return Reject(*command, Refuse(absl::StatusCode::kDeadlineExceeded, "DEADLINE_PASSED",
                                   "the deadline passed before the command was decided; nothing was written"));
  }
  if (AnswerFromRequests(command, group)) return;
  Context context;
  context.principal = std::move(command->principal);
  context.organization = command->organization;
  context.record_time = RecordTime(group);
  context.command_id = UuidV7(absl::ToUnixMillis(FromProto(context.record_time)), runtime_.RandomBytes(10));
  if (command->access) return AddRecord(std::move(command), context, {}, group);
  absl::StatusOr<Decision> decision = command->decide(group.changes, context);
  if (!decision.ok()) return RejectIn(group, std::move(command), decision.status());
  AddRecord(std::move(command), context, *std::move(decision), group);
}

bool PartitionOwner::AnswerFromRequests(std::unique_ptr<Command>& command, Group& group) {
  if (command->request_key.empty() || options_.bugs.forget_requests) return false;
  const auto reused = [] {
    return Refuse(absl::StatusCode::kAlreadyExists, "REQUEST_ID_REUSED",
                  "this request_id was used for another request; use a new one for a new request");
  };
  if (auto pending = group.by_request.find(command->request_key); pending != group.by_request.end()) {
    Pending& first = group.records[pending->second];
    if (first.data.request_mac() != command->request_mac) {
      RejectIn(group, std::move(command), reused());
    } else {
      first.joined.push_back(std::move(command));
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

void PartitionOwner::AddRecord(std::unique_ptr<Command> command, const Context& context, Decision decision,
                               Group& group) {
  Pending pending;
  event::v1::LogRecord record;
  event::v1::Data& data = *record.mutable_data();
  data.set_term(term_);
  data.set_owner(owner_);
  data.set_seq(next_seq_);
  data.set_prev(group.records.empty() ? store_.fold(partition_).last_hash()
                                      : log::RecordHash(group.records.back().bytes));
  data.set_command_id(context.command_id);
  data.set_request_key(command->request_key);
  data.set_request_mac(command->request_mac);
  *data.mutable_caller() = context.principal.caller;
  *data.mutable_record_time() = context.record_time;
  data.set_trace(command->trace);
  data.set_organization(command->organization);
  data.set_method(command->method);
  std::vector<std::shared_ptr<const google::protobuf::Message>> bodies;
  for (NewEvent& event : decision.events) {
    if (KindOf(*event.body) == nullptr) {  // Our own fault, nothing changed.
      return RejectIn(
          group, std::move(command),
          Refuse(absl::StatusCode::kInternal, "EVENT_NOT_SET", "the decision holds an event without a kind"));
    }
    auto* added = data.add_events();
    added->set_entity(std::move(event.entity));
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
    return RejectIn(group, std::move(command),
                    Refuse(absl::StatusCode::kInvalidArgument, "RECORD_TOO_LARGE",
                           "the command does not fit in one record (512 KiB); send less at once"));
  }
  EvolveBodies(domain_, data, bodies, next_seq_, group.changes);
  ++next_seq_;
  group.bytes += pending.bytes.size();
  if (!command->request_key.empty()) group.by_request[command->request_key] = group.records.size();
  pending.data = std::move(data);
  pending.command = std::move(command);
  group.records.push_back(std::move(pending));
}

// ---- Append and acknowledge, strictly in seq order. ----

void PartitionOwner::AppendGroup() {
  std::vector<std::string> records;
  records.reserve(group_->records.size());
  for (const Pending& pending : group_->records) records.push_back(pending.bytes);
  if (options_.bugs.acknowledge_before_append) {
    for (Pending& pending : group_->records) Acknowledge(pending, last_own_offset_ + 1);
  }
  appender_->Append(std::move(records), [this, alive = alive_, attempt = attempt_](std::vector<log::Report> reports) {
    executor_.Post([this, alive, attempt, reports = std::move(reports)] {
      if (*alive) OnReports(attempt, reports);
    });
  });
}

void PartitionOwner::OnReports(uint64_t attempt, const std::vector<log::Report>& reports) {
  if (attempt != attempt_ || !group_ || group_->records.empty()) return;
  if (reports.size() != group_->records.size()) return StepDown(OwnerUnavailable("a report is missing"));
  if (CommitGroupAtOnce(reports)) return FinishGroup();
  if (group_) CommitOneByOne(reports);  // Else it stepped down.
}

// The usual case: every record of the group follows the last own one without a gap, so that each is admitted and the
// state reached while deciding is the state of the fold.
bool PartitionOwner::CommitGroupAtOnce(const std::vector<log::Report>& reports) {
  for (size_t i = 0; i < reports.size(); ++i) {
    if (!reports[i].status.ok() || reports[i].offset != last_own_offset_ + 1 + static_cast<int64_t>(i)) return false;
  }
  view::Commit commit{.partition = partition_, .fold = store_.fold(partition_), .changes = &group_->changes};
  if (commit.fold.next_offset() != last_own_offset_ + 1) return false;
  const uint64_t first_seq = group_->records[0].data.seq();
  const int64_t first_offset = reports[0].offset;
  commit.offset_of = [=](uint64_t seq) { return first_offset + static_cast<int64_t>(seq - first_seq); };
  event::v1::LogRecord record;
  for (size_t i = 0; i < group_->records.size(); ++i) {
    Pending& pending = group_->records[i];
    record.mutable_data()->Swap(&pending.data);
    const log::Verdict verdict = options_.bugs.fold.admit(commit.fold, record, pending.bytes, reports[i].offset);
    pending.data.Swap(record.mutable_data());
    if (verdict != log::Verdict::kAdmitted) return false;
    NoteCause(pending.data, commit.fold);
    commit.records.push_back({reports[i].offset, &pending.data});
  }
  if (absl::Status written = WriteCommit(store_, commit, options_.bugs.fold); !written.ok()) {
    IsPassing(written) ? StepDown(OwnerUnavailable(FromAbsl(written.message()))) : Fail(written);
    return false;
  }
  for (size_t i = 0; i < group_->records.size(); ++i) Acknowledge(group_->records[i], reports[i].offset);
  last_own_offset_ = reports.back().offset;
  return true;
}

// Something is off: each record for itself, read back from the log, the oldest first. The first that is not known to be
// admitted ends the term.
void PartitionOwner::CommitOneByOne(const std::vector<log::Report>& reports) {
  for (size_t i = 0; i < group_->records.size(); ++i) {
    if (!reports[i].status.ok()) {
      const absl::Status& why = reports[i].status;
      return StepDown(
          absl::IsResourceExhausted(why) ? why : OwnerUnavailable(Cat("an append failed: ", FromAbsl(why.message()))));
    }
    int64_t offset = reports[i].offset;
    if (options_.bugs.no_offset_check) {
      Acknowledge(group_->records[i], offset);
      last_own_offset_ = std::max(last_own_offset_, offset);
      continue;
    }
    if (!ReadBack(group_->records[i], reports[i].offset, offset)) {
      return group_ ? StepDown(OwnerUnavailable("a record was not admitted")) : void();
    }
    Acknowledge(group_->records[i], offset);
    last_own_offset_ = offset;
  }
  FinishGroup();
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
  if (!pending.command) return;  // Only with the planted bug.
  const auto& names = pending.data.result().names();
  Outcome outcome{partition_, offset, {names.begin(), names.end()}, false};
  std::unique_ptr<Command> command = std::move(pending.command);
  command->done(outcome);
  outcome.repeated = true;
  for (auto& joined : pending.joined) joined->done(outcome);
  pending.joined.clear();
}

void PartitionOwner::FinishGroup() {
  std::unique_ptr<Group> group = std::move(group_);
  if (!group->records.empty()) backoff_ = options_.first_backoff;  // Not before: two candidates may fence each other.
  Give(group->conditional);
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
  return absl::AbsDuration(drift) <= options_.clock_error && !behind_log ? absl::OkStatus() : ClockWrong();
}

google::protobuf::Timestamp PartitionOwner::RecordTime(const Group& group) const {
  const google::protobuf::Timestamp last =
      group.records.empty() ? store_.fold(partition_).record_time() : group.records.back().data.record_time();
  return ToProto(std::max(runtime_.Now(), FromProto(last)));
}

}  // namespace trialog
