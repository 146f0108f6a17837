#include "services/auth/domain/invitation.h"

#include <algorithm>
#include <utility>

#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/auth/domain/access.h"
#include "services/auth/domain/account.h"
#include "services/auth/domain/grant.h"
#include "services/auth/domain/lifecycle.h"
#include "services/auth/domain/tables.h"
#include "services/auth/domain/times.h"
#include "trialog/auth/v1/credential.pb.h"
#include "trialog/auth/v1/events.pb.h"

namespace trialog::auth {
namespace {

std::string_view EmailMac(const event::v1::SealedPart& sealed) {
  for (const auto& key : sealed.keys()) {
    if (key.index() == kEmailLookup) return key.mac();
  }
  return {};
}

absl::Status CopyRoles(const Context& context, const v1::Invitation& asked, v1::Invitation& invitation) {
  if (asked.roles_size() > kMaxInvitedRoles) {
    return BadField("invitation.roles", "TOO_MANY_ROLES", Cat("at most ", kMaxInvitedRoles));
  }
  for (const v1::InvitedRole& role : asked.roles()) {
    v1::InvitedRole copy = role;
    if (copy.scope().empty()) copy.set_scope(OrganizationName(context.organization));
    absl::Status fits = CheckRole(context.organization, false, copy.role(), copy.scope(), "invitation.roles");
    if (!fits.ok()) return fits;
    if (copy.has_end_time() && copy.end_time() <= context.record_time) {
      return BadField("invitation.roles.end_time", "TIMES_INVALID", "must lie in the future");
    }
    const bool twice = std::any_of(invitation.roles().begin(), invitation.roles().end(), [&](const auto& other) {
      return other.role() == copy.role() && other.scope() == copy.scope();
    });
    if (twice) return BadField("invitation.roles", "ROLE_TWICE", "name each role of a scope once");
    *invitation.add_roles() = std::move(copy);
  }
  return absl::OkStatus();
}

absl::Status CopyExpiry(const Context& context, const v1::Invitation& asked, v1::Invitation& invitation) {
  *invitation.mutable_expire_time() =
      asked.has_expire_time() ? asked.expire_time() : Later(context.record_time, kInvitationLifetime);
  if (invitation.expire_time() <= context.record_time ||
      Later(context.record_time, kLongestInvitation) < invitation.expire_time()) {
    return BadField("invitation.expire_time", "TIMES_INVALID", "must lie within the next 30 days");
  }
  return absl::OkStatus();
}

absl::Status CopyBinding(const view::State& state, const Context& context, const v1::Invitation& asked,
                         v1::Invitation& invitation) {
  v1::User user;  // Of an account that is yet to be made.
  if (!asked.user().empty()) {
    auto invited =
        OrganizationOf(asked.user()) == context.organization ? state.Get<v1::User>(kUsers, asked.user()) : nullptr;
    if (!invited) return NotFound("user");
    if (invited->state() != v1::User::STATE_INVITED) {
      return BrokenRule("ILLEGAL_MOVE", asked.user(), "this account has been claimed already");
    }
    user = *invited;
    invitation.set_user(asked.user());
  }
  if (asked.patient().empty()) return absl::OkStatus();
  invitation.set_patient(asked.patient());
  return CheckLink(state, user, asked.patient(), context.organization);
}

}  // namespace

absl::Status InvitationInvalid() { return Denied("INVITATION_INVALID", "ask an administrator for an invitation"); }

absl::StatusOr<Decision> CreateInvitation(const view::State& state, const Context& context,
                                          const v1::CreateInvitationRequest& request,
                                          const event::v1::SealedPart& sealed, std::string_view token_sha256) {
  if (absl::Status allowed = RequireAdministrator(context); !allowed.ok()) return allowed;
  v1::Invitation invitation;
  invitation.set_name(Cat(OrganizationName(context.organization), "/invitations/", request.invitation_id()));
  if (!NameMatches(kInvitations.pattern, invitation.name())) {
    return BadField("invitation_id", "ID_MALFORMED", "1 to 63 letters, digits, '.', '_', '~', '-'");
  }
  if (state.Find(kInvitations, invitation.name())) {
    return Refuse(absl::StatusCode::kAlreadyExists, "INVITATION_EXISTS", "choose another invitation_id");
  }
  invitation.set_uid(context.NewId());
  invitation.set_state(v1::Invitation::STATE_OPEN);
  invitation.set_creator(context.principal.user());
  const v1::Invitation& asked = request.invitation();
  if (absl::Status roles = CopyRoles(context, asked, invitation); !roles.ok()) return roles;
  if (absl::Status expiry = CopyExpiry(context, asked, invitation); !expiry.ok()) return expiry;
  if (absl::Status binding = CopyBinding(state, context, asked, invitation); !binding.ok()) return binding;

  Decision decision;
  decision.names = {invitation.name()};
  v1::AuthEvent event;
  auto& created = *event.mutable_invitation_created();
  *created.mutable_invitation() = std::move(invitation);
  *created.mutable_sealed() = sealed;
  created.set_token_sha256(std::string(token_sha256));
  decision.Add(decision.names[0], std::move(event));
  return decision;
}

absl::StatusOr<std::shared_ptr<const v1::Invitation>> UsableInvitation(const view::State& state, const Context& context,
                                                                       std::string_view name,
                                                                       std::string_view token_sha256,
                                                                       const event::v1::SealedPart& sealed) {
  const absl::Status invalid = InvitationInvalid();
  const view::RowPtr row = OrganizationOf(name) == context.organization ? state.Find(kInvitations, name) : nullptr;
  auto credential = state.Get<v1::Credential>(kInvitationCredentials, CredentialName(name));
  if (!row || !credential || credential->token().token_sha256() != token_sha256) return invalid;
  const std::string_view bound_to = EmailMac(row->sealed);
  if (!bound_to.empty() && bound_to != EmailMac(sealed)) return invalid;
  auto invitation = std::static_pointer_cast<const v1::Invitation>(row->resource);
  if (!MayMove(invitation->state(), v1::Invitation::STATE_USED)) {
    return BrokenRule("INVITATION_USED", name, "ask an administrator for another invitation");
  }
  if (invitation->expire_time() <= context.record_time) {
    return BrokenRule("INVITATION_EXPIRED", name, "ask an administrator for another invitation");
  }
  return invitation;
}

}  // namespace trialog::auth
