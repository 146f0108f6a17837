// Invitations: made by administrators, used once.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/command/decision.h"
#include "trialog/auth/v1/invitation.pb.h"
#include "trialog/auth/v1/organization.pb.h"

namespace trialog::auth {

// How long an invitation lasts when nothing is said, and at most.
inline constexpr absl::Duration kInvitationLifetime = absl::Hours(24 * 7);
inline constexpr absl::Duration kLongestInvitation = absl::Hours(24 * 30);
// Roles one invitation may give.
inline constexpr int kMaxInvitedRoles = 16;

// By an administrator. `sealed` holds the e-mail address it is bound to, if any, with its look-up key.
absl::StatusOr<Decision> CreateInvitation(const view::State& state, const Context& context,
                                          const v1::CreateInvitationRequest& request,
                                          const event::v1::SealedPart& sealed, std::string_view token_sha256);

// PERMISSION_DENIED, reason INVITATION_INVALID: one answer to every token that is not an invitation's.
absl::Status InvitationInvalid();

// The invitation a token names, when it can be used now by someone with the identifiers in `sealed`. One without the
// right token learns nothing (INVITATION_INVALID); with it, that it is used (INVITATION_USED) or too late
// (INVITATION_EXPIRED). Another e-mail address than the one it is bound to: INVITATION_INVALID.
absl::StatusOr<std::shared_ptr<const v1::Invitation>> UsableInvitation(const view::State& state, const Context& context,
                                                                       std::string_view name,
                                                                       std::string_view token_sha256,
                                                                       const event::v1::SealedPart& sealed);

}  // namespace trialog::auth
