#include "services/analytics/app/resource_types.h"

#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/analytics/domain/access.h"
#include "services/analytics/domain/names.h"
#include "services/analytics/domain/tables.h"
#include "services/analytics/statistics/disclosure.h"

namespace trialog::analytics {
namespace {

using google::protobuf::Message;
using service::ListSource;
using service::ResourceType;

template <const view::Table& table>
bool MaySeeRow(const Principal& principal, const view::State& state, std::string_view name, const view::Row& row) {
  return MaySee(principal, state, table, name, row);
}

// Everything of a dataset is sealed under the dataset's own key, and erased with it.
std::string DatasetKey(std::string_view name, const Message&) { return std::string(DatasetOf(name)); }

bool ShowsMembers(const Principal& principal, const view::State& state, std::string_view name, const view::Row&, int) {
  return MayReadRowsOf(principal, state, name);
}

// Beside an attrition, which hides differences of a few, the exact number of all rows would give them away.
void HideRowCount(const Principal& principal, const view::State& state, const view::Row&, Message& resource) {
  auto& version = static_cast<v1::DatasetVersion&>(resource);
  if (!MayReadRowsOf(principal, state, version.name())) version.clear_row_count();
}

// Why a result was withheld is for whoever sees the analysis; the result itself is not.
bool ShowsOfAnalysis(const Principal& principal, const view::State& state, std::string_view name, const view::Row& row,
                     int field) {
  return field != v1::Analysis::kResultFieldNumber || MaySeeResult(principal, state, name, row.As<v1::Analysis>());
}

void HideLedger(const view::State&, const view::Row&, Message& resource) {
  static_cast<v1::Analysis&>(resource).clear_released_sets();
}

// Whether `parent` fits `pattern`, in which "-" may stand for any dataset or cohort.
absl::Status CheckParent(std::string_view pattern, std::string_view parent) {
  if (NameMatches(pattern, parent)) return absl::OkStatus();
  return BadField("parent", "BAD_NAME", Cat("must have the form ", pattern, "; - stands for all"));
}

// The scope whose entries an index keeps together: `parent`, or what stands before the collection of its first "-".
std::string ScopeOf(std::string_view parent) {
  std::string scope;
  for (std::string_view segment : Split(parent, '/')) {
    if (segment == "-") return std::string(scope.substr(0, scope.rfind('/')));
    Append(scope, scope.empty() ? "" : "/", segment);
  }
  return scope;
}

}  // namespace

const ResourceType kDatasetType{
    .table = &kDatasets,
    .may_see = MaySeeRow<kDatasets>,
    .filters = {"display_name", "creator", "release_policy", "source_trial", "published_version"},
    .names_callers = NamedByDataset};
const ResourceType kVersionType{.table = &kVersions,
                                .may_see = MaySeeRow<kVersions>,
                                .filters = {"state", "creator", "publisher"},
                                .finish = HideRowCount};
const ResourceType kCohortType{.table = &kCohorts,
                               .may_see = MaySeeRow<kCohorts>,
                               .filters = {"display_name", "state", "creator", "dataset_version"},
                               .key_subject = DatasetKey,
                               .shows_personal = ShowsMembers};
const ResourceType kAnalysisType{
    .table = &kAnalyses,
    .may_see = MaySeeRow<kAnalyses>,
    .filters = {"state", "requester", "release_policy", "dataset_version", "decider", "failure_reason"},
    .key_subject = DatasetKey,
    .shows_personal = ShowsOfAnalysis,
    .derive = HideLedger};

absl::StatusOr<ListSource> DatasetsOf(const Principal&, std::string_view parent, const Message&) {
  if (absl::Status bad = CheckParent("organizations/*", parent); !bad.ok()) return bad;
  return ListSource{&kDatasetsByUpdate, view::GroupPrefix(parent)};
}

absl::StatusOr<ListSource> VersionsOf(const Principal&, std::string_view parent, const Message&) {
  if (!NameMatches(kDatasets.pattern, parent)) {
    return BadField("parent", "BAD_NAME", Cat("must have the form ", kDatasets.pattern));
  }
  return ListSource{&kVersionsByNumber, view::GroupPrefix(parent)};
}

absl::StatusOr<ListSource> CohortsOf(const Principal&, std::string_view parent, const Message&) {
  if (absl::Status bad = CheckParent(kDatasets.pattern, parent); !bad.ok()) return bad;
  return ListSource{&kCohortsByUpdate, view::GroupPrefix(ScopeOf(parent))};
}

absl::StatusOr<ListSource> AnalysesOf(const Principal&, std::string_view parent, const Message&) {
  if (absl::Status bad = CheckParent(kCohorts.pattern, parent); !bad.ok()) return bad;
  return ListSource{&kAnalysesByCreation, view::GroupPrefix(ScopeOf(parent))};
}

}  // namespace trialog::analytics
