// Analytics end to end: real log, stores, keys, blobs, worker and server.
#include "services/analytics/app/analytics_app.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/analytics/app/test_service.h"
#include "services/analytics/domain/analysis.h"
#include "services/analytics/domain/lung_dataset.h"
#include "trialog/analytics/v1/cohort.pb.h"

namespace trialog::analytics {
namespace {

using testing::ElementsAre;
using v1::Analysis;

constexpr const char* kDataset = "organizations/o/datasets/lung";
constexpr const char* kVersion = "organizations/o/datasets/lung/versions/1";
constexpr const char* kCohort = "organizations/o/datasets/lung/cohorts/all";

class AnalyticsTest : public testing::Test {
 protected:
  AnalyticsTest() {
    service_.Grant(kAnn, {ROLE_ANALYST});
    service_.Grant(kBob, {ROLE_ANALYST});
    service_.Grant(kCleo, {ROLE_DATA_CUSTODIAN});
    service_.Grant(kDana, {ROLE_ANALYST, ROLE_DATA_CUSTODIAN});
  }

  template <typename Response, typename Request>
  Response Must(std::string_view method, const Request& request, const std::string& user) {
    auto response = service_.Call<Response>(method, request, user);
    EXPECT_TRUE(response.ok()) << method << ": " << response.status();
    return response.ok() ? *std::move(response) : Response();
  }
  template <typename Response, typename Request>
  std::string ReasonWhen(std::string_view method, const Request& request, const std::string& user) {
    auto response = service_.Call<Response>(method, request, user);
    EXPECT_FALSE(response.ok()) << response->ShortDebugString();
    return ReasonOf(response.status());
  }

  static v1::CreateDatasetRequest LungUpload() {
    v1::CreateDatasetRequest request;
    request.set_parent("organizations/o");
    request.set_dataset_id("lung");
    request.mutable_dataset()->set_display_name("Lung");
    const LungDataset lung = ReadLungDataset(TRIALOG_TEST_DATA "/lung.csv");
    *request.mutable_columns() = lung.columns;
    *request.mutable_rows() = lung.rows;
    return request;
  }

  // Ann's lung data, published, with a frozen cohort of all rows.
  void UploadLung() {
    Must<v1::Dataset>("DatasetService/CreateDataset", LungUpload(), kAnn);
    v1::PublishVersionRequest publish;
    publish.set_name(kVersion);
    Must<v1::DatasetVersion>("DatasetService/PublishVersion", publish, kAnn);
    MakeCohort("all", std::nullopt);
    v1::FreezeCohortRequest freeze;
    freeze.set_name(kCohort);
    Must<v1::Cohort>("CohortService/FreezeCohort", freeze, kAnn);
  }
  // A draft cohort of one institution, or of all rows.
  void MakeCohort(const std::string& id, std::optional<int> institution) {
    v1::CreateCohortRequest request;
    request.set_parent(kDataset);
    request.set_cohort_id(id);
    request.mutable_cohort()->set_display_name(id);
    request.mutable_cohort()->set_dataset_version(kVersion);
    if (institution) {
      v1::Criterion& criterion = *request.mutable_cohort()->add_criteria();
      criterion.set_display_name("institution");
      auto& comparison = *criterion.mutable_condition()->mutable_comparison();
      comparison.set_column("inst");
      comparison.set_operator_(v1::Condition::Comparison::OPERATOR_EQ);
      comparison.mutable_value()->set_integer(*institution);
    }
    Must<v1::Cohort>("CohortService/CreateCohort", request, kAnn);
  }

  // Asks for a log-rank test by a column.
  std::string Ask(const std::string& user, const std::string& column, const std::string& id) {
    v1::RequestAnalysisRequest request;
    request.set_parent(kCohort);
    request.set_analysis_id(id);
    *request.mutable_spec()->mutable_log_rank() = LungSurvivalBy(column);
    return Must<Analysis>("AnalysisService/RequestAnalysis", request, user).name();
  }

  std::unique_ptr<rpc::AnyReader> Watch(const std::string& user) {
    v1::WatchAnalysesRequest request;
    request.set_parent(kCohort);
    return service_.client().Open("trialog.analytics.v1.AnalysisService/WatchAnalyses", request, service_.As(user));
  }
  // Reads a watch until the analysis has come to one of its resting states.
  static Analysis AwaitEnd(rpc::AnyReader& watch, const std::string& name) {
    v1::WatchAnalysesResponse response;
    while (watch.Read(response)) {
      for (const auto& change : response.changes()) {
        const Analysis& analysis = change.analysis();
        if (analysis.name() == name && analysis.state() >= Analysis::STATE_SUCCEEDED) return analysis;
      }
    }
    ADD_FAILURE() << watch.Finish();
    return {};
  }
  Analysis Compute(const std::string& user, const std::string& column, const std::string& id) {
    return AwaitEnd(*Watch(user), Ask(user, column, id));
  }

  v1::AnalysisResult ResultOf(const std::string& name, const std::string& user) {
    v1::GetAnalysisResultRequest request;
    request.set_name(name);
    return Must<v1::AnalysisResult>("AnalysisService/GetAnalysisResult", request, user);
  }

  const std::string kAnn = "organizations/o/users/ann";    // Analyst, owns the data.
  const std::string kBob = "organizations/o/users/bob";    // Analyst.
  const std::string kCleo = "organizations/o/users/cleo";  // Custodian.
  const std::string kDana = "organizations/o/users/dana";  // Both.
  TestService service_;
};

TEST_F(AnalyticsTest, ComputesAndReleasesAnOwnAnalysisWithTheReferenceFigures) {
  service_.Start();
  UploadLung();
  const Analysis analysis = Compute(kAnn, "sex", "by-sex");
  EXPECT_EQ(analysis.state(), Analysis::STATE_RELEASED);
  const v1::AnalysisResult result = ResultOf(analysis.name(), kAnn);
  ASSERT_EQ(result.survival().curves_size(), 2);
  EXPECT_EQ(result.survival().curves(0).median(), 270);
  EXPECT_EQ(result.survival().curves(1).median(), 426);
  EXPECT_NEAR(result.survival().log_rank().chi_square(), 10.33, 0.005);
}

}  // namespace
}  // namespace trialog::analytics
