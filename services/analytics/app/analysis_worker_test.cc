#include "services/analytics/app/analysis_worker.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "services/analytics/app/test_world.h"
#include "services/analytics/domain/analysis.h"

namespace trialog::analytics {
namespace {

class AnalysisWorkerTest : public AnalyticsTest {
 protected:
  // A worker takes the analysis up and is lost.
  void StartAndLose(const std::string& name) {
    absl::Notification started;
    service_.host().backend().SubmitInternal(
        "o", "analytics/StartAnalysis", std::nullopt,
        [&](const view::State& state, const Context& context) { return StartAnalysis(state, context, name); },
        [&](const absl::StatusOr<Outcome>& outcome) {
          EXPECT_TRUE(outcome.ok()) << outcome.status();
          started.Notify();
        });
    started.WaitForNotification();
  }
  // The blobs of the service as files.
  std::vector<std::filesystem::path> Blobs() const {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(service_.path() + "/blobs")) files.push_back(entry);
    return files;
  }
};

TEST_F(AnalysisWorkerTest, ComputesAfterARestartWhatWaitedBefore) {
  service_.Start(/*run_worker=*/false);
  UploadLung();
  const std::string name = Ask(kAnn, "sex", "by-sex");
  service_.Stop();
  service_.Start();
  const Analysis analysis = Watch(kAnn).AwaitEnd(name);
  EXPECT_EQ(analysis.state(), Analysis::STATE_RELEASED);
  EXPECT_EQ(analysis.attempts(), 1);
}

TEST_F(AnalysisWorkerTest, ComputesAgainWhatALostWorkerWasComputing) {
  service_.Start(/*run_worker=*/false);
  UploadLung();
  const std::string name = Ask(kAnn, "sex", "by-sex");
  StartAndLose(name);
  service_.Stop();
  service_.Start();
  const Analysis analysis = Watch(kAnn).AwaitEnd(name);
  EXPECT_EQ(analysis.state(), Analysis::STATE_RELEASED);
  EXPECT_EQ(analysis.attempts(), 2);
}

TEST_F(AnalysisWorkerTest, GivesUpWhatKeepsLosingItsWorker) {
  service_.Start(/*run_worker=*/false);
  UploadLung();
  const std::string name = Ask(kAnn, "sex", "by-sex");
  for (int attempt = 1; attempt <= kMaxAttempts; ++attempt) {
    StartAndLose(name);
    if (attempt == kMaxAttempts) break;
    absl::Notification requeued;
    service_.host().backend().SubmitInternal(
        "o", "analytics/RequeueAnalysis", std::nullopt,
        [&](const view::State& state, const Context& context) { return RequeueAnalysis(state, context, name); },
        [&](const absl::StatusOr<Outcome>&) { requeued.Notify(); });
    requeued.WaitForNotification();
  }
  service_.Stop();
  service_.Start();
  const Analysis analysis = Watch(kAnn).AwaitEnd(name);
  EXPECT_EQ(analysis.state(), Analysis::STATE_FAILED);
  EXPECT_EQ(analysis.failure_reason(), "WORKER_LOST");
}

TEST_F(AnalysisWorkerTest, LeavesACancelledAnalysisAlone) {
  service_.Start(/*run_worker=*/false);
  UploadLung();
  const std::string cancelled = Ask(kAnn, "sex", "cancelled");
  StartAndLose(cancelled);
  v1::CancelAnalysisRequest cancel;
  cancel.set_name(cancelled);
  Must<Analysis>("AnalysisService/CancelAnalysis", cancel, kAnn);
  const std::string next = Ask(kAnn, "sex", "next");
  service_.Stop();
  service_.Start();
  AnalysisWatch watch = Watch(kAnn);
  EXPECT_EQ(watch.AwaitEnd(next).state(), Analysis::STATE_RELEASED);  // The worker has passed the older one by.
  EXPECT_EQ(GetAnalysis(cancelled, kAnn).state(), Analysis::STATE_CANCELLED);
}

TEST_F(AnalysisWorkerTest, ComputesManyInTheOrderAsked) {
  service_.Start();
  UploadLung();
  AnalysisWatch watch = Watch(kAnn);
  std::vector<std::string> asked;
  for (int i = 0; i < 5; ++i) asked.push_back(Ask(kAnn, "sex", Cat("a", i)));
  for (const std::string& name : asked) EXPECT_EQ(watch.AwaitEnd(name).state(), Analysis::STATE_RELEASED);
  EXPECT_EQ(watch.order(), asked);
}

TEST_F(AnalysisWorkerTest, FailsAnAnalysisWhoseRowsAreDamagedAndGoesOn) {
  service_.Start(/*run_worker=*/false);
  UploadLung();
  const std::string name = Ask(kAnn, "sex", "by-sex");
  service_.Stop();
  const auto blobs = Blobs();
  ASSERT_EQ(blobs.size(), 1u);
  const auto size = std::filesystem::file_size(blobs[0]);
  std::filesystem::resize_file(blobs[0], size - 1);
  service_.Start();
  AnalysisWatch watch = Watch(kAnn);
  const Analysis analysis = watch.AwaitEnd(name);
  EXPECT_EQ(analysis.state(), Analysis::STATE_FAILED);
  EXPECT_EQ(analysis.failure_reason(), "ROWS_DAMAGED");
  EXPECT_EQ(watch.AwaitEnd(Ask(kAnn, "inst", "next")).state(), Analysis::STATE_FAILED);
}

TEST_F(AnalysisWorkerTest, FailsAnAnalysisWithMoreGroupsThanMayBeShown) {
  service_.Start();
  UploadLung();
  const Analysis analysis = Compute(kAnn, "enroll_date", "by-day");
  EXPECT_EQ(analysis.state(), Analysis::STATE_FAILED);
  EXPECT_EQ(analysis.failure_reason(), "TOO_MANY_GROUPS");
}

TEST_F(AnalysisWorkerTest, FailsAnAnalysisWhoseRowsWereErased) {
  service_.Start();
  UploadLung();
  const std::string released = Compute(kAnn, "sex", "by-sex").name();
  ASSERT_TRUE(service_.key_store().Destroy(kDataset).ok());
  const Analysis analysis = Compute(kAnn, "inst", "by-inst");
  EXPECT_EQ(analysis.state(), Analysis::STATE_FAILED);
  EXPECT_EQ(analysis.failure_reason(), "ROWS_ERASED");
  EXPECT_EQ(ReasonOfResult(released, kAnn), "RESULT_ERASED");
  v1::GetAttritionRequest attrition;
  attrition.set_name(kCohort);
  EXPECT_EQ(ReasonWhen<v1::Attrition>("CohortService/GetAttrition", attrition, kAnn), "ROWS_ERASED");
}

}  // namespace
}  // namespace trialog::analytics
