#include "services/analytics/domain/tables.h"

#include "platform/command/decision.h"
#include "platform/text/text.h"
#include "services/analytics/domain/names.h"
#include "trialog/analytics/v1/analysis.pb.h"
#include "trialog/analytics/v1/cohort.pb.h"
#include "trialog/analytics/v1/dataset.pb.h"

namespace trialog::analytics {
namespace {

std::string Scoped(std::string_view scope, std::string_view order) { return Cat(scope, '\0', order); }

std::string_view OrganizationName(std::string_view name) {
  return name.substr(0, name.find('/', std::string_view("organizations/").size()));
}

void IndexDataset(const view::Row& row, std::string_view name, view::IndexSink& sink) {
  sink.Add(kDatasetsByUpdate, Scoped(ParentOf(name), view::OrderedTimeDescending(row.meta.update_time())));
}

void IndexVersion(const view::Row&, std::string_view name, view::IndexSink& sink) {
  sink.Add(kVersionsByNumber,
           Scoped(ParentOf(name), view::OrderedBytesDescending(static_cast<uint64_t>(VersionNumber(name)))));
}

void IndexCohort(const view::Row& row, std::string_view name, view::IndexSink& sink) {
  const std::string order = view::OrderedTimeDescending(row.meta.update_time());
  sink.Add(kCohortsByUpdate, Scoped(DatasetOf(name), order));
  sink.Add(kCohortsByUpdate, Scoped(OrganizationName(name), order));
}

void IndexAnalysis(const view::Row& row, std::string_view name, view::IndexSink& sink) {
  const auto& analysis = row.As<v1::Analysis>();
  const std::string order = view::OrderedTimeDescending(row.meta.create_time());
  sink.Add(kAnalysesByCreation, Scoped(ParentOf(name), order));
  sink.Add(kAnalysesByCreation, Scoped(DatasetOf(name), order));
  sink.Add(kAnalysesByCreation, Scoped(OrganizationName(name), order));
  if (analysis.state() == v1::Analysis::STATE_RELEASED) sink.Add(kReleasedByVersion, analysis.dataset_version());
  if (analysis.state() == v1::Analysis::STATE_QUEUED || analysis.state() == v1::Analysis::STATE_RUNNING) {
    sink.Add(kAnalysesToRun, OrganizationName(name));
  }
}

}  // namespace

const view::Table kDatasets{1, "organizations/*/datasets/*", &v1::Dataset::default_instance(), IndexDataset};
const view::Table kVersions{2, "organizations/*/datasets/*/versions/*", &v1::DatasetVersion::default_instance(),
                            IndexVersion};
const view::Table kCohorts{3, "organizations/*/datasets/*/cohorts/*", &v1::Cohort::default_instance(), IndexCohort};
const view::Table kAnalyses{4, "organizations/*/datasets/*/cohorts/*/analyses/*", &v1::Analysis::default_instance(),
                            IndexAnalysis};

}  // namespace trialog::analytics
