#include "services/analytics/domain/cohort.h"

#include <gtest/gtest.h>

#include "services/analytics/domain/test_world.h"

namespace trialog::analytics {
namespace {

class CohortTest : public World {
 protected:
  void SetUp() override { CreateOwn(ann_); }
};

TEST_F(CohortTest, IsMadeAsADraft) {
  EXPECT_EQ(MakeCohort(ann_), "CohortCreated");
  EXPECT_EQ(state_.Get<v1::Cohort>(kCohorts, kCohort)->state(), v1::Cohort::STATE_DRAFT);
}

TEST_F(CohortTest, OfAnUnsharedDatasetIsRefusedAsUnknown) {
  EXPECT_EQ(MakeCohort(bob_), ReasonOf(NotFound("dataset")));
}

TEST_F(CohortTest, IsForAnalystsNotForACustodianWhoIsAnAnalystElsewhere) {
  Principal both = cleo_;
  both.grants.push_back({ROLE_ANALYST, "organizations/o/datasets/other"});
  EXPECT_EQ(MakeCohort(both), "NOT_AN_ANALYST");
  MakeCohort(ann_);
  Publish(ann_);
  Freeze(ann_);
  EXPECT_EQ(Ask(both), "NOT_AN_ANALYST");
}

TEST_F(CohortTest, IsFrozenOnceItsVersionIsPublished) {
  MakeCohort(ann_);
  EXPECT_EQ(Freeze(ann_), "VERSION_NOT_PUBLISHED");
  Publish(ann_);
  EXPECT_EQ(Freeze(ann_), "CohortMoved");
  EXPECT_EQ(Freeze(ann_), "ILLEGAL_STATE");
}

TEST_F(CohortTest, IsNotFrozenWithMembersOfAnotherRevision) {
  MakeCohort(ann_);
  Publish(ann_);
  EXPECT_EQ(Freeze(ann_, /*revision=*/2), "ETAG_MISMATCH");
}

TEST_F(CohortTest, IsChangedOnlyByWhoMadeIt) {
  Share(ann_, "bob");
  Publish(ann_);
  MakeCohort(ann_);
  EXPECT_EQ(Freeze(bob_), "NOT_COHORT_OWNER");
}

TEST_F(CohortTest, AsksForAnalysesOnlyWhenFrozen) {
  MakeCohort(ann_);
  EXPECT_EQ(Ask(ann_), "COHORT_NOT_FROZEN");
}

}  // namespace
}  // namespace trialog::analytics
