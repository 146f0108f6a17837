// Decisions about cohorts.
#pragma once

#include "absl/status/statusor.h"
#include "platform/command/decision.h"
#include "trialog/analytics/v1/cohort.pb.h"

namespace trialog::analytics {

absl::StatusOr<Decision> CreateCohort(const view::State& state, const Context& context,
                                      const v1::CreateCohortRequest& request);
absl::StatusOr<Decision> UpdateCohort(const view::State& state, const Context& context,
                                      const v1::UpdateCohortRequest& request);
// `sealed` holds the members that SelectCohort found for the cohort's revision `revision`, which the caller read
// before: ABORTED when it changed since.
absl::StatusOr<Decision> FreezeCohort(const view::State& state, const Context& context,
                                      const v1::FreezeCohortRequest& request, const event::v1::SealedPart& sealed,
                                      int revision);
absl::StatusOr<Decision> RetireCohort(const view::State& state, const Context& context,
                                      const v1::RetireCohortRequest& request);

}  // namespace trialog::analytics
