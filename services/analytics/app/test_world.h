// For tests: people, the lung data and what they do with it, on a TestService.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "services/analytics/app/test_service.h"
#include "services/analytics/domain/lung_dataset.h"
#include "trialog/analytics/v1/cohort.pb.h"
#include "trialog/analytics/v1/result.pb.h"

namespace trialog::analytics {

using v1::Analysis;

inline constexpr const char* kDataset = "organizations/o/datasets/lung";
inline constexpr const char* kVersion = "organizations/o/datasets/lung/versions/1";
inline constexpr const char* kCohort = "organizations/o/datasets/lung/cohorts/all";

// A watch of a cohort's analyses, read as far as a test needs it.
class AnalysisWatch {
 public:
  explicit AnalysisWatch(std::unique_ptr<rpc::AnyReader> reader) : reader_(std::move(reader)) {}

  // Until what stood at the start was sent.
  void AwaitInitial() {
    while (!initial_done_ && Read()) {
    }
  }
  // Until the analysis is where no worker takes it further.
  Analysis AwaitEnd(const std::string& name) {
    while (!ended_.contains(name) && Read()) {
    }
    return ended_[name];
  }
  // Names in the order in which they ended.
  const std::vector<std::string>& order() const { return order_; }

 private:
  bool Read() {
    v1::WatchAnalysesResponse response;
    if (!reader_->Read(response)) {
      ADD_FAILURE() << reader_->Finish();
      return false;
    }
    initial_done_ = initial_done_ || response.initial_done();
    for (const auto& change : response.changes()) {
      const Analysis& analysis = change.analysis();
      if (analysis.state() < Analysis::STATE_SUCCEEDED) continue;
      if (!ended_.contains(analysis.name())) order_.push_back(analysis.name());
      ended_[analysis.name()] = analysis;
    }
    return true;
  }

  std::unique_ptr<rpc::AnyReader> reader_;
  std::map<std::string, Analysis> ended_;
  std::vector<std::string> order_;
  bool initial_done_ = false;
};

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
    PublishLung();
  }
  void PublishLung() {
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

  AnalysisWatch Watch(const std::string& user) {
    v1::WatchAnalysesRequest request;
    request.set_parent(kCohort);
    return AnalysisWatch(
        service_.client().Open("trialog.analytics.v1.AnalysisService/WatchAnalyses", request, service_.As(user)));
  }
  Analysis Compute(const std::string& user, const std::string& column, const std::string& id) {
    return Watch(user).AwaitEnd(Ask(user, column, id));
  }

  // Shares Ann's dataset: from then on a custodian releases.
  void ShareWith(const std::string& user) {
    v1::ShareDatasetRequest request;
    request.set_name(kDataset);
    request.set_user(user);
    Must<v1::Dataset>("DatasetService/ShareDataset", request, kAnn);
  }
  Analysis GetAnalysis(const std::string& name, const std::string& user) {
    v1::GetAnalysisRequest request;
    request.set_name(name);
    return Must<Analysis>("AnalysisService/GetAnalysis", request, user);
  }
  Analysis Release(const std::string& name, const std::string& user) {
    v1::ReleaseAnalysisRequest request;
    request.set_name(name);
    return Must<Analysis>("AnalysisService/ReleaseAnalysis", request, user);
  }
  std::string ReasonOfResult(const std::string& name, const std::string& user) {
    v1::GetAnalysisResultRequest request;
    request.set_name(name);
    return ReasonWhen<v1::AnalysisResult>("AnalysisService/GetAnalysisResult", request, user);
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

}  // namespace trialog::analytics
