// Analytics end to end: real log, stores, keys, blobs, worker and server.
#include "services/analytics/app/analytics_app.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/analytics/app/test_world.h"

namespace trialog::analytics {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

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
  EXPECT_EQ(result.dataset_version(), kVersion);
  EXPECT_EQ(result.dataset_sha256().size(), 32u);
}

TEST_F(AnalyticsTest, HidesTheSmallGroupsByInstitution) {
  service_.Start();
  UploadLung();
  const v1::AnalysisResult result = ResultOf(Compute(kAnn, "inst", "by-inst").name(), kAnn);
  std::vector<std::string> hidden;
  for (const v1::SurvivalCurve& curve : result.survival().curves()) {
    if (curve.n().kind_case() != v1::ShownCount::kExact) hidden.push_back(curve.group());
  }
  EXPECT_THAT(hidden, ElementsAre("4", "10", "33"));
  EXPECT_GT(result.hidden_count(), 0);
}

TEST_F(AnalyticsTest, WatchGivesTheResultLiveAndNeverTheLedger) {
  service_.Start();
  UploadLung();
  AnalysisWatch watch = Watch(kAnn);
  watch.AwaitInitial();
  const Analysis released = watch.AwaitEnd(Ask(kAnn, "sex", "by-sex"));
  EXPECT_EQ(released.state(), Analysis::STATE_RELEASED);
  EXPECT_EQ(released.released_sets_size(), 0);
  v1::AnalysisResult result;
  ASSERT_TRUE(result.ParseFromString(released.result()));
  EXPECT_EQ(result.survival().curves(0).median(), 270);
}

TEST_F(AnalyticsTest, VerifiesAndDrawsAReleasedResult) {
  service_.Start();
  UploadLung();
  const std::string name = Compute(kAnn, "sex", "by-sex").name();
  v1::VerifyAnalysisRequest verify;
  verify.set_name(name);
  const auto verified = Must<v1::VerifyAnalysisResponse>("AnalysisService/VerifyAnalysis", verify, kAnn);
  EXPECT_TRUE(verified.same());
  EXPECT_EQ(verified.stored_sha256(), verified.computed_sha256());
  v1::GetPlotRequest plot;
  plot.set_name(name);
  const auto drawn = Must<v1::GetPlotResponse>("AnalysisService/GetPlot", plot, kAnn);
  EXPECT_EQ(drawn.content_type(), "image/svg+xml");
  EXPECT_THAT(drawn.content(), HasSubstr("Survival by sex"));
}

TEST_F(AnalyticsTest, AnswersARetriedUploadWithTheFirstOutcome) {
  service_.Start();
  v1::CreateDatasetRequest request = LungUpload();
  request.clear_dataset_id();
  request.set_request_id("6b1f0f6e-5d0f-4c36-9b5e-6a1e0c0f0001");
  const auto first = Must<v1::Dataset>("DatasetService/CreateDataset", request, kAnn);
  const auto second = Must<v1::Dataset>("DatasetService/CreateDataset", request, kAnn);
  EXPECT_EQ(first.name(), second.name());
  request.mutable_rows()->RemoveLast();
  EXPECT_EQ(ReasonWhen<v1::Dataset>("DatasetService/CreateDataset", request, kAnn), "REQUEST_ID_REUSED");
}

TEST_F(AnalyticsTest, AnswersARetryThatWouldNowBeRefusedWithTheFirstOutcome) {
  service_.Start();
  v1::CreateDatasetRequest upload = LungUpload();
  upload.set_request_id("6b1f0f6e-5d0f-4c36-9b5e-6a1e0c0f0002");
  const auto made = Must<v1::Dataset>("DatasetService/CreateDataset", upload, kAnn);
  EXPECT_EQ(Must<v1::Dataset>("DatasetService/CreateDataset", upload, kAnn).uid(), made.uid());
  upload.clear_request_id();
  EXPECT_EQ(ReasonWhen<v1::Dataset>("DatasetService/CreateDataset", upload, kAnn), "ID_TAKEN");
}

TEST_F(AnalyticsTest, RefusesRowsThatDoNotFitTheirColumns) {
  service_.Start();
  v1::CreateDatasetRequest request = LungUpload();
  request.mutable_rows(3)->mutable_values(3)->set_text("1");
  EXPECT_EQ(ReasonWhen<v1::Dataset>("DatasetService/CreateDataset", request, kAnn), "WRONG_VALUE_TYPE");
}

TEST_F(AnalyticsTest, ListsAnalysesOfACohortADatasetAndAll) {
  service_.Start();
  UploadLung();
  Compute(kAnn, "sex", "first");
  Compute(kAnn, "inst", "second");
  for (const char* parent : {kCohort, "organizations/o/datasets/lung/cohorts/-", "organizations/o/datasets/-/cohorts/-",
                             "organizations/o/datasets/-/cohorts/all"}) {
    v1::ListAnalysesRequest request;
    request.set_parent(parent);
    const auto page = Must<v1::ListAnalysesResponse>("AnalysisService/ListAnalyses", request, kAnn);
    ASSERT_EQ(page.analyses_size(), 2) << parent;
    EXPECT_EQ(IdOf(page.analyses(0).name()), "second");  // Latest first.
    EXPECT_EQ(Must<v1::ListAnalysesResponse>("AnalysisService/ListAnalyses", request, kBob).analyses_size(), 0);
  }
}

TEST_F(AnalyticsTest, KeepsDatasetsFromOtherAnalystsAndOrganisations) {
  service_.Start();
  UploadLung();
  const std::string stranger = "organizations/p/users/paul";
  service_.Grant(stranger, {ROLE_ANALYST, ROLE_DATA_CUSTODIAN});
  v1::GetDatasetRequest get;
  get.set_name(kDataset);
  for (const std::string& user : {kBob, stranger}) {
    EXPECT_EQ(service_.Call<v1::Dataset>("DatasetService/GetDataset", get, user).status().code(),
              absl::StatusCode::kNotFound);
    v1::EvaluateCohortRequest evaluate;
    evaluate.set_name(kCohort);
    EXPECT_EQ(service_.Call<v1::EvaluateCohortResponse>("CohortService/EvaluateCohort", evaluate, user).status().code(),
              absl::StatusCode::kNotFound);
    v1::FreezeCohortRequest freeze;
    freeze.set_name(kCohort);
    EXPECT_EQ(service_.Call<v1::Cohort>("CohortService/FreezeCohort", freeze, user).status().code(),
              absl::StatusCode::kNotFound);
  }
  const v1::CreateDatasetRequest upload = LungUpload();
  EXPECT_THAT(service_.Call<v1::Dataset>("DatasetService/CreateDataset", upload, stranger).status().code(),
              testing::AnyOf(absl::StatusCode::kPermissionDenied, absl::StatusCode::kNotFound));
}

TEST_F(AnalyticsTest, GivesTheSameAnswersAfterARestart) {
  service_.Start();
  UploadLung();
  const std::string name = Compute(kAnn, "sex", "by-sex").name();
  const std::string before = GetAnalysis(name, kAnn).SerializeAsString();
  service_.Stop();
  service_.Start();
  EXPECT_EQ(GetAnalysis(name, kAnn).SerializeAsString(), before);
}

}  // namespace
}  // namespace trialog::analytics
