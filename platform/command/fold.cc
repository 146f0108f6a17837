#include "platform/command/fold.h"

#include "platform/errors/errors.h"
#include "platform/text/text.h"

namespace trialog {
namespace {

constexpr size_t kBatchBytes = 1 << 20;

}  // namespace

absl::Status EvolveRecord(const Domain& domain, const event::v1::Data& data, uint64_t record,
                          view::ChangeSet& changes) {
  std::vector<std::unique_ptr<google::protobuf::Message>> events(data.events_size());
  for (int i = 0; i < data.events_size(); ++i) {
    if (!data.events(i).has_domain()) continue;  // A read or a refused access changes no state.
    events[i].reset(domain.event->New());
    if (!events[i]->ParseFromString(data.events(i).domain()) || KindOf(*events[i]) == nullptr) {
      return Refuse(absl::StatusCode::kFailedPrecondition, "UNKNOWN_EVENT",
                    Cat("the log of ", domain.service, " holds an event that this build does not know (command ",
                        UuidText(data.command_id()), ", event ", i, "); upgrade this service"));
    }
  }
  for (int i = 0; i < data.events_size(); ++i) {
    if (!events[i]) continue;
    changes.Begin({EventId(domain.service, data.organization(), data.command_id(), i), data.organization(),
                   data.caller(), data.record_time(), record});
    domain.evolve(changes, *events[i]);
  }
  return absl::OkStatus();
}

void NoteCause(const event::v1::Data& data, event::v1::FoldState& fold) {
  if (!data.has_cause()) return;
  for (auto& cause : *fold.mutable_reacted()) {
    if (cause.source() != data.cause().source() ||
        cause.position().partition() != data.cause().position().partition()) {
      continue;
    }
    *cause.mutable_position() = data.cause().position();
    return;
  }
  *fold.add_reacted() = data.cause();
}

absl::Status WriteCommit(view::Store& store, const view::Commit& commit, const FoldRules& rules) {
  if (!rules.dies_before_position) return store.Write(commit);
  view::Commit rows = commit;
  rows.fold = store.fold(commit.partition);
  if (absl::Status status = store.Write(rows); !status.ok()) return status;
  if (rules.dies_before_position()) return absl::UnavailableError("the process dies here");
  view::Commit position{.partition = commit.partition, .fold = commit.fold};
  const auto written = store.fold(commit.partition);
  position.fold.set_requests(written.requests());
  position.fold.set_remembered_from(written.remembered_from());
  return store.Write(position);
}

absl::Status FoldRecords(const Domain& domain, view::Store& store, int partition,
                         const std::vector<log::StoredRecord>& records, const SeenRecord& seen,
                         const FoldRules& rules) {
  if (records.empty()) return absl::OkStatus();
  const std::unique_ptr<view::State> base = store.StateForCommit(partition);
  view::ChangeSet changes(base.get());
  view::Commit commit{.partition = partition, .fold = store.fold(partition), .changes = &changes};
  std::vector<event::v1::LogRecord> parsed(records.size());
  for (size_t i = 0; i < records.size(); ++i) {
    const log::StoredRecord& stored = records[i];
    absl::StatusOr<event::v1::LogRecord> record = log::ParseRecord(stored.bytes, stored.offset);
    if (!record.ok()) return record.status();
    parsed[i] = *std::move(record);
    const log::Verdict verdict = rules.admit(commit.fold, parsed[i], stored.bytes, stored.offset);
    if (seen) seen(stored, parsed[i], verdict);
    if (verdict != log::Verdict::kAdmitted) continue;
    const event::v1::Data& data = parsed[i].data();
    if (absl::Status evolved = EvolveRecord(domain, data, static_cast<uint64_t>(stored.offset), changes); !evolved.ok()) {
      return evolved;
    }
    NoteCause(data, commit.fold);
    commit.records.push_back({stored.offset, &data});
  }
  if (absl::Status health = store.Health(); !health.ok()) return health;
  return WriteCommit(store, commit, rules);
}

absl::Status CatchUp(const Domain& domain, view::Store& store, log::Log& log, int partition, int64_t limit_offset,
                     const FoldRules& rules) {
  while (store.next_offset(partition) < limit_offset) {
    auto records = log.Read(std::string(domain.service), partition, store.next_offset(partition), kBatchBytes);
    if (!records.ok()) return records.status();
    while (!records->empty() && records->back().offset >= limit_offset) records->pop_back();
    if (records->empty()) return absl::OkStatus();
    absl::Status folded = FoldRecords(domain, store, partition, *records, nullptr, rules);
    if (!folded.ok()) return folded;
  }
  return absl::OkStatus();
}

bool IsPassing(const absl::Status& status) { return absl::IsUnavailable(status) || absl::IsResourceExhausted(status); }

}  // namespace trialog
