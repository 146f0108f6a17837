#include "services/trialogctl/demo/analyses.h"

#include "platform/errors/errors.h"
#include "platform/text/text.h"

namespace trialog::ctl::demo {
namespace {

using analytics::v1::Analysis;

// Blocks until the analysis has gone as far as a worker or a custodian takes it; that state.
Analysis::State Ended(Steps& steps, AnalysesWatch& live, const std::string& name) {
  const auto change = live.Until([&](const auto& seen) {
    return seen.analysis().name() == name && seen.analysis().state() >= Analysis::STATE_SUCCEEDED;
  });
  const Analysis& analysis = change.analysis();
  if (!steps.ok()) return analysis.state();
  if (analysis.state() != Analysis::STATE_SUCCEEDED && analysis.state() != Analysis::STATE_RELEASED) {
    steps.Fail(Refuse(absl::StatusCode::kFailedPrecondition, "ANALYSIS_WITHOUT_RESULT",
                      Cat(name, " is ", Analysis::State_Name(analysis.state()), " ", analysis.failure_reason())));
  }
  return analysis.state();
}

}  // namespace

void ReleaseOnceComputed(const World& world, Steps& steps, AnalysesWatch& live, const std::string& name) {
  const Analysis::State computed = Ended(steps, live, name);
  if (steps.ok())
    Say(Cat("  the watch shows ", name.substr(name.rfind('/') + 1), ": ", Analysis::State_Name(computed)));
  analytics::v1::ReleaseAnalysisRequest release;
  release.set_name(name);
  steps.Call<Analysis>(world.Who("custodian"), "trialog.analytics.v1.AnalysisService/ReleaseAnalysis",
                       std::move(release));
  live.Until([&](const auto& seen) {
    return seen.analysis().name() == name && seen.analysis().state() == Analysis::STATE_RELEASED;
  });
  if (steps.ok()) Say("  the custodian releases it, and the watch shows it: STATE_RELEASED");
}

std::string Shown(const analytics::v1::ShownCount& count) {
  switch (count.kind_case()) {
    case analytics::v1::ShownCount::kExact:
      return Cat(count.exact());
    case analytics::v1::ShownCount::kBelow:
      return Cat("< ", count.below());
    default:
      return "hidden";
  }
}

}  // namespace trialog::ctl::demo
