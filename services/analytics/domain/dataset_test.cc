#include "services/analytics/domain/dataset.h"

#include <gtest/gtest.h>

#include "services/analytics/domain/access.h"
#include "services/analytics/domain/test_world.h"

namespace trialog::analytics {
namespace {

using Dataset = World;

v1::ImportFromTrialRequest Import() {
  v1::ImportFromTrialRequest request;
  request.set_name("organizations/o/datasets/d");
  request.set_trial("organizations/o/trials/t");
  v1::Column& column = *request.add_columns();
  column.set_name("enroll_date");
  column.set_type(v1::COLUMN_TYPE_DATE);
  return request;
}

TEST_F(Dataset, IsMadeWithItsRowsAsDraftVersionOne) {
  EXPECT_EQ(CreateOwn(ann_), "DatasetCreated VersionCreated");
  const auto version = state_.Get<v1::DatasetVersion>(kVersions, VersionName(kDataset, 1));
  EXPECT_EQ(version->state(), v1::DatasetVersion::STATE_DRAFT);
  EXPECT_EQ(version->row_count(), 100);
}

TEST_F(Dataset, NeedsTheAnalystsRole) { EXPECT_EQ(CreateOwn(Person("eve", ROLE_PARTICIPANT)), "NOT_ANALYST"); }

TEST_F(Dataset, IdIsTakenOnce) {
  CreateOwn(ann_);
  EXPECT_EQ(CreateOwn(bob_), "ID_TAKEN");
}

TEST_F(Dataset, IsSeenByOthersOnlyWhileShared) {
  CreateOwn(ann_);
  const auto see = [&] { return MaySee(bob_, state_, kDatasets, kDataset, *state_.Find(kDatasets, kDataset)); };
  EXPECT_FALSE(see());
  EXPECT_EQ(Share(ann_, "bob"), "DatasetShared");
  EXPECT_TRUE(see());
  EXPECT_EQ(Share(bob_, "carl"), "NOT_DATASET_OWNER");
  v1::UnshareDatasetRequest request;
  request.set_name(kDataset);
  request.set_user("organizations/o/users/bob");
  const Context context = As(ann_);
  EXPECT_EQ(Do(context, UnshareDataset(state_, context, request)), "DatasetUnshared");
  EXPECT_FALSE(see());
}

TEST_F(Dataset, SharingAsksForACustodian) {
  CreateOwn(ann_);
  Share(ann_, "bob");
  EXPECT_EQ(state_.Get<v1::Dataset>(kDatasets, kDataset)->release_policy(), v1::RELEASE_POLICY_CUSTODIAN);
}

TEST_F(Dataset, UpdateNeedsTheCurrentEtag) {
  CreateOwn(ann_);
  v1::UpdateDatasetRequest request;
  request.mutable_dataset()->set_name(kDataset);
  request.mutable_dataset()->set_display_name("New");
  request.mutable_update_mask()->add_paths("display_name");
  Context context = As(ann_);
  EXPECT_EQ(Do(context, UpdateDataset(state_, context, request)), "ETAG_MISMATCH");
  request.mutable_dataset()->set_etag(EtagOf(*state_.Find(kDatasets, kDataset)));
  context = As(ann_);
  EXPECT_EQ(Do(context, UpdateDataset(state_, context, request)), "DatasetUpdated");
}

TEST_F(Dataset, PublishingSupersedesTheFormerVersion) {
  v1::CreateDatasetRequest create = NewDataset();
  Context context = As(cleo_);
  Do(context, CreateDataset(state_, context, create, nullptr));
  for (int version = 1; version <= 2; ++version) {
    context = As(cleo_);
    EXPECT_EQ(Do(context, ImportFromTrial(state_, context, Import(), rows_, {})), "VersionCreated");
    Publish(cleo_, version);
  }
  EXPECT_EQ(state_.Get<v1::DatasetVersion>(kVersions, VersionName(kDataset, 1))->state(),
            v1::DatasetVersion::STATE_SUPERSEDED);
  EXPECT_EQ(state_.Get<v1::Dataset>(kDatasets, kDataset)->published_version(), VersionName(kDataset, 2));
  EXPECT_EQ(Publish(cleo_, 1), "ILLEGAL_STATE");
}

TEST_F(Dataset, IsImportedByACustodianAloneAndThenProtected) {
  v1::CreateDatasetRequest create = NewDataset();
  Context context = As(ann_);
  Do(context, CreateDataset(state_, context, create, nullptr));
  context = As(ann_);
  EXPECT_EQ(Do(context, ImportFromTrial(state_, context, Import(), rows_, {})), "NOT_CUSTODIAN");
  context = As(cleo_);
  EXPECT_EQ(Do(context, ImportFromTrial(state_, context, Import(), rows_, {})), "VersionCreated");
  const auto dataset = state_.Get<v1::Dataset>(kDatasets, kDataset);
  EXPECT_EQ(dataset->release_policy(), v1::RELEASE_POLICY_CUSTODIAN);
  EXPECT_FALSE(MayReadRows(ann_, kDataset, *dataset));
  EXPECT_TRUE(MayReadRows(cleo_, kDataset, *dataset));
  EXPECT_EQ(Publish(ann_), "NOT_CUSTODIAN");
}

TEST_F(Dataset, KeepsToOneSource) {
  CreateOwn(ann_);
  const Context context = As(cleo_);
  EXPECT_EQ(Do(context, ImportFromTrial(state_, context, Import(), rows_, {})), "OTHER_SOURCE");
}

}  // namespace
}  // namespace trialog::analytics
