// Dataset versions from the trial, and the analyses asked of them. Whatever is printed was computed by the service.
#include <cstdio>
#include <fstream>

#include "absl/strings/str_format.h"
#include "platform/text/text.h"
#include "services/trialogctl/demo/analyses.h"
#include "services/trialogctl/demo/services.h"
#include "services/trialogctl/demo/world.h"
#include "trialog/analytics/v1/analysis.pb.h"
#include "trialog/analytics/v1/cohort.pb.h"
#include "trialog/analytics/v1/dataset.pb.h"
#include "trialog/analytics/v1/result.pb.h"

namespace trialog::ctl::demo {
namespace {

using analytics::v1::Analysis;

std::string CohortOf(const World& world, int version) { return Cat(world.Dataset(), "/cohorts/adults-v", version); }
std::string AnalysisOf(const World& world, int version, std::string_view kind) {
  return Cat(CohortOf(world, version), "/analyses/", kind);
}

void MakeDataset(const World& world, Steps& steps) {
  analytics::v1::CreateDatasetRequest create;
  create.set_parent(world.organization);
  create.set_dataset_id("lung");
  create.mutable_dataset()->set_display_name("Lung trial");
  create.mutable_dataset()->set_description("Coded captures of the trial, one row a subject");
  steps.Call<analytics::v1::Dataset>(world.Who("custodian"), Cat(kDatasets, "CreateDataset"), std::move(create));
  for (const char* reader : {"statistician", "colleague"}) {
    analytics::v1::ShareDatasetRequest share;
    share.set_name(world.Dataset());
    share.set_user(world.Who(reader).name);
    steps.Call<analytics::v1::Dataset>(world.Who("custodian"), Cat(kDatasets, "ShareDataset"), std::move(share));
  }
}

void ImportVersion(const World& world, Steps& steps, int version) {
  analytics::v1::ImportFromTrialRequest import;
  import.set_name(world.Dataset());
  import.set_trial(world.Trial());
  for (const auto& [name, type] :
       {std::pair("enroll_date", analytics::v1::COLUMN_TYPE_DATE),
        std::pair("last_contact_date", analytics::v1::COLUMN_TYPE_DATE),
        std::pair("vital_status", analytics::v1::COLUMN_TYPE_TEXT), std::pair("sex", analytics::v1::COLUMN_TYPE_TEXT),
        std::pair("institution", analytics::v1::COLUMN_TYPE_TEXT), std::pair("age", analytics::v1::COLUMN_TYPE_INTEGER),
        std::pair("ph_ecog", analytics::v1::COLUMN_TYPE_INTEGER),
        std::pair("ph_karno", analytics::v1::COLUMN_TYPE_INTEGER),
        std::pair("pat_karno", analytics::v1::COLUMN_TYPE_INTEGER),
        std::pair("meal_cal", analytics::v1::COLUMN_TYPE_INTEGER),
        std::pair("wt_loss", analytics::v1::COLUMN_TYPE_INTEGER)}) {
    auto& column = *import.add_columns();
    column.set_name(name);
    column.set_type(type);
  }
  const auto imported = steps.Call<analytics::v1::DatasetVersion>(
      world.Who("custodian"), Cat(kDatasets, "ImportFromTrial"), std::move(import), Cat("version ", version));
  analytics::v1::PublishVersionRequest publish;
  publish.set_name(imported.name());
  steps.Call<analytics::v1::DatasetVersion>(world.Who("custodian"), Cat(kDatasets, "PublishVersion"),
                                            std::move(publish));
  if (steps.ok()) Say(Cat("dataset version ", version, ": ", imported.row_count(), " rows from the trial, published"));
}

void MakeCohort(const World& world, Steps& steps, int version) {
  analytics::v1::CreateCohortRequest create;
  create.set_parent(world.Dataset());
  create.set_cohort_id(Cat("adults-v", version));
  auto& cohort = *create.mutable_cohort();
  cohort.set_display_name("Adults");
  cohort.set_dataset_version(Cat(world.Dataset(), "/versions/", version));
  auto& criterion = *cohort.add_criteria();
  criterion.set_display_name("18 years or older");
  auto& comparison = *criterion.mutable_condition()->mutable_comparison();
  comparison.set_column("age");
  comparison.set_operator_(analytics::v1::Condition::Comparison::OPERATOR_GE);
  comparison.mutable_value()->set_integer(18);
  const Person& statistician = world.Who("statistician");
  steps.Call<analytics::v1::Cohort>(statistician, Cat(kCohorts, "CreateCohort"), std::move(create));
  analytics::v1::FreezeCohortRequest freeze;
  freeze.set_name(CohortOf(world, version));
  steps.Call<analytics::v1::Cohort>(statistician, Cat(kCohorts, "FreezeCohort"), std::move(freeze));
}

// Asks, waits on the open Watch for the result, and has the custodian release it.
void Analyze(const World& world, Steps& steps, int version, const std::string& kind, const std::string& group) {
  const Person& statistician = world.Who("statistician");
  analytics::v1::WatchAnalysesRequest watch;
  watch.set_parent(CohortOf(world, version));
  AnalysesWatch live(steps, statistician, Cat(kAnalyses, "WatchAnalyses"), watch);

  analytics::v1::RequestAnalysisRequest request;
  request.set_parent(CohortOf(world, version));
  request.set_analysis_id(kind);
  auto& spec = *request.mutable_spec()->mutable_log_rank();
  spec.set_start_column("enroll_date");
  spec.set_end_column("last_contact_date");
  spec.set_event_column("vital_status");
  spec.mutable_event_value()->set_text("dead");
  spec.set_group_column(group);
  steps.Call<Analysis>(statistician, Cat(kAnalyses, "RequestAnalysis"), std::move(request));
  ReleaseOnceComputed(world, steps, live, AnalysisOf(world, version, kind));
}

std::string Days(bool known, double days) { return known ? absl::StrFormat("%.0f", days) : "-"; }

void Print(const analytics::v1::SurvivalResult& result) {
  for (const auto& curve : result.curves()) {
    Say(absl::StrFormat("    %-16s n %6s  deaths %6s  median %5s days (95 %% %s to %s)", curve.group(),
                        Shown(curve.n()), Shown(curve.events()), Days(curve.has_median(), curve.median()),
                        Days(curve.has_median_lower(), curve.median_lower()),
                        Days(curve.has_median_upper(), curve.median_upper())));
  }
  if (result.has_log_rank()) {
    Say(absl::StrFormat("    log-rank chi-square %.4f on %d degrees of freedom, p %.6f", result.log_rank().chi_square(),
                        result.log_rank().degrees_of_freedom(), result.log_rank().p_value()));
  }
}

// What was withheld is not read, and said so.
void PrintOne(const World& world, Steps& steps, int version, std::string_view kind, std::string_view title) {
  analytics::v1::GetAnalysisResultRequest request;
  request.set_name(AnalysisOf(world, version, kind));
  const auto result = steps.CallUnless<analytics::v1::AnalysisResult>(
      "RESULT_NOT_SHOWN", world.Who("statistician"), Cat(kAnalyses, "GetAnalysisResult"), std::move(request));
  if (!steps.ok()) return;
  Say(Cat("  dataset version ", version, ", ", title, result ? "" : ": withheld"));
  if (result) Print(result->survival());
}

}  // namespace

absl::Status MakeFigures(const World& world, int version) {
  Steps steps(world.client);
  if (version == 1) MakeDataset(world, steps);
  ImportVersion(world, steps, version);
  MakeCohort(world, steps, version);
  Analyze(world, steps, version, "by-sex", "sex");
  if (version == 2) Analyze(world, steps, version, "by-institution", "institution");
  return steps.status();
}

absl::Status PrintFigures(const World& world, const std::string& plot_path) {
  Steps steps(world.client);
  PrintOne(world, steps, 1, "by-sex", "by sex, one follow-up typed wrong (kept as it was)");
  PrintOne(world, steps, 2, "by-sex", "by sex, corrected");
  PrintOne(world, steps, 2, "by-institution", "by institution");
  if (plot_path.empty()) return steps.status();
  analytics::v1::GetPlotRequest request;
  request.set_name(AnalysisOf(world, 2, "by-sex"));
  const auto plot = steps.Call<analytics::v1::GetPlotResponse>(world.Who("statistician"), Cat(kAnalyses, "GetPlot"),
                                                               std::move(request));
  if (!steps.ok()) return steps.status();
  std::ofstream(plot_path, std::ios::binary | std::ios::trunc) << plot.content();
  Say(Cat("  survival plot (", plot.content_type(), "): ", plot_path));
  return absl::OkStatus();
}

}  // namespace trialog::ctl::demo
