#include "services/inventory/domain/access.h"

#include <algorithm>

#include "services/inventory/domain/tables.h"
#include "trialog/inventory/v1/sample.pb.h"

namespace trialog::inventory {
namespace {

bool InOrganization(const Principal& principal, std::string_view name) {
  return !principal.organization.empty() && OrganizationOf(name) == principal.organization;
}

// A mac is compared as a whole value of a keyed hash that the caller cannot choose: no timing to hide.
bool IsOwn(const view::Row& sample, std::string_view own_patient_mac) {
  if (own_patient_mac.empty()) return false;
  const auto& keys = sample.sealed.keys();
  return std::any_of(keys.begin(), keys.end(),
                     [&](const auto& key) { return key.index() == kPatientLookup && key.mac() == own_patient_mac; });
}

bool MaySeeSample(const Principal& principal, std::string_view name, const view::Row& row,
                  std::string_view own_patient_mac) {
  if (MayHandleStock(principal, ParentOf(name))) return true;
  if (!principal.user().empty() && row.As<v1::Sample>().creator() == principal.user()) return true;
  return principal.HasAnywhere(ROLE_PARTICIPANT) && IsOwn(row, own_patient_mac);
}

}  // namespace

bool MayHandleStock(const Principal& principal, std::string_view biobank) {
  if (!InOrganization(principal, biobank)) return false;
  return principal.Has(ROLE_BIOBANK_MANAGER, biobank) || principal.Has(ROLE_LAB_TECHNICIAN, biobank);
}

bool MaySee(const Principal& principal, const view::State&, const view::Table& table, std::string_view name,
            const view::Row& row, std::string_view own_patient_mac) {
  if (!InOrganization(principal, name) || !row.resource) return false;
  if (table.id == kSamples.id) return MaySeeSample(principal, name, row, own_patient_mac);
  return false;
}

}  // namespace trialog::inventory
