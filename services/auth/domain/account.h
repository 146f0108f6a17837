// People's accounts: made, changed, linked to a patient, closed.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "platform/command/decision.h"
#include "trialog/auth/v1/user.pb.h"

namespace trialog::auth {

// OK when the look-up keys in `sealed` (user name, e-mail) are no other account's in the organisation; `user` is who
// may hold them already. ALREADY_EXISTS with reason IDENTIFIER_TAKEN: one reason for both, so that it does not tell
// which.
absl::Status CheckIdentifiers(const view::State& state, std::string_view organization_id, std::string_view user,
                              const event::v1::SealedPart& sealed);

// Whether the part holds a user name or an e-mail address to sign in with.
bool HasIdentifier(const event::v1::SealedPart& sealed);

// A new account as it stands in its event. INVALID_ARGUMENT with reason ID_MALFORMED or IDENTIFIER_REQUIRED,
// ALREADY_EXISTS with reason USER_EXISTS or IDENTIFIER_TAKEN.
absl::StatusOr<v1::User> NewUser(const view::State& state, const Context& context, std::string_view user_id,
                                 v1::User::State user_state, const event::v1::SealedPart& sealed);

// Adds UserCreated, UserLinked.
void AddUser(Decision& decision, v1::User user, const event::v1::SealedPart& sealed);
void AddLink(Decision& decision, std::string_view user, std::string_view patient);

// OK when `patient` may become the user's: a patient of the organisation (PATIENT_MALFORMED), no one else's
// (PATIENT_LINKED), and the user no other patient (USER_LINKED). Whether the patient exists is not auth's to know: such
// a link shows nothing.
absl::Status CheckLink(const view::State& state, const v1::User& user, std::string_view patient,
                       std::string_view organization_id);

// By an administrator: an account without password.
absl::StatusOr<Decision> CreateUser(const view::State& state, const Context& context,
                                    const v1::CreateUserRequest& request, const event::v1::SealedPart& sealed);

// By the user or an administrator; `sealed` holds what the mask names. Also refused: the last identifier removed
// (IDENTIFIER_REQUIRED), a closed account (ACCOUNT_DISABLED).
absl::StatusOr<Decision> UpdateUser(const view::State& state, const Context& context,
                                    const v1::UpdateUserRequest& request, const event::v1::SealedPart& sealed);

// By an administrator; once. Linking to the same patient again changes nothing.
absl::StatusOr<Decision> LinkUser(const view::State& state, const Context& context, const v1::LinkUserRequest& request,
                                  const event::v1::SealedPart& sealed);

// By an administrator: closes the account and ends its sessions. A locked one is unlocked first, so that only legal
// moves are made. Refuses oneself (SELF_DEACTIVATION) and the last administrator (LAST_ADMINISTRATOR).
absl::StatusOr<Decision> DeactivateUser(const view::State& state, const Context& context,
                                        const v1::DeactivateUserRequest& request, const event::v1::SealedPart& sealed);

}  // namespace trialog::auth
