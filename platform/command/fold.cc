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

void NoteRecord(const event::v1::Data& data, int64_t offset, view::Commit& commit) {
  commit.times.emplace_back(data.record_time(), offset);
  if (!data.request_key().empty()) {
    view::Commit::Request request{data.request_key(), {}};
    request.outcome.set_offset(offset);
    request.outcome.set_mac(data.request_mac());
    *request.outcome.mutable_names() = data.result().names();
    *request.outcome.mutable_record_time() = data.record_time();
    commit.requests.push_back(std::move(request));
  }
  if (!data.has_cause()) return;
  for (auto& cause : *commit.fold.mutable_reacted()) {
    if (cause.source() != data.cause().source() ||
        cause.position().partition() != data.cause().position().partition()) {
      continue;
    }
    *cause.mutable_position() = data.cause().position();
    return;
  }
  *commit.fold.add_reacted() = data.cause();
}

absl::Status WriteCommit(view::Store& store, const view::Commit& commit, const FoldRules& rules) {
  if (!rules.dies_before_position) return store.Write(commit);
  view::Commit rows = commit;
  rows.fold = store.fold(commit.partition);
  if (absl::Status written = store.Write(rows); !written.ok()) return written;
  if (rules.dies_before_position()) return absl::UnavailableError("the process dies here");
  view::Commit position{.partition = commit.partition, .fold = commit.fold};
  position.fold.set_requests(store.fold(commit.partition).requests());
  return store.Write(position);
}

absl::Status FoldRecords(const Domain& domain, view::Store& store, int partition,
                         const std::vector<log::StoredRecord>& records, const SeenRecord& seen,
                         const FoldRules& rules) {
  if (records.empty()) return absl::OkStatus();
  view::ChangeSet changes(&store.partition(partition));
  view::Commit commit{.partition = partition, .fold = store.fold(partition), .changes = &changes};
  for (const log::StoredRecord& stored : records) {
    absl::StatusOr<event::v1::LogRecord> record = log::ParseRecord(stored.bytes, stored.offset);
    if (!record.ok()) return record.status();
    const log::Verdict verdict = rules.admit(commit.fold, *record, stored.bytes, stored.offset);
    if (seen) seen(stored, *record, verdict);
    if (verdict != log::Verdict::kAdmitted) continue;
    absl::Status evolved = EvolveRecord(domain, record->data(), static_cast<uint64_t>(stored.offset), changes);
    if (!evolved.ok()) return evolved;
    NoteRecord(record->data(), stored.offset, commit);
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
