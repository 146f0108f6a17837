// Folds audit's own log into its store: where a Sequenced stands, the admitted records of that range become the next
// leaves; where a CheckpointSigned stands, its root must be the tree's. So the tree is a function of the logs alone.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "platform/log/admission.h"
#include "platform/log/log.h"
#include "platform/sealing/secret_key.h"
#include "services/audit/views/audit_store.h"
#include "trialog/audit/v1/events.pb.h"

namespace trialog::audit {

// Name of audit's topic, and its one partition.
inline constexpr std::string_view kOwnLog = "audit";
inline constexpr int kOwnPartition = 0;
// Reason of CatchUp.
inline constexpr std::string_view kSourceEndsEarly = "SOURCE_ENDS_EARLY";

// For one thread.
class AuditFold {
 public:
  static constexpr size_t kCommitBytes = 4 << 20;

  // All outlive the fold, `writer` the store as well. What was folded is committed when it is longer than
  // `commit_bytes`, and at the end. With a writer, on a thread of its own, the fold goes on meanwhile.
  AuditFold(log::Log& log, AuditStore& store, sealing::SecretKey salt_key, size_t commit_bytes = kCommitBytes,
            Executor* writer = nullptr)
      : log_(log), store_(store), salt_key_(std::move(salt_key)), commit_bytes_(commit_bytes), writer_(writer) {}

  // Folds to the end of audit's own log, in bounded batches. After an error a second try is refused with the same error
  // until Restart.
  // - UNAVAILABLE, RESOURCE_EXHAUSTED: a log or the store's disk does not answer just now (IsPassing); or
  //   SOURCE_ENDS_EARLY: a sequenced record is not in its log, as a broker says that may not know yet that it leads no
  //   more.
  // - DATA_LOSS: CHECKPOINT_CONFLICT (a signed root is not the tree's: the logs are not those that were signed),
  //   SEQUENCE_GAP, or damage in a log.
  // - FAILED_PRECONDITION UNKNOWN_EVENT or UNKNOWN_SOURCE: upgrade audit before it goes on.
  absl::Status CatchUp();

  // After an error that may pass: fold and store go back to what is committed, for another CatchUp. Its errors are
  // those of AuditStore::Restart, and count like CatchUp's.
  absl::Status Restart();

  // First offset of a partition that is not in the tree.
  absl::StatusOr<int64_t> NextOf(std::string_view source, int partition);

 private:
  absl::Status FoldOwnLog();
  absl::Status FoldOwn(const log::StoredRecord& stored);
  absl::StatusOr<event::v1::LogRecord> Parse(const std::string& source, int partition,
                                             const event::v1::FoldState& before, const log::StoredRecord& stored);
  absl::Status Take(const v1::Sequenced& range);
  absl::Status Check(const v1::CheckpointSigned& signed_state, const google::protobuf::Timestamp& time);
  // Root of the first `size` leaves.
  absl::StatusOr<std::string> RootOf(uint64_t size);
  // Appends the record's entries. FAILED_PRECONDITION UNKNOWN_EVENT.
  absl::Status AppendEntries(std::string_view source, int partition, const log::StoredRecord& stored,
                             const event::v1::Data& data, std::string_view record_hash);
  // Commits when there is much to commit.
  absl::Status CommitWhenLong();
  // The fold state of a partition, read from the store once.
  absl::StatusOr<event::v1::FoldState*> StateOf(std::string_view source, int partition);

  log::Log& log_;
  AuditStore& store_;
  const sealing::SecretKey salt_key_;
  const size_t commit_bytes_;
  Executor* const writer_;
  std::map<std::pair<std::string, int>, event::v1::FoldState> folds_;
  absl::Status failure_;
};

}  // namespace trialog::audit
