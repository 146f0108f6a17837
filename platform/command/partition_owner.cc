#include "platform/command/partition_owner.h"

#include <algorithm>

#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "platform/view/times.h"

namespace trialog {
namespace {

// A record reported as written must be readable soon; a reader that does not find it within this many reads gives up.
constexpr int kReadBackAttempts = 3;
constexpr size_t kReadBytes = 1 << 20;

absl::Status Unavailable(std::string_view why) {
  return RetryLater(absl::StatusCode::kUnavailable, "OWNER_CHANGED",
                    Cat("the outcome is not known (", why, "); repeat with the same request_id"),
                    absl::Milliseconds(50));
}

absl::Status ClockWrong() {
  return RetryLater(absl::StatusCode::kUnavailable, "CLOCK_WRONG",
                    "this server's clock jumped or differs from its log's, so it writes nothing; set it and restart",
                    absl::Seconds(1));
}

}  // namespace

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

absl::Status PartitionOwner::Start(bool wanted) {
  wanted_ = wanted;
  absl::Status caught_up = CatchUpWithLog();
  if (!caught_up.ok()) FoldFailed(caught_up);
  if (wanted) Claim();
  return caught_up;
}

void PartitionOwner::Submit(std::unique_ptr<Command> command) {
  if (!failure_.ok()) return Reject(*command, failure_);
  if (stopped_ || released_ || role_ == Role::kReleasing)
    return Reject(*command, Unavailable("this process is leaving"));
  if (waiting_.size() >= options_.max_waiting) {
    return Reject(*command,
                  RetryLater(absl::StatusCode::kResourceExhausted, "QUEUE_FULL",
                             "too many commands wait; repeat with the same request_id", absl::Milliseconds(100)));
  }
  waiting_.push_back(std::move(command));
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
  StepDown(Unavailable("a later claim"));
  return false;
}

void PartitionOwner::FoldFailed(const absl::Status& status) { IsPassing(status) ? WakeLater() : Fail(status); }

// ---- Claim: fold to the end, append Claim(term + 1), read up to it. ----

void PartitionOwner::Claim() {
  if (role_ != Role::kStandby || stopped_ || released_ || !failure_.ok()) return;
  if (absl::Status folded = CatchUpWithLog(); !folded.ok()) {
    return IsPassing(folded) ? LoseClaim(folded) : Fail(folded);
  }
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
    const absl::Status folded = FoldRecords(domain_, store_, partition_, *records, nullptr, options_.bugs.fold);
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
  if (log_clock_differs_) return LoseClaim(ClockWrong());  // The next claim measures again.
  role_ = Role::kOwner;
  next_seq_ = fold.next_seq();
  last_own_offset_ = claim_offset;
  if (FoldNewRecords()) Schedule();
}

void PartitionOwner::LoseClaim(const absl::Status& why) {
  appender_.reset();
  role_ = Role::kStandby;
  ClaimLater();
  AnswerWaiting([&](const Command& command) {
    // A full disk, a wrong clock: said at once rather than at the deadline.
    if (absl::IsResourceExhausted(why) || log_clock_differs_) return why;
    if (command.deadline > runtime_.Now()) return absl::OkStatus();
    return Unavailable(Cat("no owner could be found in time: ", FromAbsl(why.message())));
  });
  Wake();
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
}

void PartitionOwner::ClaimLater() {
  if (claim_scheduled_ || stopped_ || released_ || !failure_.ok()) return;
  // Random and growing, so that two candidates do not fence each other for ever.
  const std::string random = runtime_.RandomBytes(1);
  const absl::Duration wait = backoff_ * (0.5 + static_cast<unsigned char>(random[0]) / 256.0);
  backoff_ = std::min(backoff_ * 2, options_.longest_backoff);
  claim_scheduled_ = true;
  executor_.After(wait, [this, alive = alive_] {
    if (!*alive) return;
    claim_scheduled_ = false;
    if (wanted_ || !waiting_.empty()) Claim();
  });
}

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
  context.principal = command->principal;
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
  *data.mutable_caller() = command->principal.caller;
  *data.mutable_record_time() = context.record_time;
  data.set_trace(command->trace);
  data.set_organization(command->organization);
  data.set_method(command->method);
  for (const NewEvent& event : decision.events) {
    auto* added = data.add_events();
    added->set_entity(event.entity);
    event.body->SerializeToString(added->mutable_domain());
  }
  if (command->access) {
    auto* added = data.add_events();
    added->set_entity(command->access_entity);
    *added->mutable_access() = *command->access;
  }
  for (std::string& name : decision.names) data.mutable_result()->add_names(std::move(name));
  if (command->cause) *data.mutable_cause() = *command->cause;
  if (command->principal.grants_offset >= 0) {
    data.mutable_grants_position()->set_partition(command->principal.grants_partition);
    data.mutable_grants_position()->set_offset(command->principal.grants_offset);
  }
  pending.bytes = record.SerializeAsString();
  if (pending.bytes.size() > log::kMaxRecordBytes) {
    return RejectIn(group, std::move(command),
                    Refuse(absl::StatusCode::kInvalidArgument, "RECORD_TOO_LARGE",
                           "the command does not fit in one record (512 KiB); send less at once"));
  }
  const absl::Status evolved = EvolveRecord(domain_, data, next_seq_, group.changes);
  if (!evolved.ok()) {  // A kind without its oneof set: our own fault, nothing changed.
    return RejectIn(group, std::move(command),
                    Refuse(absl::StatusCode::kInternal, "EVENT_NOT_SET", "the decision holds an event without a kind"));
  }
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
  if (reports.size() != group_->records.size()) return StepDown(Unavailable("a report is missing"));
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
    IsPassing(written) ? StepDown(Unavailable(FromAbsl(written.message()))) : Fail(written);
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
      return StepDown(absl::IsResourceExhausted(why) ? why
                                                     : Unavailable(Cat("an append failed: ", FromAbsl(why.message()))));
    }
    int64_t offset = reports[i].offset;
    if (options_.bugs.no_offset_check) {
      Acknowledge(group_->records[i], offset);
      last_own_offset_ = std::max(last_own_offset_, offset);
      continue;
    }
    if (!ReadBack(group_->records[i], reports[i].offset, offset)) {
      return group_ ? StepDown(Unavailable("a record was not admitted")) : void();
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

// ---- Leaving. ----

void PartitionOwner::Release(std::function<void()> done) {
  on_released_ = std::move(done);
  const bool was_owner = role_ == Role::kOwner;
  if (!was_owner) {
    released_ = true;
    return StepDown(Unavailable("this process is leaving"));
  }
  role_ = Role::kReleasing;
  AnswerWaiting([](const Command&) { return Unavailable("this process is leaving"); });
  if (!group_) AppendRelease();
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
  released_ = true;
  StepDown(Unavailable("released"));
}

void PartitionOwner::StepDown(const absl::Status& why) {
  appender_.reset();
  ++attempt_;
  if (role_ == Role::kReleasing) released_ = true;  // Given up, though not as cleanly as was meant.
  role_ = Role::kStandby;
  ClaimLater();
  if (std::unique_ptr<Group> group = std::move(group_)) {
    for (Pending& pending : group->records) {
      if (pending.command) Reject(*pending.command, why);
      for (auto& joined : pending.joined) Reject(*joined, why);
    }
    for (Answer& answer : group->answers) Reject(*answer.command, why);
    for (Answer& answer : group->conditional) Reject(*answer.command, why);
  }
  if (stopped_ || released_ || !failure_.ok()) {
    AnswerWaiting([&](const Command&) { return failure_.ok() ? why : failure_; });
    if (on_released_) std::exchange(on_released_, nullptr)();
  }
  Wake();
}

void PartitionOwner::Stop() {
  stopped_ = true;
  StepDown(Unavailable("this process is stopping"));
}

// The fold cannot go on. Never guess: refuse everything in this partition until an operator has looked.
void PartitionOwner::Fail(const absl::Status& status) {
  const bool first = failure_.ok();
  failure_ = status;
  StepDown(Unavailable("the partition cannot be folded"));
  if (first && options_.on_failure) options_.on_failure(partition_, status);
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
