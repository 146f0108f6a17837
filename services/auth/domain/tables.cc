#include "services/auth/domain/tables.h"

#include "platform/command/decision.h"
#include "platform/text/text.h"
#include "trialog/auth/v1/credential.pb.h"
#include "trialog/auth/v1/grant.pb.h"
#include "trialog/auth/v1/invitation.pb.h"
#include "trialog/auth/v1/organization.pb.h"
#include "trialog/auth/v1/service_account.pb.h"
#include "trialog/auth/v1/session.pb.h"
#include "trialog/auth/v1/signing_key.pb.h"
#include "trialog/auth/v1/user.pb.h"

namespace trialog::auth {
namespace {

using view::IndexSink;
using view::Row;

void IndexUser(const Row& row, std::string_view name, IndexSink& sink) {
  const auto& user = row.As<v1::User>();
  sink.Add(kUsersByOrganization, ParentOf(name));
  if (!user.patient().empty()) sink.AddUnique(kUsersByPatient, user.patient());
  for (const auto& key : row.sealed.keys()) {
    const std::string index_key = LookupIndexKey(OrganizationOf(name), key.mac());
    if (key.index() == kEmailLookup) sink.AddUnique(kUsersByEmail, index_key);
    if (key.index() == kUsernameLookup) sink.AddUnique(kUsersByUsername, index_key);
  }
}

void IndexSession(const Row& row, std::string_view name, IndexSink& sink) {
  const std::string_view user = ParentOf(name);
  sink.Add(kSessionsByUser, view::GroupPrefix(user) + view::OrderedTimeDescending(row.meta.create_time()));
  if (row.As<v1::Session>().state() == v1::Session::STATE_ACTIVE) sink.Add(kActiveSessions, user);
}

void IndexGrant(const Row& row, std::string_view name, IndexSink& sink) {
  const auto& grant = row.As<v1::Grant>();
  const std::string_view holder = ParentOf(name);
  sink.Add(kGrantsByHolder, holder);
  if (grant.has_revoke_time() || grant.has_end_record_time()) return;
  sink.Add(kStandingGrants, holder);
  if (grant.role() == ROLE_SYSTEM_ADMINISTRATOR) sink.Add(kAdministratorGrants, ParentOf(holder));
  if (grant.has_end_time()) sink.Add(kGrantsByEnd, view::OrderedTime(grant.end_time()));
}

void IndexInvitation(const Row&, std::string_view name, IndexSink& sink) {
  sink.Add(kInvitationsByOrganization, ParentOf(name));
}

void IndexServiceAccount(const Row&, std::string_view name, IndexSink& sink) {
  sink.Add(kServiceAccountsByOrganization, ParentOf(name));
}

void IndexKey(const Row& row, std::string_view name, IndexSink& sink) {
  sink.Add(kKeysByServiceAccount, ParentOf(name));
  if (row.As<v1::ServiceAccountKey>().state() == v1::ServiceAccountKey::STATE_ACTIVE) {
    sink.Add(kActiveKeys, ParentOf(name));
  }
}

void IndexSigningKey(const Row& row, std::string_view name, IndexSink& sink) {
  sink.Add(kSigningKeysByOrganization,
           view::GroupPrefix(ParentOf(name)) + view::OrderedTimeDescending(row.As<v1::SigningKey>().expire_time()));
}

void IndexInitToken(const Row&, std::string_view name, IndexSink& sink) {
  sink.AddUnique(kSpentInitTokens, IdOf(name));
}

}  // namespace

const view::Table kOrganizations{1, "organizations/*", &v1::Organization::default_instance(), nullptr};
const view::Table kUsers{2, "organizations/*/users/*", &v1::User::default_instance(), IndexUser};
const view::Table kSessions{3, "organizations/*/users/*/sessions/*", &v1::Session::default_instance(), IndexSession};
const view::Table kUserGrants{4, "organizations/*/users/*/grants/*", &v1::Grant::default_instance(), IndexGrant};
const view::Table kServiceAccountGrants{5, "organizations/*/serviceAccounts/*/grants/*", &v1::Grant::default_instance(),
                                        IndexGrant};
const view::Table kInvitations{6, "organizations/*/invitations/*", &v1::Invitation::default_instance(),
                               IndexInvitation};
const view::Table kServiceAccounts{7, "organizations/*/serviceAccounts/*", &v1::ServiceAccount::default_instance(),
                                   IndexServiceAccount};
const view::Table kServiceAccountKeys{8, "organizations/*/serviceAccounts/*/keys/*",
                                      &v1::ServiceAccountKey::default_instance(), IndexKey};
const view::Table kSigningKeys{9, "organizations/*/signingKeys/*", &v1::SigningKey::default_instance(),
                               IndexSigningKey};
const view::Table kUserCredentials{10, "organizations/*/users/*/credential", &v1::Credential::default_instance(),
                                   nullptr};
const view::Table kSessionCredentials{11, "organizations/*/users/*/sessions/*/credential",
                                      &v1::Credential::default_instance(), nullptr};
const view::Table kInvitationCredentials{12, "organizations/*/invitations/*/credential",
                                         &v1::Credential::default_instance(), nullptr};
const view::Table kServiceAccountKeyCredentials{13, "organizations/*/serviceAccounts/*/keys/*/credential",
                                                &v1::Credential::default_instance(), nullptr};
const view::Table kSigningKeyCredentials{14, "organizations/*/signingKeys/*/credential",
                                         &v1::Credential::default_instance(), nullptr};
const view::Table kInitTokens{15, "organizations/*/initTokens/*", &v1::InitToken::default_instance(), IndexInitToken};

std::string LookupIndexKey(std::string_view organization_id, std::string_view mac) {
  return view::GroupPrefix(organization_id).append(mac);
}

std::string OrganizationName(std::string_view organization_id) { return Cat("organizations/", organization_id); }

std::string CredentialName(std::string_view owner) { return Cat(owner, "/credential"); }

const view::Table* GrantTableOf(std::string_view name) {
  const auto segments = Split(name, '/');
  if (segments.size() < 4 || segments[0] != "organizations") return nullptr;
  if (segments[2] == "users") return &kUserGrants;
  if (segments[2] == "serviceAccounts") return &kServiceAccountGrants;
  return nullptr;
}

}  // namespace trialog::auth
