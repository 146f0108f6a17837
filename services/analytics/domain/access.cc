#include "services/analytics/domain/access.h"

#include <algorithm>

#include "platform/errors/errors.h"
#include "services/analytics/domain/names.h"
#include "services/analytics/domain/tables.h"

namespace trialog::analytics {
namespace {

bool IsOwner(const Principal& principal, std::string_view name, const v1::Dataset& dataset) {
  return !principal.user().empty() && principal.user() == dataset.creator() && principal.Has(ROLE_ANALYST, name);
}

bool IsReader(const Principal& principal, std::string_view name, const v1::Dataset& dataset) {
  return !principal.user().empty() && principal.Has(ROLE_ANALYST, name) &&
         std::find(dataset.readers().begin(), dataset.readers().end(), principal.user()) != dataset.readers().end();
}

bool SameOrganization(const Principal& principal, std::string_view name) {
  return !principal.organization.empty() && principal.organization == OrganizationOf(name);
}

}  // namespace

bool IsCustodian(const Principal& principal, std::string_view name) {
  return SameOrganization(principal, name) && principal.Has(ROLE_DATA_CUSTODIAN, name);
}

bool MaySeeDataset(const Principal& principal, std::string_view name, const v1::Dataset& dataset) {
  if (principal.internal) return true;
  return MayAnalyze(principal, name, dataset) || IsCustodian(principal, name);
}

bool MayAnalyze(const Principal& principal, std::string_view name, const v1::Dataset& dataset) {
  return SameOrganization(principal, name) && (IsOwner(principal, name, dataset) || IsReader(principal, name, dataset));
}

absl::Status RequireAnalyst(const Principal& principal, const view::State& state, std::string_view name) {
  const auto dataset = state.Get<v1::Dataset>(kDatasets, name);
  if (dataset && MayAnalyze(principal, name, *dataset)) return absl::OkStatus();
  return Denied("NOT_AN_ANALYST", "only analysts work with a dataset: its own, and those it is shared with");
}

bool MayManageDataset(const Principal& principal, std::string_view name, const v1::Dataset& dataset) {
  return SameOrganization(principal, name) && (IsOwner(principal, name, dataset) || IsCustodian(principal, name));
}

bool MayReadRows(const Principal& principal, std::string_view name, const v1::Dataset& dataset) {
  if (principal.internal || IsCustodian(principal, name)) return true;
  return SameOrganization(principal, name) && IsOwner(principal, name, dataset) && dataset.source_trial().empty();
}

bool MayReadRowsOf(const Principal& principal, const view::State& state, std::string_view name) {
  const auto dataset = state.Get<v1::Dataset>(kDatasets, DatasetOf(name));
  return dataset && MayReadRows(principal, DatasetOf(name), *dataset);
}

bool MaySee(const Principal& principal, const view::State& state, const view::Table& table, std::string_view name,
            const view::Row& row) {
  if (table.id == kDatasets.id) return MaySeeDataset(principal, name, row.As<v1::Dataset>());
  const std::string_view dataset_name = DatasetOf(name);
  const auto dataset = state.Get<v1::Dataset>(kDatasets, dataset_name);
  return dataset && MaySeeDataset(principal, dataset_name, *dataset);
}

bool MaySeeResult(const Principal& principal, const view::State& state, std::string_view name,
                  const v1::Analysis& analysis) {
  const std::string_view dataset_name = DatasetOf(name);
  const auto dataset = state.Get<v1::Dataset>(kDatasets, dataset_name);
  if (!dataset || !MaySeeDataset(principal, dataset_name, *dataset)) return false;
  switch (analysis.state()) {
    case v1::Analysis::STATE_RELEASED:
      return true;
    case v1::Analysis::STATE_SUCCEEDED:
    case v1::Analysis::STATE_WITHHELD:
      return IsCustodian(principal, dataset_name) && principal.user() != analysis.requester();
    default:
      return false;
  }
}

std::vector<std::string> NamedByDataset(std::string_view, const view::Row& dataset) {
  const auto& readers = dataset.As<v1::Dataset>().readers();
  return {readers.begin(), readers.end()};
}

}  // namespace trialog::analytics
