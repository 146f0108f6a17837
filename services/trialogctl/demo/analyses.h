// Analyses of the demo: waited for on an open Watch, released, and their counts as they are shown.
#pragma once

#include <string>

#include "services/trialogctl/demo/session.h"
#include "services/trialogctl/demo/world.h"
#include "trialog/analytics/v1/analysis.pb.h"
#include "trialog/analytics/v1/cohort.pb.h"

namespace trialog::ctl::demo {

using AnalysesWatch = Watch<analytics::v1::WatchAnalysesResponse>;

// Blocks until the watch shows the analysis computed, has the custodian release it, and blocks until the watch shows
// that too. Where a released result and this one would tell of a few people by their difference, the custodian
// withholds it: then false. An analysis that ends otherwise (failed, cancelled) is the steps' failure.
bool ReleaseOnceComputed(const World& world, Steps& steps, AnalysesWatch& live, const std::string& name);

// A count as the service shows it: exact, below a bound, or hidden.
std::string Shown(const analytics::v1::ShownCount& count);

}  // namespace trialog::ctl::demo
