// What analytics stores. Ids are for ever: never renumber.
#pragma once

#include "platform/view/state.h"

namespace trialog::analytics {

extern const view::Table kDatasets;
extern const view::Table kVersions;
extern const view::Table kCohorts;
extern const view::Table kAnalyses;

// Datasets of an organisation, cohorts of a dataset or an organisation ("datasets/-"), analyses of a cohort, a dataset
// or an organisation. Key: the scope's name, '\0', then the newest first.
inline constexpr view::Index kDatasetsByUpdate{1, "datasets_by_update"};
inline constexpr view::Index kVersionsByNumber{2, "versions_by_number"};
inline constexpr view::Index kCohortsByUpdate{3, "cohorts_by_update"};
inline constexpr view::Index kAnalysesByCreation{4, "analyses_by_creation"};
// The ledger: released analyses by dataset version.
inline constexpr view::Index kReleasedByVersion{5, "released_by_version"};
// Analyses that a worker has to take up, by organisation: QUEUED and RUNNING.
inline constexpr view::Index kAnalysesToRun{6, "analyses_to_run"};

}  // namespace trialog::analytics
