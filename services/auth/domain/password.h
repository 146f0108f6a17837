// What a right or wrong password does to an account: the count of wrong ones, locks that grow, new passwords.
//
// The password itself is checked outside (Argon2id takes tens of milliseconds): a decision gets the verdict and the
// generation of the hash it was reached against.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/command/decision.h"
#include "trialog/event/v1/sealed.pb.h"

namespace trialog::auth {

// Wrong passwords in a row, each within the window from the first, that lock the account.
inline constexpr uint32_t kMaxFailures = 10;
inline constexpr absl::Duration kFailureWindow = absl::Hours(1);
// The first lock; each further one without a sign-in between lasts twice as long, up to the longest.
inline constexpr absl::Duration kFirstLock = absl::Minutes(15);
inline constexpr absl::Duration kLongestLock = absl::Hours(24);

// How long the next lock lasts after `locks` in a row.
absl::Duration LockDuration(uint32_t locks);

// The verdict on a password.
struct PasswordCheck {
  bool right = false;
  uint64_t generation = 0;  // SignInCandidate::generation of what it was checked against.
};

// One answer to everything that is wrong with a sign-in: UNAUTHENTICATED, reason SIGN_IN_FAILED.
absl::Status SignInRefused();

// Adds what the verdict brings about (LoginFailed, AccountLocked, AccountUnlocked) and says whether the password counts
// as right. Refuses with SIGN_IN_FAILED an account that cannot sign in now (unknown, invited, closed, locked), and with
// ABORTED, reason PASSWORD_CHANGED, a verdict on a former password.
absl::StatusOr<bool> JudgePassword(const view::State& state, const Context& context, std::string_view user,
                                   const PasswordCheck& check, Decision& decision);

// Adds PasswordSet.
void AddPassword(Decision& decision, std::string_view user, const event::v1::Sealed& password_hash);

// By the user, who is signed in. Ends their other sessions. A wrong present password counts as a failed sign-in: the
// decision then has no names, and the handler answers SignInRefused().
struct ChangePasswordInput {
  PasswordCheck current;
  event::v1::Sealed new_hash;
};
absl::StatusOr<Decision> ChangePassword(const view::State& state, const Context& context,
                                        const ChangePasswordInput& input);

}  // namespace trialog::auth
