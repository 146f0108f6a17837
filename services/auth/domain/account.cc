#include "services/auth/domain/account.h"

#include <algorithm>
#include <utility>

#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/auth/domain/access.h"
#include "services/auth/domain/grant.h"
#include "services/auth/domain/lifecycle.h"
#include "services/auth/domain/session.h"
#include "services/auth/domain/tables.h"
#include "trialog/auth/v1/events.pb.h"

namespace trialog::auth {
namespace {

// The user's row when it is of this organisation and the caller may see it.
absl::StatusOr<view::RowPtr> FindVisible(const view::State& state, const Context& context, const std::string& name) {
  view::RowPtr row = OrganizationOf(name) == context.organization ? state.Find(kUsers, name) : nullptr;
  if (!row || !MaySee(context.principal, state, kUsers, name, *row)) return NotVisible(row != nullptr, "user");
  return row;
}

absl::Status CheckMask(const google::protobuf::FieldMask& mask) {
  constexpr std::string_view kMutable[] = {"username", "email", "display_name", "locale"};
  if (mask.paths().empty()) return BadField("update_mask", "MASK_REQUIRED", "name the fields to change");
  for (const std::string& path : mask.paths()) {
    if (std::find(std::begin(kMutable), std::end(kMutable), path) == std::end(kMutable)) {
      return BadField("update_mask", "FIELD_NOT_UPDATABLE", "only username, email, display_name and locale change");
    }
  }
  return absl::OkStatus();
}

// Whether each sealed value is one that the mask names: a caller cannot slip in another field.
bool OnlyMasked(const google::protobuf::FieldMask& mask, const event::v1::SealedPart& sealed) {
  const auto* descriptor = v1::User::descriptor();
  return std::all_of(sealed.fields().begin(), sealed.fields().end(), [&](const event::v1::SealedField& field) {
    const auto* named = descriptor->FindFieldByNumber(field.number());
    return named && std::find(mask.paths().begin(), mask.paths().end(), named->name()) != mask.paths().end();
  });
}

}  // namespace

absl::Status CheckIdentifiers(const view::State& state, std::string_view organization_id, std::string_view user,
                              const event::v1::SealedPart& sealed) {
  for (const auto& key : sealed.keys()) {
    if (key.mac().empty()) continue;
    const bool is_email = key.index() == kEmailLookup;
    if (!is_email && key.index() != kUsernameLookup) continue;
    const auto holder =
        state.Lookup(is_email ? kUsersByEmail : kUsersByUsername, LookupIndexKey(organization_id, key.mac()));
    if (holder && *holder != user) {
      return Refuse(absl::StatusCode::kAlreadyExists, "IDENTIFIER_TAKEN", "choose another user name or e-mail address");
    }
  }
  return absl::OkStatus();
}

bool HasIdentifier(const event::v1::SealedPart& sealed) {
  return std::any_of(sealed.keys().begin(), sealed.keys().end(), [](const event::v1::LookupKey& key) {
    return !key.mac().empty() && (key.index() == kEmailLookup || key.index() == kUsernameLookup);
  });
}

absl::StatusOr<v1::User> NewUser(const view::State& state, const Context& context, std::string_view user_id,
                                 v1::User::State user_state, const event::v1::SealedPart& sealed) {
  v1::User user;
  user.set_name(Cat(OrganizationName(context.organization), "/users/", user_id));
  if (!NameMatches(kUsers.pattern, user.name())) {
    return BadField("user_id", "ID_MALFORMED", "1 to 63 letters, digits, '.', '_', '~', '-'");
  }
  if (!HasIdentifier(sealed)) {
    return BadField("user", "IDENTIFIER_REQUIRED", "give a user name or an e-mail address");
  }
  if (state.Find(kUsers, user.name())) {
    return Refuse(absl::StatusCode::kAlreadyExists, "USER_EXISTS", "choose another user_id");
  }
  absl::Status unique = CheckIdentifiers(state, context.organization, user.name(), sealed);
  if (!unique.ok()) return unique;
  user.set_uid(context.NewId());
  user.set_state(user_state);
  return user;
}

void AddUser(Decision& decision, v1::User user, const event::v1::SealedPart& sealed) {
  v1::AuthEvent event;
  const std::string name = user.name();
  *event.mutable_user_created()->mutable_user() = std::move(user);
  *event.mutable_user_created()->mutable_sealed() = sealed;
  decision.Add(name, std::move(event));
}

void AddLink(Decision& decision, std::string_view user, std::string_view patient) {
  v1::AuthEvent event;
  event.mutable_user_linked()->set_name(std::string(user));
  event.mutable_user_linked()->set_patient(std::string(patient));
  decision.Add(user, std::move(event));
}

absl::Status CheckLink(const view::State& state, const v1::User& user, std::string_view patient,
                       std::string_view organization_id) {
  if (OrganizationOf(patient) != organization_id || !NameMatches("organizations/*/patients/*", patient)) {
    return BadField("patient", "PATIENT_MALFORMED", "must be organizations/{o}/patients/{p} of the same organisation");
  }
  if (!user.patient().empty() && user.patient() != patient) {
    return BrokenRule("USER_LINKED", user.name(), "this account is another patient's for good");
  }
  const auto holder = state.Lookup(kUsersByPatient, patient);
  if (holder && *holder != user.name()) {
    return BrokenRule("PATIENT_LINKED", patient, "another account is this patient's");
  }
  return absl::OkStatus();
}

absl::StatusOr<Decision> CreateUser(const view::State& state, const Context& context,
                                    const v1::CreateUserRequest& request, const event::v1::SealedPart& sealed) {
  if (absl::Status allowed = RequireAdministrator(context); !allowed.ok()) return allowed;
  auto user = NewUser(state, context, request.user_id(), v1::User::STATE_INVITED, sealed);
  if (!user.ok()) return user.status();
  Decision decision;
  decision.names = {user->name()};
  AddUser(decision, *std::move(user), sealed);
  return decision;
}

absl::StatusOr<Decision> UpdateUser(const view::State& state, const Context& context,
                                    const v1::UpdateUserRequest& request, const event::v1::SealedPart& sealed) {
  const std::string& name = request.user().name();
  auto found = FindVisible(state, context, name);
  if (!found.ok()) return found.status();
  const view::RowPtr& row = *found;
  if (absl::Status current = CheckEtag(*row, name, request.user().etag(), "user.etag"); !current.ok()) return current;
  if (absl::Status mask = CheckMask(request.update_mask()); !mask.ok()) return mask;
  if (!OnlyMasked(request.update_mask(), sealed)) {
    return BadField("update_mask", "FIELD_NOT_IN_MASK", "the mask must name each field that is given");
  }
  if (row->As<v1::User>().state() == v1::User::STATE_DISABLED) {
    return BrokenRule("ACCOUNT_DISABLED", name, "a closed account does not change");
  }
  if (!HasIdentifier(MergeSealed(row->sealed, sealed))) {
    return BadField("user", "IDENTIFIER_REQUIRED", "keep a user name or an e-mail address");
  }
  absl::Status unique = CheckIdentifiers(state, context.organization, name, sealed);
  if (!unique.ok()) return unique;

  Decision decision;
  decision.names = {name};
  if (sealed.fields().empty() && sealed.keys().empty()) return decision;
  v1::AuthEvent event;
  event.mutable_user_updated()->set_name(name);
  *event.mutable_user_updated()->mutable_sealed() = sealed;
  decision.Add(name, std::move(event));
  return decision;
}

absl::StatusOr<Decision> LinkUser(const view::State& state, const Context& context, const v1::LinkUserRequest& request,
                                  const event::v1::SealedPart&) {
  if (absl::Status allowed = RequireAdministrator(context); !allowed.ok()) return allowed;
  auto found = FindVisible(state, context, request.name());
  if (!found.ok()) return found.status();
  const view::RowPtr& row = *found;
  const auto& user = row->As<v1::User>();
  if (absl::Status fits = CheckLink(state, user, request.patient(), context.organization); !fits.ok()) return fits;
  Decision decision;
  decision.names = {user.name()};
  if (user.patient() == request.patient()) return decision;
  if (user.state() == v1::User::STATE_DISABLED) {
    return BrokenRule("ACCOUNT_DISABLED", user.name(), "a closed account does not change");
  }
  AddLink(decision, user.name(), request.patient());
  return decision;
}

absl::StatusOr<Decision> DeactivateUser(const view::State& state, const Context& context,
                                        const v1::DeactivateUserRequest& request, const event::v1::SealedPart& sealed) {
  if (absl::Status allowed = RequireAdministrator(context); !allowed.ok()) return allowed;
  auto found = FindVisible(state, context, request.name());
  if (!found.ok()) return found.status();
  const view::RowPtr& row = *found;
  const std::string& name = request.name();
  Decision decision;
  decision.names = {name};
  v1::User::State from = row->As<v1::User>().state();
  if (from == v1::User::STATE_DISABLED) return decision;
  if (name == context.principal.user()) {
    return Denied("SELF_DEACTIVATION", "another administrator must close your account");
  }
  if (from == v1::User::STATE_LOCKED) {
    v1::AuthEvent unlocked;
    unlocked.mutable_account_unlocked()->set_name(name);
    decision.Add(name, std::move(unlocked));
    from = v1::User::STATE_ACTIVE;
  }
  if (!MayMove(from, v1::User::STATE_DISABLED)) {
    return BrokenRule("ILLEGAL_MOVE", name, "only an account that was claimed can be closed");
  }
  if (!AdministratorRemains(state, OrganizationName(context.organization), name, context.record_time)) {
    return BrokenRule("LAST_ADMINISTRATOR", name, "make someone else administrator, without an end, first");
  }
  EndSessions(state, name, v1::Session::END_REASON_ACCOUNT_DISABLED, "", decision);
  v1::AuthEvent event;
  event.mutable_user_deactivated()->set_name(name);
  *event.mutable_user_deactivated()->mutable_sealed() = sealed;
  decision.Add(name, std::move(event));
  return decision;
}

}  // namespace trialog::auth
