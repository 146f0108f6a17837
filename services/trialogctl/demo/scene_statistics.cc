// Scene B: register, cohort, result live, a message to a colleague.
#include "platform/text/text.h"
#include "services/trialogctl/demo/world.h"
#include "trialog/analytics/v1/analysis.pb.h"
#include "trialog/analytics/v1/cohort.pb.h"
#include "trialog/trials/v1/messaging.pb.h"
#include "trialog/trials/v1/patient.pb.h"

namespace trialog::ctl::demo {
namespace {

using analytics::v1::Analysis;

constexpr char kMessages[] = "trialog.trials.v1.MessagingService/";

// Describes ages of the cohort of women: asked for, then seen on the watch.
void AskLive(const World& world, Steps& steps, const std::string& cohort) {
  const Person& statistician = world.Who("statistician");
  analytics::v1::WatchAnalysesRequest watch;
  watch.set_parent(cohort);
  Watch<analytics::v1::WatchAnalysesResponse> live(steps, statistician,
                                                   "trialog.analytics.v1.AnalysisService/WatchAnalyses", watch);
  Say("  the statistician watches the cohort's analyses");
  analytics::v1::RequestAnalysisRequest request;
  request.set_parent(cohort);
  request.set_analysis_id("ages");
  request.mutable_spec()->mutable_describe()->add_columns("age");
  const auto asked =
      steps.Call<Analysis>(statistician, "trialog.analytics.v1.AnalysisService/RequestAnalysis", std::move(request));
  Say("  the statistician asks to describe the ages");
  const auto change = live.Until([&](const auto& seen) {
    return seen.analysis().name() == asked.name() && seen.analysis().state() >= Analysis::STATE_SUCCEEDED;
  });
  if (steps.ok()) Say(Cat("  the watch shows it: ", Analysis::State_Name(change.analysis().state())));
  analytics::v1::ListAnalysesRequest list;
  list.set_parent(cohort);
  const auto listed = steps.Call<analytics::v1::ListAnalysesResponse>(
      statistician, "trialog.analytics.v1.AnalysisService/ListAnalyses", std::move(list));
  Say(Cat("  the cohort's requests: ", listed.analyses_size()));
}

void TellColleague(const World& world, Steps& steps, const std::string& context) {
  const Person &statistician = world.Who("statistician"), &colleague = world.Who("colleague");
  trials::v1::WatchMessagesRequest watch;
  watch.set_parent(Cat(world.organization, "/threads/-"));
  Watch<trials::v1::WatchMessagesResponse> live(steps, colleague, Cat(kMessages, "WatchMessages"), watch);
  trials::v1::SendMessageRequest send;
  send.set_parent(Cat(world.organization, "/threads/demo-statistics"));
  send.add_recipients(colleague.name);
  send.mutable_message()->set_body("made-up: the women's cohort is ready");
  send.mutable_message()->set_context(context);
  const auto sent = steps.Call<trials::v1::Message>(statistician, Cat(kMessages, "SendMessage"), std::move(send));
  live.Until([&](const auto& change) { return change.message().name() == sent.name(); });
  if (steps.ok()) Say("  the statistician messages a colleague, whose watch shows it");
}

}  // namespace

absl::Status SceneStatistics(const World& world) {
  Steps steps(world.client);
  Say("scene B, statistics");
  const Person& statistician = world.Who("statistician");
  Say("  the statistician has registered by invitation");
  analytics::v1::CreateCohortRequest create;
  create.set_parent(world.Dataset());
  create.set_cohort_id("women");
  auto& cohort = *create.mutable_cohort();
  cohort.set_display_name("Women");
  cohort.set_dataset_version(Cat(world.Dataset(), "/versions/2"));
  auto& criterion = *cohort.add_criteria();
  criterion.set_display_name("Women");
  auto& comparison = *criterion.mutable_condition()->mutable_comparison();
  comparison.set_column("sex");
  comparison.set_operator_(analytics::v1::Condition::Comparison::OPERATOR_EQ);
  comparison.mutable_value()->set_text("female");
  const auto made = steps.Call<analytics::v1::Cohort>(statistician, "trialog.analytics.v1.CohortService/CreateCohort",
                                                      std::move(create));
  analytics::v1::FreezeCohortRequest freeze;
  freeze.set_name(made.name());
  steps.Call<analytics::v1::Cohort>(statistician, "trialog.analytics.v1.CohortService/FreezeCohort", std::move(freeze));
  if (steps.ok()) Say("  the statistician makes a cohort by criteria");
  AskLive(world, steps, made.name());
  TellColleague(world, steps, made.name());

  trials::v1::GetPatientRequest patient;
  patient.set_name(world.Patient(0));
  ShowRefusal(world, steps, statistician, "the statistician reads a patient's record",
              "trialog.trials.v1.PatientService/GetPatient",
              steps.Refused<trials::v1::Patient>(statistician, "trialog.trials.v1.PatientService/GetPatient",
                                                 std::move(patient)));
  return steps.status();
}

}  // namespace trialog::ctl::demo
