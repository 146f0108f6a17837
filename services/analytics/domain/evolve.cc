#include "services/analytics/domain/evolve.h"

#include <algorithm>

#include "platform/command/evolving.h"
#include "services/analytics/domain/names.h"
#include "services/analytics/domain/tables.h"

namespace trialog::analytics {
namespace {

using v1::AnalyticsEvent;

template <typename T>
void Replace(view::ChangeSet& state, const view::Table& table, const T& resource) {
  AmendRow<T>(state, table, resource.name(), [&](T& row) { row = resource; });
}

void PutVersion(view::ChangeSet& state, const v1::DatasetVersion& version) {
  CreateRow(state, kVersions, version);
  AmendRow<v1::Dataset>(state, kDatasets, DatasetOf(version.name()), [&](v1::Dataset& dataset) {
    dataset.set_latest_version(std::max(dataset.latest_version(), VersionNumber(version.name())));
    if (version.provenance().source() != v1::Provenance::SOURCE_TRIAL) return;
    dataset.set_source_trial(version.provenance().trial());
    dataset.set_release_policy(v1::RELEASE_POLICY_CUSTODIAN);
  });
}

void MoveVersion(view::ChangeSet& state, const v1::VersionMoved& moved) {
  AmendRow<v1::DatasetVersion>(state, kVersions, moved.name(), [&](v1::DatasetVersion& version) {
    version.set_state(moved.state());
    if (moved.state() == v1::DatasetVersion::STATE_PUBLISHED) version.set_publisher(moved.actor());
  });
  AmendRow<v1::Dataset>(state, kDatasets, DatasetOf(moved.name()), [&](v1::Dataset& dataset) {
    if (moved.state() == v1::DatasetVersion::STATE_PUBLISHED) {
      dataset.set_published_version(moved.name());
    } else if (dataset.published_version() == moved.name()) {
      dataset.clear_published_version();
    }
  });
}

void Share(view::ChangeSet& state, const v1::DatasetShared& shared) {
  AmendRow<v1::Dataset>(state, kDatasets, shared.name(), [&](v1::Dataset& dataset) {
    dataset.add_readers(shared.user());
    dataset.set_release_policy(v1::RELEASE_POLICY_CUSTODIAN);
  });
}

void Unshare(view::ChangeSet& state, const v1::DatasetUnshared& unshared) {
  AmendRow<v1::Dataset>(state, kDatasets, unshared.name(), [&](v1::Dataset& dataset) {
    auto& readers = *dataset.mutable_readers();
    readers.erase(std::remove(readers.begin(), readers.end(), unshared.user()), readers.end());
  });
}

void MoveAnalysis(view::ChangeSet& state, const v1::AnalysisMoved& moved) {
  AmendRow<v1::Analysis>(state, kAnalyses, moved.name(), moved.sealed(), [&](v1::Analysis& analysis) {
    analysis.set_state(moved.state());
    if (moved.state() == v1::Analysis::STATE_RUNNING) analysis.set_attempts(analysis.attempts() + 1);
    if (!moved.decider().empty()) analysis.set_decider(moved.decider());
    if (!moved.failure_reason().empty()) analysis.set_failure_reason(moved.failure_reason());
  });
}

void Succeed(view::ChangeSet& state, const v1::AnalysisSucceeded& succeeded) {
  AmendRow<v1::Analysis>(state, kAnalyses, succeeded.name(), succeeded.sealed(), [&](v1::Analysis& analysis) {
    analysis.set_state(v1::Analysis::STATE_SUCCEEDED);
    *analysis.mutable_released_sets() = succeeded.released_sets();
  });
}

}  // namespace

void Evolve(view::ChangeSet& state, const AnalyticsEvent& event) {
  switch (event.kind_case()) {  // No default: a new kind fails to build here.
    case AnalyticsEvent::kDatasetCreated:
      return CreateRow(state, kDatasets, event.dataset_created().dataset());
    case AnalyticsEvent::kDatasetUpdated:
      return Replace(state, kDatasets, event.dataset_updated().dataset());
    case AnalyticsEvent::kDatasetShared:
      return Share(state, event.dataset_shared());
    case AnalyticsEvent::kDatasetUnshared:
      return Unshare(state, event.dataset_unshared());
    case AnalyticsEvent::kVersionCreated:
      return PutVersion(state, event.version_created().version());
    case AnalyticsEvent::kVersionMoved:
      return MoveVersion(state, event.version_moved());
    case AnalyticsEvent::kCohortCreated:
      return CreateRow(state, kCohorts, event.cohort_created().cohort());
    case AnalyticsEvent::kCohortUpdated:
      return Replace(state, kCohorts, event.cohort_updated().cohort());
    case AnalyticsEvent::kCohortMoved:
      return AmendRow<v1::Cohort>(state, kCohorts, event.cohort_moved().name(), event.cohort_moved().sealed(),
                                  [&](v1::Cohort& cohort) { cohort.set_state(event.cohort_moved().state()); });
    case AnalyticsEvent::kAnalysisRequested:
      return CreateRow(state, kAnalyses, event.analysis_requested().analysis());
    case AnalyticsEvent::kAnalysisMoved:
      return MoveAnalysis(state, event.analysis_moved());
    case AnalyticsEvent::kAnalysisSucceeded:
      return Succeed(state, event.analysis_succeeded());
    case AnalyticsEvent::KIND_NOT_SET:
      return;
  }
}

const Domain& AnalyticsDomain() {
  static const Domain domain{.service = "analytics",
                             .event = &AnalyticsEvent::default_instance(),
                             .tables = {&kDatasets, &kVersions, &kCohorts, &kAnalyses},
                             .evolve = [](view::ChangeSet& state, const google::protobuf::Message& event) {
                               Evolve(state, static_cast<const AnalyticsEvent&>(event));
                             }};
  return domain;
}

}  // namespace trialog::analytics
