#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/analytics/app/test_trials.h"
#include "services/analytics/app/test_world.h"

namespace trialog::analytics {
namespace {

constexpr const char* kTrialDataset = "organizations/o/datasets/trial";

class ImportTest : public AnalyticsTest {
 protected:
  ImportTest() {
    service_.Start();
    trials_ = std::make_unique<TestTrials>(service_.host().directory());
    service_.set_trials(trials_->Channel());
    v1::CreateDatasetRequest request;
    request.set_parent("organizations/o");
    request.set_dataset_id("trial");
    request.mutable_dataset()->set_display_name("Trial");
    Must<v1::Dataset>("DatasetService/CreateDataset", request, kCleo);
  }
  ~ImportTest() override {
    service_.set_trials(nullptr);
    trials_.reset();
  }

  void AddSubject(const std::string& key, int64_t weight,
                  trials::v1::ConsentState consent = trials::v1::CONSENT_STATE_GIVEN) {
    auto& subject = trials_->subjects.emplace_back();
    subject.set_subject_key(key);
    subject.mutable_enroll_date()->set_year(2024);
    subject.mutable_enroll_date()->set_month(5);
    subject.mutable_enroll_date()->set_day(1);
    subject.set_consent_state(consent);
    subject.set_subject_state(trials::v1::SUBJECT_STATE_FOLLOW_UP);
    auto& capture = *subject.add_captures();
    capture.mutable_track_time()->set_seconds(1'720'000'000);
    auto& item = *capture.add_data_value();
    item.set_name("weight");
    item.mutable_value()->set_integer(weight);
  }

  static v1::ImportFromTrialRequest Request() {
    v1::ImportFromTrialRequest request;
    request.set_name(kTrialDataset);
    request.set_trial("organizations/o/trials/t");
    for (const auto& [name, type] :
         {std::pair("enroll_date", v1::COLUMN_TYPE_DATE), std::pair("weight", v1::COLUMN_TYPE_INTEGER)}) {
      v1::Column& column = *request.add_columns();
      column.set_name(name);
      column.set_type(type);
    }
    return request;
  }

  std::unique_ptr<TestTrials> trials_;
};

TEST_F(ImportTest, MakesADraftVersionOfConsentingSubjectsOnTheCallersBehalf) {
  for (int i = 0; i < 12; ++i) AddSubject(Cat("key-", i), 60 + i);
  AddSubject("key-withdrawn", 99, trials::v1::CONSENT_STATE_WITHDRAWN);
  const auto version = Must<v1::DatasetVersion>("DatasetService/ImportFromTrial", Request(), kCleo);
  EXPECT_EQ(version.name(), Cat(kTrialDataset, "/versions/1"));
  EXPECT_EQ(version.state(), v1::DatasetVersion::STATE_DRAFT);
  EXPECT_EQ(version.row_count(), 12);
  EXPECT_EQ(version.provenance().trial(), "organizations/o/trials/t");
  EXPECT_EQ(trials_->trial, "organizations/o/trials/t");
  EXPECT_EQ(trials_->caller.name(), kCleo);
  EXPECT_EQ(trials_->caller.on_behalf_by(), "analytics");
}

TEST_F(ImportTest, CarriesTheCallersTraceToTrials) {
  AddSubject("key-1", 70);
  rpc::ClientOptions options = service_.As(kCleo);
  const std::string trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  options.metadata = {{"traceparent", trace}};
  const auto version = service_.client().Call<v1::DatasetVersion>("trialog.analytics.v1.DatasetService/ImportFromTrial",
                                                                  Request(), options);
  ASSERT_TRUE(version.ok()) << version.status();
  EXPECT_EQ(trials_->traceparent, trace);
}

TEST_F(ImportTest, ImportsASecondVersionOfTheSameTrialAndNoOther) {
  AddSubject("key-1", 70);
  Must<v1::DatasetVersion>("DatasetService/ImportFromTrial", Request(), kCleo);
  const auto second = Must<v1::DatasetVersion>("DatasetService/ImportFromTrial", Request(), kCleo);
  EXPECT_EQ(second.name(), Cat(kTrialDataset, "/versions/2"));
  v1::ImportFromTrialRequest other = Request();
  other.set_trial("organizations/o/trials/u");
  EXPECT_EQ(ReasonWhen<v1::DatasetVersion>("DatasetService/ImportFromTrial", other, kCleo), "OTHER_SOURCE");
}

TEST_F(ImportTest, IsForCustodiansOnly) {
  EXPECT_EQ(service_.Call<v1::DatasetVersion>("DatasetService/ImportFromTrial", Request(), kAnn).status().code(),
            absl::StatusCode::kPermissionDenied);
  EXPECT_TRUE(trials_->caller.name().empty());
}

TEST_F(ImportTest, RefusesAColumnOfTheWrongTypeWithoutAVersion) {
  AddSubject("key-1", 70);
  v1::ImportFromTrialRequest request = Request();
  request.mutable_columns(1)->set_type(v1::COLUMN_TYPE_TEXT);
  EXPECT_EQ(ReasonWhen<v1::DatasetVersion>("DatasetService/ImportFromTrial", request, kCleo), "ITEM_TYPE");
  v1::GetDatasetRequest get;
  get.set_name(kTrialDataset);
  EXPECT_EQ(Must<v1::Dataset>("DatasetService/GetDataset", get, kCleo).latest_version(), 0);
}

TEST_F(ImportTest, SaysThatTrialsCannotBeReached) {
  service_.set_trials(nullptr);
  EXPECT_EQ(ReasonWhen<v1::DatasetVersion>("DatasetService/ImportFromTrial", Request(), kCleo), "TRIALS_UNAVAILABLE");
}

}  // namespace
}  // namespace trialog::analytics
