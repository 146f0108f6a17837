// Audit's own choices: which records come next in the tree, and which states of it are signed. They are events of
// audit's own log, written before they take effect, so that every replica and every rebuild makes the same tree.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "platform/command/decision.h"
#include "trialog/audit/v1/events.pb.h"

namespace trialog::audit {

// Table ids are part of the stored format.
// sources/{service}/partitions/{number}: the latest range of each partition.
extern const view::Table kSequencedRanges;
// checkpoints/latest: the latest signed state.
extern const view::Table kCheckpoints;

inline constexpr std::string_view kLatestCheckpoint = "checkpoints/latest";
std::string RangeName(std::string_view source, int partition);

// First offset of a partition that has no place in the tree yet.
int64_t NextToSequence(const view::State& state, std::string_view source, int partition);

// Gives the ranges the next places, in their order. FAILED_PRECONDITION, reason NOT_NEXT, unless each begins where its
// partition's last one ended, and is not empty: another replica was first.
absl::StatusOr<Decision> Sequence(const view::State& state, const Context& context,
                                  const std::vector<v1::Sequenced>& ranges);

// FAILED_PRECONDITION, reason ALREADY_SIGNED, unless the size is larger than every signed one: no size has two roots.
absl::StatusOr<Decision> SignCheckpoint(const view::State& state, const Context& context,
                                        const v1::CheckpointSigned& checkpoint);

// Audit as the platform needs to know it. Its topic has one partition.
const Domain& AuditDomain();

}  // namespace trialog::audit
