// Decisions about researchers' profiles.
#pragma once

#include "absl/status/statusor.h"
#include "platform/command/decision.h"
#include "trialog/event/v1/sealed.pb.h"
#include "trialog/trials/v1/researcher.pb.h"

namespace trialog::trials {

// One's own, as a trial researcher: NOT_YOUR_PROFILE. ALREADY_EXISTS: RESEARCHER_EXISTS.
absl::StatusOr<Decision> CreateResearcher(const view::State& state, const Context& context,
                                          const v1::CreateResearcherRequest& request,
                                          const event::v1::SealedPart& sealed);

// The same caller. The etag is required.
absl::StatusOr<Decision> UpdateResearcher(const view::State& state, const Context& context,
                                          const v1::UpdateResearcherRequest& request,
                                          const event::v1::SealedPart& sealed);

}  // namespace trialog::trials
