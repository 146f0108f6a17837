#include "platform/command/fold.h"

#include <future>

#include "platform/errors/errors.h"
#include "platform/log/skip.h"
#include "platform/text/text.h"

namespace trialog {
namespace {

constexpr size_t kBatchBytes = 1 << 20;

}  // namespace

absl::Status EvolveRecord(const Domain& domain, const event::v1::Data& data, uint64_t record,
                          view::ChangeSet& changes) {
  std::vector<std::shared_ptr<const google::protobuf::Message>> bodies;
  for (int i = 0; i < data.events_size(); ++i) {
    if (!data.events(i).has_domain()) continue;  // A read or a refused access changes no state.
    std::shared_ptr<google::protobuf::Message> body(domain.event->New());
    if (!body->ParseFromString(data.events(i).domain()) || KindOf(*body) == nullptr) {
      return Refuse(absl::StatusCode::kFailedPrecondition, "UNKNOWN_EVENT",
                    Cat("the log of ", domain.service, " holds an event that this build does not know (command ",
                        UuidText(data.command_id()), ", event ", i, "); upgrade this service"));
    }
    bodies.push_back(std::move(body));
  }
  EvolveBodies(domain, data, bodies, record, changes);
  return absl::OkStatus();
}

void EvolveBodies(const Domain& domain, const event::v1::Data& data,
                  const std::vector<std::shared_ptr<const google::protobuf::Message>>& bodies, uint64_t record,
                  view::ChangeSet& changes) {
  size_t next = 0;
  for (int i = 0; i < data.events_size(); ++i) {
    if (!data.events(i).has_domain()) continue;
    changes.Begin({EventId(domain.service, data.organization(), data.command_id(), i), data.organization(),
                   data.caller(), data.record_time(), record});
    domain.evolve(changes, *bodies[next++]);
  }
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

namespace {

// Records folded together, not yet written.
struct Batch {
  Batch(std::unique_ptr<view::State> committed, int partition, event::v1::FoldState fold)
      : base(std::move(committed)),
        changes(base.get()),
        commit{.partition = partition, .fold = std::move(fold), .changes = &changes} {}
  std::unique_ptr<view::State> base;
  view::ChangeSet changes;
  view::Commit commit;
  std::vector<event::v1::LogRecord> parsed;
};

// The same for a record that was skipped: without its events.
absl::Status EvolveUnlessSkipped(Batch& batch, const Domain& domain, log::Log& log, const log::StoredRecord& stored,
                                 const event::v1::Data& data) {
  absl::Status evolved = EvolveRecord(domain, data, static_cast<uint64_t>(stored.offset), batch.changes);
  if (evolved.ok()) return evolved;
  const auto skipped =
      log::IsSkipped(log, std::string(domain.service), batch.commit.partition, batch.commit.fold, stored);
  if (!skipped.ok()) return skipped.status();
  return *skipped ? absl::OkStatus() : evolved;
}

absl::Status FoldInto(Batch& batch, const Domain& domain, log::Log& log, const std::vector<log::StoredRecord>& records,
                      const SeenRecord& seen, const FoldRules& rules) {
  batch.parsed.resize(records.size());
  for (size_t i = 0; i < records.size(); ++i) {
    const log::StoredRecord& stored = records[i];
    absl::StatusOr<event::v1::LogRecord> record =
        log::ParseUnlessSkipped(log, std::string(domain.service), batch.commit.partition, batch.commit.fold, stored);
    if (!record.ok()) return record.status();
    batch.parsed[i] = *std::move(record);
    const log::Verdict verdict = rules.admit(batch.commit.fold, batch.parsed[i], stored.bytes, stored.offset);
    if (seen) seen(stored, batch.parsed[i], verdict);
    if (verdict != log::Verdict::kAdmitted) continue;
    const event::v1::Data& data = batch.parsed[i].data();
    if (absl::Status evolved = EvolveUnlessSkipped(batch, domain, log, stored, data); !evolved.ok()) return evolved;
    NoteCause(data, batch.commit.fold);
    batch.commit.records.push_back({stored.offset, &data});
  }
  return absl::OkStatus();
}

// The next records of a partition, before `limit_offset`; none at the end.
absl::StatusOr<std::vector<log::StoredRecord>> ReadOn(log::Log& log, const Domain& domain, int partition, int64_t from,
                                                      int64_t limit_offset) {
  auto records = log.Read(std::string(domain.service), partition, from, kBatchBytes);
  if (!records.ok()) return records.status();
  while (!records->empty() && records->back().offset >= limit_offset) records->pop_back();
  return records;
}

// One write after the other, on an executor.
class Writer {
 public:
  Writer(view::Store& store, Executor& executor) : store_(store), executor_(executor) {}
  ~Writer() { Wait().IgnoreError(); }

  void Write(const view::Commit& commit) {
    const auto written = std::make_shared<std::promise<absl::Status>>();
    written_ = written->get_future();
    executor_.Post([this, written, &commit] {
      absl::Status health = store_.Health();
      written->set_value(health.ok() ? store_.Write(commit) : health);
    });
  }
  absl::Status Wait() { return written_.valid() ? written_.get() : absl::OkStatus(); }

 private:
  view::Store& store_;
  Executor& executor_;
  std::future<absl::Status> written_;
};

}  // namespace

absl::Status FoldRecords(const Domain& domain, view::Store& store, log::Log& log, int partition,
                         const std::vector<log::StoredRecord>& records, const SeenRecord& seen,
                         const FoldRules& rules) {
  if (records.empty()) return absl::OkStatus();
  Batch batch(store.StateForCommit(partition), partition, store.fold(partition));
  if (absl::Status folded = FoldInto(batch, domain, log, records, seen, rules); !folded.ok()) return folded;
  if (absl::Status health = store.Health(); !health.ok()) return health;
  return WriteCommit(store, batch.commit, rules);
}

absl::Status CatchUp(const Domain& domain, view::Store& store, log::Log& log, int partition, int64_t limit_offset,
                     const FoldRules& rules) {
  while (store.next_offset(partition) < limit_offset) {
    auto records = ReadOn(log, domain, partition, store.next_offset(partition), limit_offset);
    if (!records.ok()) return records.status();
    if (records->empty()) return absl::OkStatus();
    absl::Status folded = FoldRecords(domain, store, log, partition, *records, nullptr, rules);
    if (!folded.ok()) return folded;
  }
  return absl::OkStatus();
}

absl::Status CatchUpInParallel(const Domain& domain, view::Store& store, log::Log& log, int partition,
                               Executor& assistant) {
  std::unique_ptr<Batch> written;  // Or being written.
  Writer writer(store, assistant);
  while (true) {
    event::v1::FoldState fold = written ? written->commit.fold : store.fold(partition);
    auto records = ReadOn(log, domain, partition, fold.next_offset(), INT64_MAX);
    if (!records.ok()) return records.status();
    if (records->empty()) return writer.Wait();
    auto batch = std::make_unique<Batch>(store.StateForCommit(partition), partition, std::move(fold));
    if (written) batch->changes.Rebase(&written->changes);
    if (absl::Status folded = FoldInto(*batch, domain, log, *records, nullptr, {}); !folded.ok()) return folded;
    if (absl::Status status = writer.Wait(); !status.ok()) return status;
    batch->base = store.StateForCommit(partition);  // The former one may have been looked at before the write.
    batch->changes.Rebase(batch->base.get());
    const event::v1::FoldState stored = store.fold(partition);
    batch->commit.fold.set_requests(stored.requests());
    batch->commit.fold.set_remembered_from(stored.remembered_from());
    // Taking a batch apart costs as much as a part of the fold: on the writer's thread, which has less to do.
    assistant.Post([former = std::shared_ptr<Batch>(std::move(written))] {});
    written = std::move(batch);
    writer.Write(written->commit);
  }
}

bool IsPassing(const absl::Status& status) { return absl::IsUnavailable(status) || absl::IsResourceExhausted(status); }

}  // namespace trialog
