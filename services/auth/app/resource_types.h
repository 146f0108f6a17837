// Auth's kinds of record, as the platform serves them.
#pragma once

#include "platform/service/resource.h"

namespace trialog::auth {

extern const service::ResourceType kOrganizationType;
extern const service::ResourceType kUserType;
extern const service::ResourceType kSessionType;
extern const service::ResourceType kUserGrantType;
extern const service::ResourceType kServiceAccountGrantType;
extern const service::ResourceType kInvitationType;
extern const service::ResourceType kServiceAccountType;
extern const service::ResourceType kServiceAccountKeyType;
extern const service::ResourceType kSigningKeyType;

// The grants of a holder or the type of a grant, by name; null when it is neither a user's nor a service account's.
const service::ResourceType* GrantTypeOf(std::string_view name);

}  // namespace trialog::auth
