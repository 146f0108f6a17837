#include "services/auth/domain/session.h"

#include <algorithm>
#include <utility>

#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/auth/domain/access.h"
#include "services/auth/domain/lifecycle.h"
#include "services/auth/domain/tables.h"
#include "services/auth/domain/times.h"
#include "trialog/auth/v1/credential.pb.h"
#include "trialog/auth/v1/events.pb.h"
#include "trialog/auth/v1/organization.pb.h"

namespace trialog::auth {
namespace {

using google::protobuf::Timestamp;

// The ends that the organisation's settings give a session that begins at `begin` and is used at `now`.
struct Ends {
  Timestamp expire;
  Timestamp idle;
};

Timestamp IdleEnd(const v1::Organization* settings, const Timestamp& now, const Timestamp& expire) {
  const Timestamp idle = settings && settings->has_session_idle_timeout() ? now + settings->session_idle_timeout()
                                                                          : Later(now, kSessionIdleTimeout);
  return std::min(idle, expire);
}

Ends EndsOf(const v1::Organization* settings, const Timestamp& now) {
  Ends ends;
  ends.expire =
      settings && settings->has_session_lifetime() ? now + settings->session_lifetime() : Later(now, kSessionLifetime);
  ends.idle = IdleEnd(settings, now, ends.expire);
  return ends;
}

std::shared_ptr<const v1::Organization> SettingsOf(const view::State& state, std::string_view organization_id) {
  return state.Get<v1::Organization>(kOrganizations, OrganizationName(organization_id));
}

void AddEnd(Decision& decision, std::string_view session, v1::Session::EndReason reason) {
  v1::AuthEvent event;
  event.mutable_session_revoked()->set_name(std::string(session));
  event.mutable_session_revoked()->set_reason(reason);
  decision.Add(session, std::move(event));
}

bool MayGoOn(const v1::User* user) {
  // A lock is against guessed passwords; whoever guesses must not be able to sign the owner out.
  return user && (user->state() == v1::User::STATE_ACTIVE || user->state() == v1::User::STATE_LOCKED);
}

Decision End(const v1::Session& session, v1::Session::EndReason reason) {
  Decision decision;
  decision.names = {session.name()};
  if (MayMove(session.state(), v1::Session::STATE_ENDED)) AddEnd(decision, session.name(), reason);
  return decision;
}

}  // namespace

absl::Status SessionEnded() { return Refuse(absl::StatusCode::kUnauthenticated, "SESSION_ENDED", "sign in again"); }

std::string SessionName(std::string_view user, std::string_view session_id) {
  return Cat(user, "/sessions/", session_id);
}

bool IsAlive(const v1::Session& session, const Timestamp& time) {
  return session.state() == v1::Session::STATE_ACTIVE && time < session.expire_time() &&
         time < session.idle_expire_time();
}

std::string BeginSession(const view::State& state, const Context& context, std::string_view user,
                         std::string_view session_id, const RefreshSecrets& secrets, Decision& decision) {
  const auto active = state.Scan(kActiveSessions, view::GroupPrefix(user), kMaxSessions);
  if (active.size() >= static_cast<size_t>(kMaxSessions)) {
    AddEnd(decision, active.front().name, v1::Session::END_REASON_SUPERSEDED);
  }
  const Ends ends = EndsOf(SettingsOf(state, context.organization).get(), context.record_time);
  v1::AuthEvent event;
  auto& started = *event.mutable_session_started();
  v1::Session& session = *started.mutable_session();
  session.set_name(SessionName(user, session_id));
  session.set_uid(std::string(session_id));
  session.set_state(v1::Session::STATE_ACTIVE);
  *session.mutable_expire_time() = ends.expire;
  *session.mutable_idle_expire_time() = ends.idle;
  started.set_family_sha256(secrets.family_sha256);
  started.set_token_sha256(secrets.token_sha256);
  const std::string name = session.name();
  decision.Add(name, std::move(event));
  return name;
}

void EndSessions(const view::State& state, std::string_view user, v1::Session::EndReason reason,
                 std::string_view except, Decision& decision) {
  for (const auto& found : state.Scan(kActiveSessions, view::GroupPrefix(user), kMaxSessions)) {
    if (found.name != except) AddEnd(decision, found.name, reason);
  }
}

absl::StatusOr<Decision> Login(const view::State& state, const Context& context, const LoginInput& input) {
  if (OrganizationOf(input.user) != context.organization) return SignInRefused();
  Decision decision;
  const auto right = JudgePassword(state, context, input.user, input.password, decision);
  if (!right.ok()) return right.status();
  if (!*right) return decision;
  const std::string session = BeginSession(state, context, input.user, context.NewId(), input.secrets, decision);
  decision.names = {session, input.user};
  return decision;
}

absl::StatusOr<Decision> RefreshToken(const view::State& state, const Context& context, const RefreshInput& input) {
  if (OrganizationOf(input.session) != context.organization) return SessionEnded();
  auto session = state.Get<v1::Session>(kSessions, input.session);
  auto credential = state.Get<v1::Credential>(kSessionCredentials, CredentialName(input.session));
  if (!session || !credential || credential->refresh().family_sha256() != input.presented.family_sha256) {
    return SessionEnded();
  }
  const std::string user(ParentOf(input.session));
  if (!IsAlive(*session, context.record_time) || !MayGoOn(state.Get<v1::User>(kUsers, user).get())) {
    return SessionEnded();
  }
  Decision decision;
  if (credential->refresh().token_sha256() != input.presented.token_sha256) {
    AddEnd(decision, input.session, v1::Session::END_REASON_REUSE);
    return decision;
  }
  v1::AuthEvent event;
  auto& refreshed = *event.mutable_session_refreshed();
  refreshed.set_name(input.session);
  refreshed.set_token_sha256(input.next_token_sha256);
  *refreshed.mutable_idle_expire_time() =
      IdleEnd(SettingsOf(state, context.organization).get(), context.record_time, session->expire_time());
  decision.Add(input.session, std::move(event));
  decision.names = {input.session, user};
  return decision;
}

absl::StatusOr<Decision> Logout(const view::State& state, const Context& context) {
  const std::string name = SessionName(context.principal.user(), context.principal.caller.session());
  auto session = OrganizationOf(name) == context.organization ? state.Get<v1::Session>(kSessions, name) : nullptr;
  if (!session) {
    return BrokenRule("NO_SESSION", context.principal.user(), "only a user who signed in can sign out");
  }
  return End(*session, v1::Session::END_REASON_LOGOUT);
}

absl::StatusOr<Decision> RevokeSession(const view::State& state, const Context& context,
                                       const v1::RevokeSessionRequest& request) {
  const view::RowPtr row =
      OrganizationOf(request.name()) == context.organization ? state.Find(kSessions, request.name()) : nullptr;
  if (!row || !MaySee(context.principal, state, kSessions, request.name(), *row)) {
    return NotVisible(row != nullptr, "session");
  }
  return End(row->As<v1::Session>(), v1::Session::END_REASON_REVOKED);
}

}  // namespace trialog::auth
