#include "services/auth/domain/sign_up.h"

#include <utility>

#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/auth/domain/account.h"
#include "services/auth/domain/grant.h"
#include "services/auth/domain/invitation.h"
#include "services/auth/domain/lifecycle.h"
#include "services/auth/domain/tables.h"
#include "services/auth/domain/times.h"
#include "trialog/auth/v1/events.pb.h"
#include "trialog/auth/v1/organization.pb.h"

namespace trialog::auth {
namespace {

// What the new account may do, in the form of an invitation.
v1::Invitation OpenInvitation(const Context& context) {
  v1::Invitation invitation;
  auto& role = *invitation.add_roles();
  role.set_role(ROLE_PARTICIPANT);
  role.set_scope(OrganizationName(context.organization));
  return invitation;
}

absl::StatusOr<v1::Invitation> FindInvitation(const view::State& state, const Context& context,
                                              const event::v1::SealedPart& sealed, const SignUpInput& input) {
  auto organization = state.Get<v1::Organization>(kOrganizations, OrganizationName(context.organization));
  if (organization && !input.invitation.empty()) {
    auto invitation = UsableInvitation(state, context, input.invitation, input.invitation_token_sha256, sealed);
    if (!invitation.ok()) return invitation.status();
    return **invitation;
  }
  if (organization && organization->open_sign_up()) return OpenInvitation(context);
  return SignUpClosed();
}

// Adds UserActivated for the invited account, or UserCreated for a new one; gives the account as it was or will be.
absl::StatusOr<v1::User> MakeOrClaim(const view::State& state, const Context& context, const v1::SignUpRequest& request,
                                     const event::v1::SealedPart& sealed, const v1::Invitation& invitation,
                                     Decision& decision) {
  if (invitation.user().empty()) {
    auto user = NewUser(state, context, request.user_id(), v1::User::STATE_ACTIVE, sealed);
    if (user.ok()) AddUser(decision, *user, sealed);
    return user;
  }
  if (IdOf(invitation.user()) != request.user_id()) {
    return BadField("user_id", "USER_NOT_INVITED", "the invitation is for another account");
  }
  const view::RowPtr row = state.Find(kUsers, invitation.user());
  if (!row || !MayMove(row->As<v1::User>().state(), v1::User::STATE_ACTIVE) ||
      row->As<v1::User>().state() != v1::User::STATE_INVITED) {
    return BrokenRule("INVITATION_USED", invitation.name(), "ask an administrator for another invitation");
  }
  if (!HasIdentifier(MergeSealed(row->sealed, sealed))) {
    return BadField("user", "IDENTIFIER_REQUIRED", "give a user name or an e-mail address");
  }
  absl::Status unique = CheckIdentifiers(state, context.organization, invitation.user(), sealed);
  if (!unique.ok()) return unique;
  v1::AuthEvent event;
  event.mutable_user_activated()->set_name(invitation.user());
  *event.mutable_user_activated()->mutable_sealed() = sealed;
  decision.Add(invitation.user(), std::move(event));
  return row->As<v1::User>();
}

// Adds the grants that the invitation gives and that have not ended while it waited.
absl::Status GrantInvited(const view::State& state, const Context& context, const std::string& user,
                          const v1::Invitation& invitation, Decision& decision) {
  int n = 1;  // NewId(0) is the user's, 1 … the grants'.
  for (const v1::InvitedRole& role : invitation.roles()) {
    if (role.has_end_time() && role.end_time() <= context.record_time) continue;
    if (absl::Status has_room = CheckRoom(state, user, role.role(), invitation.roles_size()); !has_room.ok())
      return has_room;
    v1::Grant grant;
    grant.set_uid(context.NewId(n++));
    grant.set_name(Cat(user, "/grants/", grant.uid()));
    grant.set_role(role.role());
    grant.set_scope(role.scope());
    *grant.mutable_start_time() = context.record_time;
    if (role.has_end_time()) *grant.mutable_end_time() = role.end_time();
    grant.set_grantor(invitation.creator());
    AddGrant(decision, std::move(grant));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status SignUpClosed() {
  return Denied("SIGN_UP_CLOSED", "ask an administrator of the organisation for an invitation");
}

absl::StatusOr<Decision> SignUp(const view::State& state, const Context& context, const v1::SignUpRequest& request,
                                const event::v1::SealedPart& sealed, const SignUpInput& input) {
  const auto invitation = FindInvitation(state, context, sealed, input);
  if (!invitation.ok()) return invitation.status();
  Decision decision;
  const auto user = MakeOrClaim(state, context, request, sealed, *invitation, decision);
  if (!user.ok()) return user.status();
  const std::string& name = user->name();
  if (!invitation->name().empty()) {
    v1::AuthEvent used;
    used.mutable_invitation_used()->set_name(invitation->name());
    used.mutable_invitation_used()->set_user(name);
    decision.Add(invitation->name(), std::move(used));
  }
  AddPassword(decision, name, input.password_hash);
  if (!invitation->patient().empty() && user->patient() != invitation->patient()) {
    absl::Status fits = CheckLink(state, *user, invitation->patient(), context.organization);
    if (!fits.ok()) return fits;
    AddLink(decision, name, invitation->patient());
  }
  if (absl::Status granted = GrantInvited(state, context, name, *invitation, decision); !granted.ok()) return granted;
  const std::string session =
      BeginSession(state, context, name, context.NewId(1 + kMaxInvitedRoles), input.secrets, decision);
  decision.names = {session, name};
  return decision;
}

}  // namespace trialog::auth
