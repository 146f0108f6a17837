#include "services/analytics/domain/analysis.h"

#include <gtest/gtest.h>

#include "services/analytics/domain/access.h"
#include "services/analytics/domain/test_world.h"

namespace trialog::analytics {
namespace {

class OwnAnalysis : public World {
 protected:
  void SetUp() override {
    CreateOwn(ann_);
    Publish(ann_);
    MakeCohort(ann_);
    Freeze(ann_);
  }
};

class SharedAnalysis : public OwnAnalysis {
 protected:
  void SetUp() override {
    OwnAnalysis::SetUp();
    Share(ann_, "bob");
  }
};

TEST_F(OwnAnalysis, IsQueuedAtOnceAndReleasedByThePolicy) {
  EXPECT_EQ(Ask(ann_), "AnalysisRequested AnalysisMoved");
  EXPECT_EQ(StateOf("a"), v1::Analysis::STATE_QUEUED);
  EXPECT_EQ(Compute("a", 100), "AnalysisSucceeded AnalysisMoved");
  EXPECT_EQ(StateOf("a"), v1::Analysis::STATE_RELEASED);
}

TEST_F(OwnAnalysis, IsWithheldWhenAReleasedSetDiffersByAFew) {
  Ask(ann_, "a");
  Compute("a", 100);
  Ask(ann_, "b");
  Compute("b", 98);
  EXPECT_EQ(StateOf("b"), v1::Analysis::STATE_WITHHELD);
}

TEST_F(OwnAnalysis, IsUnknownToOthers) {
  EXPECT_EQ(Ask(bob_), ReasonOf(NotFound("cohort")));
  Principal stranger = cleo_;
  stranger.organization = "other";
  Ask(ann_);
  EXPECT_EQ(Release(stranger), ReasonOf(NotFound("analysis")));
}

TEST_F(OwnAnalysis, WaitsForACustodianWhenTheDatasetIsSharedMeanwhile) {
  Ask(ann_);
  Share(ann_, "bob");
  EXPECT_EQ(Compute("a", 100), "AnalysisSucceeded");
  EXPECT_EQ(StateOf("a"), v1::Analysis::STATE_SUCCEEDED);
}

TEST_F(SharedAnalysis, IsReleasedByACustodian) {
  Ask(bob_);
  Compute("a", 100);
  EXPECT_EQ(StateOf("a"), v1::Analysis::STATE_SUCCEEDED);
  EXPECT_EQ(Release(bob_), "NOT_CUSTODIAN");
  EXPECT_EQ(Release(cleo_), "AnalysisMoved");
  EXPECT_EQ(StateOf("a"), v1::Analysis::STATE_RELEASED);
}

TEST_F(SharedAnalysis, IsNotReleasedByItsOwnRequester) {
  Principal both = cleo_;
  both.grants.push_back({ROLE_ANALYST, "organizations/o"});
  EXPECT_EQ(Ask(both), "NOT_AN_ANALYST") << "sees it as custodian alone";
  Share(ann_, "cleo");
  Ask(both);
  Compute("a", 100);
  EXPECT_EQ(Release(both), "OWN_RESULT");
}

TEST_F(SharedAnalysis, IsNotReleasedAgainstTheLedger) {
  Ask(bob_, "a");
  Ask(bob_, "b");
  Compute("a", 100);
  Compute("b", 99);
  EXPECT_EQ(Release(cleo_, "a"), "AnalysisMoved");
  EXPECT_EQ(Release(cleo_, "b"), "DIFFERENCING");
}

TEST_F(SharedAnalysis, ResultIsSeenByTheRequesterOnlyOnceReleased) {
  Ask(bob_);
  Compute("a", 100);
  const auto see = [&](const Principal& who) {
    return MaySeeResult(who, state_, AnalysisName("a"), *state_.Get<v1::Analysis>(kAnalyses, AnalysisName("a")));
  };
  EXPECT_FALSE(see(bob_));
  EXPECT_TRUE(see(cleo_));
  Release(cleo_);
  EXPECT_TRUE(see(bob_));
}

TEST_F(OwnAnalysis, WorkIsReportedOnlyByTheServiceItself) {
  Ask(ann_);
  const Context context = As(ann_);
  EXPECT_EQ(ReasonOf(StartAnalysis(state_, context, AnalysisName("a")).status()), "INTERNAL_ONLY");
}

TEST_F(OwnAnalysis, FailsAfterItsWorkerWasLostTooOften) {
  Ask(ann_);
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    Context context = As(Worker());
    EXPECT_EQ(Do(context, StartAnalysis(state_, context, AnalysisName("a"))), "AnalysisMoved");
    context = As(Worker());
    EXPECT_EQ(Do(context, RequeueAnalysis(state_, context, AnalysisName("a"))), "AnalysisMoved");
  }
  EXPECT_EQ(StateOf("a"), v1::Analysis::STATE_FAILED);
}

TEST_F(OwnAnalysis, IsCancelledOnlyByItsRequesterAndOnce) {
  Ask(ann_);
  v1::CancelAnalysisRequest request;
  request.set_name(AnalysisName("a"));
  Context context = As(cleo_);
  EXPECT_EQ(Do(context, CancelAnalysis(state_, context, request)), "NOT_REQUESTER");
  context = As(ann_);
  EXPECT_EQ(Do(context, CancelAnalysis(state_, context, request)), "AnalysisMoved");
  context = As(ann_);
  EXPECT_EQ(Do(context, CancelAnalysis(state_, context, request)), "");  // Already so.
}

}  // namespace
}  // namespace trialog::analytics
