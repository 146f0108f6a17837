// Scene B: sign in, a dataset with rows, a cohort, its result live, a message to a colleague.
#include "absl/strings/str_format.h"
#include "platform/text/text.h"
#include "services/trialogctl/demo/analyses.h"
#include "services/trialogctl/demo/services.h"
#include "services/trialogctl/demo/world.h"
#include "trialog/analytics/v1/analysis.pb.h"
#include "trialog/analytics/v1/cohort.pb.h"
#include "trialog/analytics/v1/dataset.pb.h"
#include "trialog/analytics/v1/result.pb.h"
#include "trialog/trials/v1/messaging.pb.h"
#include "trialog/trials/v1/patient.pb.h"

namespace trialog::ctl::demo {
namespace {

using analytics::v1::Analysis;

constexpr int kRows = 40;  // Made-up people; every other one a woman.

analytics::v1::Column ColumnOf(const char* name, analytics::v1::ColumnType type) {
  analytics::v1::Column column;
  column.set_name(name);
  column.set_type(type);
  return column;
}

// A dataset of the statistician's own, published and shared with the colleague; the name of its version.
std::string CreateDataset(const World& world, Steps& steps, const Person& statistician) {
  analytics::v1::CreateDatasetRequest create;
  create.set_parent(world.organization);
  create.set_dataset_id("scene-visits");
  create.mutable_dataset()->set_display_name("Visits");
  create.mutable_dataset()->set_description("Made-up rows of the demo");
  *create.add_columns() = ColumnOf("sex", analytics::v1::COLUMN_TYPE_TEXT);
  *create.add_columns() = ColumnOf("age", analytics::v1::COLUMN_TYPE_INTEGER);
  for (int row = 0; row < kRows; ++row) {
    analytics::v1::DataRow& added = *create.add_rows();
    added.set_subject(Cat("made-up-", row));
    added.add_values()->set_text(row % 2 == 0 ? "female" : "male");
    added.add_values()->set_integer(40 + row);
  }
  const auto made =
      steps.Call<analytics::v1::Dataset>(statistician, Cat(kDatasets, "CreateDataset"), std::move(create));
  analytics::v1::PublishVersionRequest publish;
  publish.set_name(Cat(made.name(), "/versions/1"));
  const auto version =
      steps.Call<analytics::v1::DatasetVersion>(statistician, Cat(kDatasets, "PublishVersion"), std::move(publish));
  analytics::v1::ShareDatasetRequest share;
  share.set_name(made.name());
  share.set_user(world.Who("colleague").name);
  steps.Call<analytics::v1::Dataset>(statistician, Cat(kDatasets, "ShareDataset"), std::move(share));
  if (steps.ok()) {
    Say(Cat("  the statistician creates a dataset of ", version.row_count(), " rows, shared with a colleague"));
  }
  return version.name();
}

// The women of a dataset's version, frozen; its name.
std::string CreateCohort(Steps& steps, const Person& statistician, const std::string& version) {
  analytics::v1::CreateCohortRequest create;
  create.set_parent(version.substr(0, version.find("/versions/")));
  create.set_cohort_id("women");
  auto& cohort = *create.mutable_cohort();
  cohort.set_display_name("Women");
  cohort.set_dataset_version(version);
  auto& criterion = *cohort.add_criteria();
  criterion.set_display_name("Women");
  auto& comparison = *criterion.mutable_condition()->mutable_comparison();
  comparison.set_column("sex");
  comparison.set_operator_(analytics::v1::Condition::Comparison::OPERATOR_EQ);
  comparison.mutable_value()->set_text("female");
  const auto made = steps.Call<analytics::v1::Cohort>(statistician, Cat(kCohorts, "CreateCohort"), std::move(create));
  analytics::v1::FreezeCohortRequest freeze;
  freeze.set_name(made.name());
  steps.Call<analytics::v1::Cohort>(statistician, Cat(kCohorts, "FreezeCohort"), std::move(freeze));
  if (steps.ok()) Say("  the statistician makes a cohort by criteria");
  return made.name();
}

// Describes the cohort's ages: asked for, seen on the watch, released, read.
void AskLive(const World& world, Steps& steps, const Person& statistician, const std::string& cohort) {
  analytics::v1::WatchAnalysesRequest watch;
  watch.set_parent(cohort);
  AnalysesWatch live(steps, statistician, Cat(kAnalyses, "WatchAnalyses"), watch);
  if (steps.ok()) Say("  the statistician watches the cohort's analyses");
  analytics::v1::RequestAnalysisRequest request;
  request.set_parent(cohort);
  request.set_analysis_id("ages");
  request.mutable_spec()->mutable_describe()->add_columns("age");
  const auto asked = steps.Call<Analysis>(statistician, Cat(kAnalyses, "RequestAnalysis"), std::move(request));
  if (steps.ok()) Say("  the statistician asks to describe the ages");
  analytics::v1::ListAnalysesRequest list;
  list.set_parent(cohort);
  const auto listed =
      steps.Call<analytics::v1::ListAnalysesResponse>(statistician, Cat(kAnalyses, "ListAnalyses"), std::move(list));
  if (steps.ok()) Say(Cat("  the statistician lists the cohort's requests: ", listed.analyses_size()));
  if (!ReleaseOnceComputed(world, steps, live, asked.name())) return;
  analytics::v1::GetAnalysisResultRequest get;
  get.set_name(asked.name());
  const auto result =
      steps.Call<analytics::v1::AnalysisResult>(statistician, Cat(kAnalyses, "GetAnalysisResult"), std::move(get));
  for (const auto& column : result.describe().summaries()) {
    Say(absl::StrFormat("  the statistician reads it: %s, n %s, mean %.1f", column.column(), Shown(column.n()),
                        column.mean()));
  }
}

void TellColleague(const World& world, Steps& steps, const Person& statistician, const std::string& context) {
  const Person& colleague = world.Who("colleague");
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
  Steps steps(world.client, /*told=*/true);
  Say("scene B, statistics");
  const Person statistician = steps.SignIn(world.Who("statistician"));
  if (steps.ok()) Say("  the statistician, who has registered by invitation, signs in");
  const std::string cohort = CreateCohort(steps, statistician, CreateDataset(world, steps, statistician));
  AskLive(world, steps, statistician, cohort);
  TellColleague(world, steps, statistician, cohort);

  trials::v1::GetPatientRequest patient;
  patient.set_name(world.Patient(0));
  ShowRefusal(world, steps, statistician, "the statistician reads a patient's record",
              "trialog.trials.v1.PatientService/GetPatient",
              steps.Refused<trials::v1::Patient>(statistician, "trialog.trials.v1.PatientService/GetPatient",
                                                 std::move(patient)));
  return steps.status();
}

}  // namespace trialog::ctl::demo
