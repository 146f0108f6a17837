// What auth keeps: one table a resource, one a kind of credential, and the keys they are found by. Ids are part of the
// stored format: never renumber or reuse.
#pragma once

#include <string>
#include <string_view>

#include "platform/view/state.h"

namespace trialog::auth {

// Served, under the record rules of access.h.
extern const view::Table kOrganizations;
extern const view::Table kUsers;
extern const view::Table kSessions;
extern const view::Table kUserGrants;
extern const view::Table kServiceAccountGrants;
extern const view::Table kInvitations;
extern const view::Table kServiceAccounts;
extern const view::Table kServiceAccountKeys;
extern const view::Table kSigningKeys;

// Never served by any method: hashes and sealed secrets (credential.proto), each under the name of what it belongs to
// with "/credential" behind it.
extern const view::Table kUserCredentials;
extern const view::Table kSessionCredentials;
extern const view::Table kInvitationCredentials;
extern const view::Table kServiceAccountKeyCredentials;
extern const view::Table kSigningKeyCredentials;
// One-time tokens that were spent on making an organisation.
extern const view::Table kInitTokens;

// Unique: LookupIndexKey(organisation id, mac).
inline constexpr view::Index kUsersByEmail{1, "users_by_email"};
inline constexpr view::Index kUsersByUsername{2, "users_by_username"};
// By resource name of the organisation.
inline constexpr view::Index kUsersByOrganization{3, "users_by_organization"};
// Unique: the patient's resource name.
inline constexpr view::Index kUsersByPatient{4, "users_by_patient"};
// By user, latest first: scan GroupPrefix(user).
inline constexpr view::Index kSessionsByUser{5, "sessions_by_user"};
// By user, oldest first; ACTIVE ones.
inline constexpr view::Index kActiveSessions{6, "active_sessions"};
// By holder, all that ever were.
inline constexpr view::Index kGrantsByHolder{7, "grants_by_holder"};
// By holder; neither revoked nor said to have ended.
inline constexpr view::Index kStandingGrants{8, "standing_grants"};
// By organisation; grants of SYSTEM_ADMINISTRATOR, not revoked.
inline constexpr view::Index kAdministratorGrants{9, "administrator_grants"};
inline constexpr view::Index kInvitationsByOrganization{10, "invitations_by_organization"};
inline constexpr view::Index kServiceAccountsByOrganization{11, "service_accounts_by_organization"};
inline constexpr view::Index kKeysByServiceAccount{12, "keys_by_service_account"};
// By service account; ACTIVE ones.
inline constexpr view::Index kActiveKeys{13, "active_keys"};
// By organisation, last to expire first: scan GroupPrefix(organisation).
inline constexpr view::Index kSigningKeysByOrganization{14, "signing_keys_by_organization"};
// Unique: the token's id. Spent tokens of all organisations of the partition.
inline constexpr view::Index kSpentInitTokens{15, "spent_init_tokens"};
// By OrderedTime of their end: standing grants that have one. A due table (platform/reaction).
inline constexpr view::Index kGrantsByEnd{16, "grants_by_end"};

// Names of LookupKey entries of users and invitations. The values are HMACs of the NFC, lower-cased text.
inline constexpr std::string_view kEmailLookup = "email";
inline constexpr std::string_view kUsernameLookup = "username";

// Key of kUsersByEmail and kUsersByUsername.
std::string LookupIndexKey(std::string_view organization_id, std::string_view mac);

// "organizations/" + id.
std::string OrganizationName(std::string_view organization_id);

// Where the credential of a user, session, invitation or key stands.
std::string CredentialName(std::string_view owner);

// The grants table for a grant's name or a holder's name; null when the name is neither a user's nor a service
// account's.
const view::Table* GrantTableOf(std::string_view name);

}  // namespace trialog::auth
