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

const ResourceType kOrganizationType{&kOrganizations, May<kOrganizations>, {}};
const ResourceType kUserType{
    &kUsers,
    May<kUsers>,
    {"state", "patient"},
    Own,
    {{kEmailLookup, "email", NormalizeIdentifier}, {kUsernameLookup, "username", NormalizeIdentifier}}};
const ResourceType kSessionType{&kSessions, May<kSessions>, {}};
const ResourceType kUserGrantType{&kUserGrants, May<kUserGrants>, {}, OfHolder};
const ResourceType kServiceAccountGrantType{&kServiceAccountGrants, May<kServiceAccountGrants>, {}, OfHolder};
const ResourceType kInvitationType{
    &kInvitations, May<kInvitations>, {}, Own, {{kEmailLookup, "email", NormalizeIdentifier}}};
const ResourceType kServiceAccountType{&kServiceAccounts, May<kServiceAccounts>, {}, Own};
const ResourceType kServiceAccountKeyType{&kServiceAccountKeys, May<kServiceAccountKeys>, {}};
const ResourceType kSigningKeyType{&kSigningKeys, May<kSigningKeys>, {}};

const ResourceType* GrantTypeOf(std::string_view name) {
  const view::Table* table = GrantTableOf(name);
  if (table == &kUserGrants) return &kUserGrantType;
  return table == &kServiceAccountGrants ? &kServiceAccountGrantType : nullptr;
}

}  // namespace trialog::auth
