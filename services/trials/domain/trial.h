// Decisions about trials: their plan, their life and their news.
#pragma once

#include "absl/status/statusor.h"
#include "platform/command/decision.h"
#include "trialog/event/v1/sealed.pb.h"
#include "trialog/trials/v1/trial.pb.h"

namespace trialog::trials {

// By trial researchers of the organization.
absl::StatusOr<Decision> CreateTrial(const view::State& state, const Context& context,
                                     const v1::CreateTrialRequest& request, const event::v1::SealedPart& sealed);

// By those who run it. The plan changes only as a draft; researchers and end_date until the trial is locked, but not
// while it is in review. The etag is required.
absl::StatusOr<Decision> UpdateTrial(const view::State& state, const Context& context,
                                     const v1::UpdateTrialRequest& request, const event::v1::SealedPart& sealed);

// By those who run the trial, to those who take part.
absl::StatusOr<Decision> PublishTrialEvent(const view::State& state, const Context& context,
                                           const v1::PublishTrialEventRequest& request,
                                           const event::v1::SealedPart& sealed);

// By those who take part. Nothing changes when it is already so.
absl::StatusOr<Decision> AcknowledgeTrialEvent(const view::State& state, const Context& context,
                                               const v1::AcknowledgeTrialEventRequest& request,
                                               const event::v1::SealedPart& sealed);

}  // namespace trialog::trials
