#include "services/auth/domain/organization.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "google/protobuf/util/time_util.h"
#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/auth/domain/access.h"
#include "services/auth/domain/account.h"
#include "services/auth/domain/grant.h"
#include "services/auth/domain/password.h"
#include "services/auth/domain/session.h"
#include "services/auth/domain/tables.h"
#include "services/auth/domain/times.h"
#include "trialog/auth/v1/events.pb.h"

namespace trialog::auth {
namespace {

using google::protobuf::Duration;

constexpr size_t kMaxOrganizationName = 200;

bool Within(const Duration& duration, absl::Duration low, absl::Duration high) {
  return ToProto(low) <= duration && duration <= ToProto(high);
}

absl::Status CheckSettings(const v1::Organization& organization) {
  if (organization.display_name().empty() || organization.display_name().size() > kMaxOrganizationName) {
    return BadField("organization.display_name", "DISPLAY_NAME_INVALID", Cat("1 to ", kMaxOrganizationName, " bytes"));
  }
  if (organization.has_session_lifetime() &&
      !Within(organization.session_lifetime(), kShortestLifetime, kLongestLifetime)) {
    return BadField("organization.session_lifetime", "DURATION_OUT_OF_RANGE", "1 hour to 90 days");
  }
  if (organization.has_session_idle_timeout() &&
      !Within(organization.session_idle_timeout(), kShortestIdleTimeout, kLongestIdleTimeout)) {
    return BadField("organization.session_idle_timeout", "DURATION_OUT_OF_RANGE", "5 minutes to 30 days");
  }
  const Duration life =
      organization.has_session_lifetime() ? organization.session_lifetime() : ToProto(kSessionLifetime);
  if (organization.has_session_idle_timeout() && life < organization.session_idle_timeout()) {
    return BadField("organization.session_idle_timeout", "DURATION_OUT_OF_RANGE", "not above session_lifetime");
  }
  return absl::OkStatus();
}

// Copies what a caller may set.
void CopySettings(const v1::Organization& from, v1::Organization& to) {
  to.set_display_name(from.display_name());
  to.set_open_sign_up(from.open_sign_up());
  if (from.has_session_lifetime()) *to.mutable_session_lifetime() = from.session_lifetime();
  if (from.has_session_idle_timeout()) *to.mutable_session_idle_timeout() = from.session_idle_timeout();
}

absl::Status ApplyMask(const google::protobuf::FieldMask& mask, const v1::Organization& from, v1::Organization& to) {
  if (mask.paths().empty()) return BadField("update_mask", "MASK_REQUIRED", "name the fields to change");
  for (const std::string& path : mask.paths()) {
    if (path == "display_name") {
      to.set_display_name(from.display_name());
    } else if (path == "open_sign_up") {
      to.set_open_sign_up(from.open_sign_up());
    } else if (path == "session_lifetime") {
      to.clear_session_lifetime();
      if (from.has_session_lifetime()) *to.mutable_session_lifetime() = from.session_lifetime();
    } else if (path == "session_idle_timeout") {
      to.clear_session_idle_timeout();
      if (from.has_session_idle_timeout()) *to.mutable_session_idle_timeout() = from.session_idle_timeout();
    } else {
      return BadField("update_mask", "FIELD_NOT_UPDATABLE",
                      "only display_name, open_sign_up, session_lifetime and session_idle_timeout change");
    }
  }
  return absl::OkStatus();
}

std::string TokenName(std::string_view organization_id, std::string_view token_sha256) {
  return Cat(OrganizationName(organization_id), "/initTokens/", InitTokenId(token_sha256));
}

void AddSpentToken(Decision& decision, const std::string& name) {
  v1::AuthEvent event;
  event.mutable_init_token_used()->set_name(name);
  decision.Add(name, std::move(event));
}

absl::Status CheckToken(const view::State& state, std::string_view organization_id, std::string_view token_sha256) {
  if (token_sha256.size() != 32) return Denied("INIT_TOKEN_INVALID", "give the one-time token");
  const auto spent = state.Lookup(kSpentInitTokens, InitTokenId(token_sha256));
  if (!spent || OrganizationOf(*spent) == organization_id) return absl::OkStatus();
  return InitTokenUsed();
}

void AddFirstGrant(Decision& decision, const Context& context, const std::string& user) {
  v1::Grant grant;
  grant.set_uid(context.NewId(1));
  grant.set_name(Cat(user, "/grants/", grant.uid()));
  grant.set_role(ROLE_SYSTEM_ADMINISTRATOR);
  grant.set_scope(OrganizationName(context.organization));
  *grant.mutable_start_time() = context.record_time;
  AddGrant(decision, std::move(grant));
}

}  // namespace

absl::Status InitTokenUsed() { return Denied("INIT_TOKEN_USED", "let the operator make another one-time token"); }

std::string InitTokenId(std::string_view token_sha256) {
  return absl::BytesToHexString(ToAbsl(token_sha256.substr(0, 16)));
}

absl::StatusOr<Decision> SpendInitToken(const view::State& state, const Context&, std::string_view organization_id,
                                        std::string_view token_sha256) {
  if (absl::Status free = CheckToken(state, organization_id, token_sha256); !free.ok()) return free;
  const std::string name = TokenName(organization_id, token_sha256);
  Decision decision;
  decision.names = {name};
  if (!state.Find(kInitTokens, name)) AddSpentToken(decision, name);
  return decision;
}

absl::Status CheckNewOrganization(const view::State& state, const v1::CreateOrganizationRequest& request) {
  const std::string name = OrganizationName(request.organization_id());
  if (!NameMatches(kOrganizations.pattern, name)) {
    return BadField("organization_id", "ID_MALFORMED", "1 to 63 letters, digits, '.', '_', '~', '-'");
  }
  if (state.Find(kOrganizations, name)) {
    return Refuse(absl::StatusCode::kAlreadyExists, "ORGANIZATION_EXISTS", "choose another organization_id");
  }
  return CheckSettings(request.organization());
}

absl::StatusOr<Decision> CreateOrganization(const view::State& state, const Context& context,
                                            const v1::CreateOrganizationRequest& request,
                                            const event::v1::SealedPart& sealed, const CreateOrganizationInput& input) {
  const std::string& id = request.organization_id();
  if (id != context.organization) return BadField("organization_id", "ID_MALFORMED", "must be the one aimed at");
  if (absl::Status free = CheckToken(state, id, input.init_token_sha256); !free.ok()) return free;
  if (absl::Status checked = CheckNewOrganization(state, request); !checked.ok()) return checked;
  const std::string name = OrganizationName(id);
  v1::Organization organization;
  organization.set_name(name);
  organization.set_uid(context.NewId(2));
  CopySettings(request.organization(), organization);
  auto administrator = NewUser(state, context, request.administrator_id(), v1::User::STATE_ACTIVE, sealed);
  if (!administrator.ok()) return administrator.status();
  const std::string user = administrator->name();

  Decision decision;
  decision.names = {name, user};
  v1::AuthEvent event;
  *event.mutable_organization_created()->mutable_organization() = std::move(organization);
  decision.Add(name, std::move(event));
  AddSpentToken(decision, TokenName(id, input.init_token_sha256));
  AddUser(decision, *std::move(administrator), sealed);
  AddPassword(decision, user, input.password_hash);
  AddFirstGrant(decision, context, user);
  return decision;
}

absl::StatusOr<Decision> UpdateOrganization(const view::State& state, const Context& context,
                                            const v1::UpdateOrganizationRequest& request,
                                            const event::v1::SealedPart&) {
  if (absl::Status allowed = RequireAdministrator(context); !allowed.ok()) return allowed;
  const std::string& name = request.organization().name();
  const view::RowPtr row = name == OrganizationName(context.organization) ? state.Find(kOrganizations, name) : nullptr;
  if (!row) return NotFound("organization");
  absl::Status current = CheckEtag(*row, name, request.organization().etag(), "organization.etag");
  if (!current.ok()) return current;
  v1::Organization next = row->As<v1::Organization>();
  absl::Status mask = ApplyMask(request.update_mask(), request.organization(), next);
  if (!mask.ok()) return mask;
  if (absl::Status settings = CheckSettings(next); !settings.ok()) return settings;
  Decision decision;
  decision.names = {name};
  if (next.SerializeAsString() == row->resource->SerializeAsString()) return decision;
  v1::AuthEvent event;
  *event.mutable_organization_updated()->mutable_organization() = std::move(next);
  decision.Add(name, std::move(event));
  return decision;
}

}  // namespace trialog::auth
