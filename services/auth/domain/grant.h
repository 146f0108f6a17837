// Who holds which role, where and for how long.
#pragma once

#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "platform/command/decision.h"
#include "trialog/auth/v1/grant.pb.h"
#include "trialog/auth/v1/user.pb.h"

namespace trialog::auth {

// Standing grants a holder may have, and administrators an organisation may have.
inline constexpr int kMaxStandingGrants = 64;
inline constexpr int kMaxAdministrators = 64;

// Rows of the grants that `holder` (a user or service account) has in force at `time`: started, not ended, not revoked,
// the account not closed. A lock after wrong passwords leaves them in force. In name order, at most kMaxStandingGrants.
std::vector<view::RowPtr> GrantRowsInForce(const view::State& state, std::string_view holder,
                                           const google::protobuf::Timestamp& time);

// The same, as access rules read them.
std::vector<Grant> GrantsInForce(const view::State& state, std::string_view holder,
                                 const google::protobuf::Timestamp& time);

// Whether a role may be held there by such an account: OK, or INVALID_ARGUMENT at `field` with reason ROLE_UNKNOWN,
// SCOPE_MALFORMED (not the organisation or a record in it), SCOPE_TOO_NARROW or ROLE_NOT_FOR_HOLDER.
absl::Status CheckRole(std::string_view organization_id, bool service_account, Role role, std::string_view scope,
                       std::string_view field);

// OK when the holder may have `more` grants, one of them perhaps of `role`; else RESOURCE_EXHAUSTED with reason
// TOO_MANY_GRANTS or TOO_MANY_ADMINISTRATORS.
absl::Status CheckRoom(const view::State& state, std::string_view holder, Role role, int more = 1);

// Adds RoleGranted to the decision.
void AddGrant(Decision& decision, v1::Grant grant, const event::v1::SealedPart& sealed = {});

// Whether an administrator of the organisation without an end remains when `without` (a grant or a user) is taken away.
bool AdministratorRemains(const view::State& state, std::string_view organization, std::string_view without,
                          const google::protobuf::Timestamp& time);

// By an administrator, and never to oneself (SELF_GRANT). Refuses a grant that overlaps one of the same role and scope
// (GRANT_EXISTS), times that are past or the wrong way round (TIMES_INVALID), and closed accounts (ACCOUNT_DISABLED).
absl::StatusOr<Decision> GrantRole(const view::State& state, const Context& context,
                                   const v1::GrantRoleRequest& request, const event::v1::SealedPart& sealed);

// By an administrator. Revoking twice changes nothing; the organisation's last administrator without an end stays
// (LAST_ADMINISTRATOR).
absl::StatusOr<Decision> RevokeRole(const view::State& state, const Context& context,
                                    const v1::RevokeRoleRequest& request, const event::v1::SealedPart& sealed);

// At a grant's end, by timer: records it, which takes the grant off the standing ones. Who may do what does not change:
// the grant was not in force since its end. Nothing when it has not ended or no longer stands.
absl::StatusOr<Decision> EndGrant(const view::State& state, const Context& context, std::string_view name);

}  // namespace trialog::auth
