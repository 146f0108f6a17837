// Record access: one function for Get, List, Watch, links and exports; decisions ask the same questions. Deny by
// default.
#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "platform/command/decision.h"
#include "trialog/analytics/v1/analysis.pb.h"
#include "trialog/analytics/v1/dataset.pb.h"

namespace trialog::analytics {

// Datasets: their creator, users they are shared with (both as analysts), and custodians in whose scope they lie.
// Versions, cohorts and analyses: whoever may see their dataset.
bool MaySee(const Principal& principal, const view::State& state, const view::Table& table, std::string_view name,
            const view::Row& row);

bool MaySeeDataset(const Principal& principal, std::string_view name, const v1::Dataset& dataset);
// Its creator and those it is shared with, both as analysts: may build and count cohorts and ask for analyses. A
// custodian who sees the data does not by that.
bool MayAnalyze(const Principal& principal, std::string_view name, const v1::Dataset& dataset);
absl::Status RequireAnalyst(const Principal& principal, const view::State& state, std::string_view dataset);
bool IsCustodian(const Principal& principal, std::string_view name);
// Its creator as an analyst, or a custodian: may change, share and (own data) publish.
bool MayManageDataset(const Principal& principal, std::string_view name, const v1::Dataset& dataset);
// Rows, and members of cohorts: custodians, and the creator of data that he uploaded himself.
bool MayReadRows(const Principal& principal, std::string_view name, const v1::Dataset& dataset);
// The same by the name of the dataset or of anything in it.
bool MayReadRowsOf(const Principal& principal, const view::State& state, std::string_view name);
// A result: everybody who sees the analysis once it is released; before, the custodians who decide, never the
// requester.
bool MaySeeResult(const Principal& principal, const view::State& state, std::string_view name,
                  const v1::Analysis& analysis);

// Whom a dataset lets see what belongs to it, beside its creator: its readers.
std::vector<std::string> NamedByDataset(std::string_view name, const view::Row& dataset);

}  // namespace trialog::analytics
