#include "services/auth/domain/access.h"

#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/auth/domain/tables.h"

namespace trialog::auth {

bool IsAdministrator(const Principal& principal, std::string_view organization_id) {
  return principal.organization == organization_id &&
         principal.Has(ROLE_SYSTEM_ADMINISTRATOR, OrganizationName(organization_id));
}

bool MaySee(const Principal& principal, const view::State&, const view::Table& table, std::string_view name,
            const view::Row&) {
  if (&table == &kSigningKeys) return true;
  if (principal.organization.empty() || principal.organization != OrganizationOf(name)) return false;
  const bool administrator = IsAdministrator(principal, OrganizationOf(name));
  if (&table == &kOrganizations) return administrator;  // Its settings.
  if (&table == &kUsers || &table == &kServiceAccounts) return administrator || principal.user() == name;
  if (&table == &kSessions || &table == &kUserGrants || &table == &kServiceAccountGrants) {
    return administrator || principal.user() == ParentOf(name);
  }
  if (&table == &kInvitations || &table == &kServiceAccountKeys) return administrator;
  return false;  // Credentials and spent tokens.
}

absl::Status RequireAdministrator(const Context& context) {
  if (IsAdministrator(context.principal, context.organization)) return absl::OkStatus();
  return Denied("ROLE_REQUIRED", "only a system administrator of the organisation may do this");
}

absl::Status CheckEtag(const view::Row& row, std::string_view name, std::string_view etag, std::string_view field) {
  if (etag.empty()) return BadField(field, "ETAG_REQUIRED", "give the etag of the version that was read");
  if (etag != Cat('"', row.meta.version(), '"')) return StaleEtag(name);
  return absl::OkStatus();
}

}  // namespace trialog::auth
