// Signing up: by invitation, or freely where the organisation allows it.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "platform/command/decision.h"
#include "services/auth/domain/session.h"
#include "trialog/auth/v1/auth.pb.h"

namespace trialog::auth {

// What the handler made of the request's secrets.
struct SignUpInput {
  std::string invitation;               // Name in the invitation token; empty for open sign-up.
  std::string invitation_token_sha256;  // Of its secret.
  event::v1::Sealed password_hash;      // Argon2id string, sealed under the new user's data key.
  RefreshSecrets secrets;
};

// PERMISSION_DENIED, reason SIGN_UP_CLOSED: an invitation is needed, or there is no such organisation.
absl::Status SignUpClosed();

// Makes the account (or claims the invited one: then request.user_id is that one's id), sets its password, grants the
// invitation's roles or, on open sign-up, PARTICIPANT and nothing else, links the patient, and begins a session: all in
// one record, so that of many who race with one invitation one wins. names = {session, user}.
// Refuses: SIGN_UP_CLOSED (no invitation where one is needed, or no such organisation), INVITATION_INVALID,
// INVITATION_USED, INVITATION_EXPIRED, what NewUser, CheckIdentifiers, CheckLink and CheckRoom refuse.
absl::StatusOr<Decision> SignUp(const view::State& state, const Context& context, const v1::SignUpRequest& request,
                                const event::v1::SealedPart& sealed, const SignUpInput& input);

}  // namespace trialog::auth
