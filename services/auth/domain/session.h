// Sessions: begun by Login and SignUp, kept alive by rotating refresh tokens, ended once.
//
// A refresh token holds the session's name, a secret that all tokens of the session share (the family) and one of its
// own. A token of the family that is not the current one has been spent before: someone holds a copy, and the session
// ends (RFC 9700 section 4.14.2). A token of no family proves nothing and ends nothing.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/command/decision.h"
#include "services/auth/domain/password.h"
#include "trialog/auth/v1/auth.pb.h"

namespace trialog::auth {

// What an organisation has when it sets nothing.
inline constexpr absl::Duration kSessionLifetime = absl::Hours(24 * 30);
inline constexpr absl::Duration kSessionIdleTimeout = absl::Hours(24 * 7);
// Sessions a user may have; the oldest ends when another begins.
inline constexpr int kMaxSessions = 32;

// SHA-256 (32 bytes each) of the secrets of a refresh token.
struct RefreshSecrets {
  std::string family_sha256;
  std::string token_sha256;
};

// UNAUTHENTICATED, reason SESSION_ENDED: one answer to every refresh token that does not count.
absl::Status SessionEnded();

// users/{u} and a session's id → its name.
std::string SessionName(std::string_view user, std::string_view session_id);

// Whether the session may still be refreshed at `time`.
bool IsAlive(const v1::Session& session, const google::protobuf::Timestamp& time);

// Adds SessionStarted, and the end of the oldest when there are too many; gives the session's name.
std::string BeginSession(const view::State& state, const Context& context, std::string_view user,
                         std::string_view session_id, const RefreshSecrets& secrets, Decision& decision);

// Adds SessionRevoked for each ACTIVE session of the user but `except` (a name; may be empty).
void EndSessions(const view::State& state, std::string_view user, v1::Session::EndReason reason,
                 std::string_view except, Decision& decision);

// names = {session, user} when the caller is in; no names when the password was wrong: that attempt is counted, and the
// handler answers SignInRefused(), as it does when no account was found at all.
struct LoginInput {
  std::string user;  // From FindByIdentifier.
  PasswordCheck password;
  RefreshSecrets secrets;
};
absl::StatusOr<Decision> Login(const view::State& state, const Context& context, const LoginInput& input);

// names = {session, user} when the token counted and `next_token_sha256` is current now; no names when a spent token
// ended the session: the handler answers SessionEnded().
struct RefreshInput {
  std::string session;       // Name in the token.
  RefreshSecrets presented;  // Secrets in the token.
  std::string next_token_sha256;
};
absl::StatusOr<Decision> RefreshToken(const view::State& state, const Context& context, const RefreshInput& input);

// Ends the caller's own session; again changes nothing.
absl::StatusOr<Decision> Logout(const view::State& state, const Context& context);

// By the user or an administrator; again changes nothing.
absl::StatusOr<Decision> RevokeSession(const view::State& state, const Context& context,
                                       const v1::RevokeSessionRequest& request);

}  // namespace trialog::auth
