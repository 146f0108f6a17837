#include "services/audit/app/access.h"

#include "platform/text/text.h"

namespace trialog::audit {

bool MaySee(const Principal& principal, const v1::EntryContent& content) {
  if (principal.organization.empty() || content.organization() != principal.organization) return false;
  const bool within = OrganizationOf(content.entity()) == content.organization();
  const std::string whole = Cat("organizations/", content.organization());
  return principal.Has(ROLE_AUDITOR, within ? std::string_view(content.entity()) : std::string_view(whole));
}

bool MaySeeAccessesOf(const Principal& principal, std::string_view subject) {
  if (subject.empty() || OrganizationOf(subject) != principal.organization) return false;
  if (principal.Has(ROLE_AUDITOR, subject)) return true;
  if (principal.patient.empty() || !principal.HasAnywhere(ROLE_PARTICIPANT)) return false;
  return subject == principal.patient || HasPrefix(subject, principal.patient + "/");
}

}  // namespace trialog::audit
