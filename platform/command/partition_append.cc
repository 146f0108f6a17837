// How a group of records gets into the log and is acknowledged, strictly in seq order; and who hears what when it does
// not.
#include <algorithm>

#include "platform/command/owner_internal.h"
#include "platform/command/partition_owner.h"

namespace trialog {

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
        domain_, store_, log_, partition_, *records,
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
  // Of no organisation: those that were refused may be called anything, by anybody.
  Context context = NewContext(*decided_, "");
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

}  // namespace trialog
