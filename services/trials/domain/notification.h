// Decisions of a user about own notices.
#pragma once

#include "absl/status/statusor.h"
#include "platform/command/decision.h"
#include "trialog/trials/v1/notification.pb.h"

namespace trialog::trials {

// The user has seen a notice; the first time counts.
absl::StatusOr<Decision> AcknowledgeNotification(const view::State& state, const Context& context,
                                                 const v1::AcknowledgeNotificationRequest& request);

// Sets the caller's preferences; the etag is required, "\"0\"" for the first time. Bad fields, bad mask.
absl::StatusOr<Decision> UpdatePreferences(const view::State& state, const Context& context,
                                           const v1::UpdatePreferencesRequest& request,
                                           const event::v1::SealedPart& sealed);

}  // namespace trialog::trials
