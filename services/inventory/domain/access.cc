#include "services/inventory/domain/access.h"

#include <algorithm>

#include "platform/errors/errors.h"
#include "services/inventory/domain/tables.h"
#include "trialog/inventory/v1/biobank.pb.h"
#include "trialog/inventory/v1/inventory_item.pb.h"
#include "trialog/inventory/v1/sample.pb.h"

namespace trialog::inventory {
namespace {

bool InOrganization(const Principal& principal, std::string_view name) {
  return !principal.organization.empty() && OrganizationOf(name) == principal.organization;
}

bool IsAssignedProvider(const Principal& principal, const view::State& state, std::string_view biobank_name) {
  if (principal.user().empty() || !principal.HasAnywhere(ROLE_PROVIDER)) return false;
  const auto biobank = state.Get<v1::Biobank>(kBiobanks, biobank_name);
  return biobank && std::binary_search(biobank->providers().begin(), biobank->providers().end(), principal.user());
}

bool IsOfPatient(const Principal& principal, const view::Row& sample, std::string_view own_patient_mac) {
  if (own_patient_mac.empty() || !principal.HasAnywhere(ROLE_PARTICIPANT)) return false;
  const auto& keys = sample.sealed.keys();
  return std::any_of(keys.begin(), keys.end(),
                     [&](const auto& key) { return key.index() == kPatientLookup && key.mac() == own_patient_mac; });
}

bool IsOwn(const Principal& principal, std::string_view creator) {
  return !creator.empty() && creator == principal.user();
}

bool MaySeeSample(const Principal& principal, const view::Row& row, std::string_view own_patient_mac) {
  return IsOwn(principal, row.As<v1::Sample>().creator()) || IsOfPatient(principal, row, own_patient_mac);
}

bool MaySeeItem(const Principal& principal, const view::State& state, const v1::InventoryItem& item,
                std::string_view own_patient_mac) {
  if (IsOwn(principal, item.creator())) return true;
  const view::RowPtr sample = state.Find(kSamples, item.sample());
  return sample && IsOfPatient(principal, *sample, own_patient_mac);
}

bool MaySeeMovement(const Principal& principal, const view::State& state, std::string_view name,
                    std::string_view own_patient_mac) {
  const view::RowPtr item = state.Find(kInventoryItems, ItemOf(name));
  return item && MaySeeItem(principal, state, item->As<v1::InventoryItem>(), own_patient_mac);
}

}  // namespace

std::vector<std::string> NamedByBiobank(std::string_view, const view::Row& biobank) {
  const auto& providers = biobank.As<v1::Biobank>().providers();
  return {providers.begin(), providers.end()};
}

std::vector<std::string> NamedBySample(std::string_view, const view::Row& sample) {
  std::vector<std::string> patients;
  for (const auto& key : sample.sealed.keys()) {
    if (key.index() == kPatientLookup) patients.push_back(key.mac());
  }
  return patients;
}

bool MayHandleStock(const Principal& principal, std::string_view biobank) {
  return InOrganization(principal, biobank) && principal.Has(ROLE_LAB_TECHNICIAN, biobank);
}

bool MayTransition(const Principal& principal, std::string_view biobank) {
  return MayHandleStock(principal, biobank) || MayManage(principal, biobank);
}

bool MayManage(const Principal& principal, std::string_view scope) {
  return InOrganization(principal, scope) && principal.Has(ROLE_BIOBANK_MANAGER, scope);
}

bool MaySee(const Principal& principal, const view::State& state, const view::Table& table, std::string_view name,
            const view::Row& row, std::string_view own_patient_mac) {
  const std::string_view biobank = BiobankOf(name);
  if (biobank.empty() || !InOrganization(principal, name) || !row.resource) return false;
  if (MayHandleStock(principal, biobank) || MayManage(principal, biobank)) return true;
  if (IsAssignedProvider(principal, state, biobank)) return true;
  if (table.id == kSamples.id) return MaySeeSample(principal, row, own_patient_mac);
  if (table.id == kInventoryItems.id) {
    return MaySeeItem(principal, state, row.As<v1::InventoryItem>(), own_patient_mac);
  }
  if (table.id == kStockMovements.id) return MaySeeMovement(principal, state, name, own_patient_mac);
  return false;
}

absl::StatusOr<view::RowPtr> FindForChange(const view::State& state, const Context& context, MayChange may,
                                           const view::Table& table, std::string_view name) {
  if (!may(context.principal, BiobankOf(name))) {
    return Denied("NOT_YOUR_BIOBANK", "ask a biobank manager for access to this biobank");
  }
  view::RowPtr row = state.Find(table, name);
  if (!row) return NotFound("record");
  return row;
}

}  // namespace trialog::inventory
