// Decisions about analyses: what people ask, what the worker reports, what custodians decide.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "platform/command/decision.h"
#include "services/analytics/statistics/differencing.h"
#include "trialog/analytics/v1/analysis.pb.h"

namespace trialog::analytics {

// A worker lost this often ends the analysis.
inline constexpr int kMaxAttempts = 3;

// Asks; the analysis waits in QUEUED at once.
absl::StatusOr<Decision> RequestAnalysis(const view::State& state, const Context& context,
                                         const v1::RequestAnalysisRequest& request);
// Its requester, until it is computed.
absl::StatusOr<Decision> CancelAnalysis(const view::State& state, const Context& context,
                                        const v1::CancelAnalysisRequest& request);
// A custodian other than the requester; refused with OWN_RESULT, or DIFFERENCING when the ledger does not allow it.
absl::StatusOr<Decision> ReleaseAnalysis(const view::State& state, const Context& context,
                                         const v1::ReleaseAnalysisRequest& request);
// `sealed` holds the reason (Analysis.state_reason).
absl::StatusOr<Decision> WithholdAnalysis(const view::State& state, const Context& context,
                                          const v1::WithholdAnalysisRequest& request,
                                          const event::v1::SealedPart& sealed);

// The worker's reports; only by the service itself (Principal::internal).
absl::StatusOr<Decision> StartAnalysis(const view::State& state, const Context& context, const std::string& name);
// `sealed` holds Analysis.result. With policy AUTO it is released in the same record, or withheld with failure_reason
// DIFFERENCING when the ledger does not allow it.
absl::StatusOr<Decision> CompleteAnalysis(const view::State& state, const Context& context, const std::string& name,
                                          const std::vector<RowNumbers>& released_sets,
                                          const event::v1::SealedPart& sealed);
// `reason` in UPPER_SNAKE_CASE.
absl::StatusOr<Decision> FailAnalysis(const view::State& state, const Context& context, const std::string& name,
                                      const std::string& reason);
// Its worker was lost: back to QUEUED, or FAILED after kMaxAttempts.
absl::StatusOr<Decision> RequeueAnalysis(const view::State& state, const Context& context, const std::string& name);

}  // namespace trialog::analytics
