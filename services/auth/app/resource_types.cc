#include "services/auth/app/resource_types.h"

#include "services/auth/app/identifiers.h"
#include "services/auth/domain/access.h"
#include "services/auth/domain/tables.h"

namespace trialog::auth {
namespace {

using service::ResourceType;

template <const view::Table& table>
bool May(const Principal& principal, const view::State& state, std::string_view name, const view::Row& row) {
  return MaySee(principal, state, table, name, row);
}

// Whose data key seals a record: its own, or that of the account it belongs to, so that erasing a person erases all.
std::string Own(std::string_view name, const google::protobuf::Message&) { return std::string(name); }
std::string OfHolder(std::string_view name, const google::protobuf::Message&) { return std::string(ParentOf(name)); }

}  // namespace

const ResourceType kOrganizationType{.table = &kOrganizations, .may_see = May<kOrganizations>, .filters = {}};
const ResourceType kUserType{
    .table = &kUsers,
    .may_see = May<kUsers>,
    .filters = {"state", "patient"},
    .key_subject = Own,
    .lookups = {{kEmailLookup, "email", NormalizeIdentifier}, {kUsernameLookup, "username", NormalizeIdentifier}}};
const ResourceType kSessionType{.table = &kSessions, .may_see = May<kSessions>, .filters = {}};
const ResourceType kUserGrantType{
    .table = &kUserGrants, .may_see = May<kUserGrants>, .filters = {}, .key_subject = OfHolder};
const ResourceType kServiceAccountGrantType{
    .table = &kServiceAccountGrants, .may_see = May<kServiceAccountGrants>, .filters = {}, .key_subject = OfHolder};
const ResourceType kInvitationType{.table = &kInvitations,
                                   .may_see = May<kInvitations>,
                                   .filters = {},
                                   .key_subject = Own,
                                   .lookups = {{kEmailLookup, "email", NormalizeIdentifier}}};
const ResourceType kServiceAccountType{
    .table = &kServiceAccounts, .may_see = May<kServiceAccounts>, .filters = {}, .key_subject = Own};
const ResourceType kServiceAccountKeyType{
    .table = &kServiceAccountKeys, .may_see = May<kServiceAccountKeys>, .filters = {}};
const ResourceType kSigningKeyType{.table = &kSigningKeys, .may_see = May<kSigningKeys>, .filters = {}};

const ResourceType* GrantTypeOf(std::string_view name) {
  const view::Table* table = GrantTableOf(name);
  if (table == &kUserGrants) return &kUserGrantType;
  return table == &kServiceAccountGrants ? &kServiceAccountGrantType : nullptr;
}

}  // namespace trialog::auth
