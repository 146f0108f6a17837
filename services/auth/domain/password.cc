#include "services/auth/domain/password.h"

#include <algorithm>
#include <utility>

#include "google/protobuf/util/time_util.h"
#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/auth/domain/lifecycle.h"
#include "services/auth/domain/session.h"
#include "services/auth/domain/tables.h"
#include "services/auth/domain/times.h"
#include "trialog/auth/v1/credential.pb.h"
#include "trialog/auth/v1/events.pb.h"

namespace trialog::auth {
namespace {

void AddUnlock(Decision& decision, std::string_view user) {
  v1::AuthEvent event;
  event.mutable_account_unlocked()->set_name(std::string(user));
  decision.Add(user, std::move(event));
}

void AddFailure(Decision& decision, const Context& context, std::string_view user,
                const v1::PasswordCredential& password) {
  const bool in_window =
      password.failures() > 0 && context.record_time < Later(password.first_failure_time(), kFailureWindow);
  const uint32_t failures = in_window ? password.failures() + 1 : 1;
  v1::AuthEvent event;
  event.mutable_login_failed()->set_name(std::string(user));
  event.mutable_login_failed()->set_failures(failures);
  decision.Add(user, std::move(event));
  if (failures < kMaxFailures) return;
  v1::AuthEvent lock;
  lock.mutable_account_locked()->set_name(std::string(user));
  *lock.mutable_account_locked()->mutable_lock_end_time() = Later(context.record_time, LockDuration(password.locks()));
  decision.Add(user, std::move(lock));
}

}  // namespace

absl::Duration LockDuration(uint32_t locks) {
  return std::min(kFirstLock * (int64_t{1} << std::min<uint32_t>(locks, 16)), kLongestLock);
}

absl::Status SignInRefused() {
  return Refuse(absl::StatusCode::kUnauthenticated, "SIGN_IN_FAILED",
                "no sign-in with this name and password; after many failed ones wait before the next");
}

absl::StatusOr<bool> JudgePassword(const view::State& state, const Context& context, std::string_view user,
                                   const PasswordCheck& check, Decision& decision) {
  auto account = state.Get<v1::User>(kUsers, user);
  auto credential = state.Get<v1::Credential>(kUserCredentials, CredentialName(user));
  if (!account || !credential || !credential->password().has_password_hash()) return SignInRefused();
  const v1::PasswordCredential& password = credential->password();
  const bool locked = account->state() == v1::User::STATE_LOCKED;
  if (!locked && account->state() != v1::User::STATE_ACTIVE) return SignInRefused();
  // Nothing is counted during a lock, so that guesses cannot fill the log.
  if (locked && context.record_time < password.lock_end_time()) return SignInRefused();
  if (check.generation != password.generation()) {
    return Refuse(absl::StatusCode::kAborted, "PASSWORD_CHANGED", "the password was changed meanwhile; try again");
  }
  if (locked) AddUnlock(decision, user);
  if (!check.right) AddFailure(decision, context, user, password);
  return check.right;
}

void AddPassword(Decision& decision, std::string_view user, const event::v1::Sealed& password_hash) {
  v1::AuthEvent event;
  event.mutable_password_set()->set_name(std::string(user));
  *event.mutable_password_set()->mutable_password_hash() = password_hash;
  decision.Add(user, std::move(event));
}

absl::StatusOr<Decision> ChangePassword(const view::State& state, const Context& context,
                                        const ChangePasswordInput& input) {
  const std::string& user = context.principal.user();
  if (OrganizationOf(user) != context.organization || !NameMatches(kUsers.pattern, user)) return SignInRefused();
  Decision decision;
  const auto right = JudgePassword(state, context, user, input.current, decision);
  if (!right.ok()) return right.status();
  if (!*right) return decision;
  AddPassword(decision, user, input.new_hash);
  EndSessions(state, user, v1::Session::END_REASON_PASSWORD_CHANGED,
              SessionName(user, context.principal.caller.session()), decision);
  decision.names = {user};
  return decision;
}

}  // namespace trialog::auth
