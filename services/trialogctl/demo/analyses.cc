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
  if (analysis.state() == Analysis::STATE_FAILED || analysis.state() == Analysis::STATE_CANCELLED) {
    steps.Fail(Refuse(absl::StatusCode::kFailedPrecondition, "ANALYSIS_WITHOUT_RESULT",
                      Cat(name, " is ", Analysis::State_Name(analysis.state()), " ", analysis.failure_reason())));
  }
  return analysis.state();
}

}  // namespace

bool ReleaseOnceComputed(const World& world, Steps& steps, AnalysesWatch& live, const std::string& name) {
  constexpr std::string_view kService = "trialog.analytics.v1.AnalysisService/";
  const Analysis::State computed = Ended(steps, live, name);
  if (steps.ok())
    Say(Cat("  the watch shows ", name.substr(name.rfind('/') + 1), ": ", Analysis::State_Name(computed)));
  if (computed == Analysis::STATE_WITHHELD) return false;
  const Person& custodian = world.Who("custodian");
  analytics::v1::ReleaseAnalysisRequest release;
  release.set_name(name);
  const bool released =
      steps.CallUnless<Analysis>("DIFFERENCING", custodian, Cat(kService, "ReleaseAnalysis"), std::move(release))
          .has_value();
  if (!released) {
    analytics::v1::WithholdAnalysisRequest withhold;
    withhold.set_name(name);
    withhold.set_reason("differs by a few people from a result that is released");
    steps.Call<Analysis>(custodian, Cat(kService, "WithholdAnalysis"), std::move(withhold));
  }
  const Analysis::State decided = released ? Analysis::STATE_RELEASED : Analysis::STATE_WITHHELD;
  live.Until([&](const auto& seen) { return seen.analysis().name() == name && seen.analysis().state() == decided; });
  if (steps.ok()) {
    Say(Cat("  the custodian ", released ? "releases it" : "withholds it (DIFFERENCING)",
            ", and the watch shows it: ", Analysis::State_Name(decided)));
  }
  return released;
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
