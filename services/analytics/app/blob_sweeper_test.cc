#include "services/analytics/app/blob_sweeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/analytics/app/row_blobs.h"
#include "services/analytics/app/test_world.h"
#include "services/analytics/app/work_queue.h"

namespace trialog::analytics {
namespace {

class BlobSweeperTest : public AnalyticsTest {
 protected:
  BlobSweeperTest() {
    service_.Start();
    blobs_ = *blob::BlobFolder::Open(service_.path() + "/blobs");  // While nothing is being written there.
  }

  // As if everything that lies there had been written two days ago.
  void Age() {
    for (const auto& file : std::filesystem::directory_iterator(service_.path() + "/blobs")) {
      std::filesystem::last_write_time(file.path(),
                                       std::filesystem::file_time_type::clock::now() - std::chrono::hours(48));
    }
  }
  size_t Count() const { return blobs_->OlderThan(absl::InfiniteFuture())->size(); }
  int64_t Sweep() {
    const auto swept = BlobSweeper(service_.host().backend(), *blobs_, pending_).Sweep();
    EXPECT_TRUE(swept.ok()) << swept.status();
    return swept.value_or(-1);
  }

  std::unique_ptr<blob::BlobFolder> blobs_;
  PendingBlobs pending_;
};

TEST_F(BlobSweeperTest, DeletesWhatNothingNamesAndIsOld) {
  const std::string orphan = blobs_->Put("of a refused upload").value();
  EXPECT_EQ(Sweep(), 0) << "it is young: its command may be under way in another process";
  Age();
  EXPECT_EQ(Sweep(), 1);
  EXPECT_EQ(blobs_->Get(orphan).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(BlobSweeperTest, KeepsWhatAVersionNamesAlsoARetractedOne) {
  UploadLung();
  ASSERT_EQ(Count(), 1u);
  Age();
  EXPECT_EQ(Sweep(), 0);
  v1::RetractVersionRequest retract;
  retract.set_name(kVersion);
  Must<v1::DatasetVersion>("DatasetService/RetractVersion", retract, kAnn);
  EXPECT_EQ(Sweep(), 0);
  EXPECT_EQ(Count(), 1u);
}

TEST_F(BlobSweeperTest, DeletesTheRowsOfARepeatedUploadButNotThoseThatCount) {
  v1::CreateDatasetRequest upload = LungUpload();
  upload.set_request_id("5a1f0c9e-8f0e-4b0e-9b1a-0d8f3e6a7c21");
  Must<v1::Dataset>("DatasetService/CreateDataset", upload, kAnn);
  Must<v1::Dataset>("DatasetService/CreateDataset", upload,
                    kAnn);  // Sealed anew, so another blob; answered from the first.
  const size_t before = Count();
  Age();
  EXPECT_EQ(Sweep(), static_cast<int64_t>(before) - 1);
  PublishLung();
  EXPECT_EQ(Compute(kAnn, "sex", "by-sex").state(), Analysis::STATE_RELEASED) << "the rows are still there";
}

TEST_F(BlobSweeperTest, KeepsWhatACommandUnderWayMayName) {
  const std::string sha256 = blobs_->Put("of a long import").value();
  auto hold = pending_.Hold(sha256), again = pending_.Hold(sha256);
  Age();
  EXPECT_EQ(Sweep(), 0);
  hold.reset();
  EXPECT_EQ(Sweep(), 0) << "another still holds it";
  again.reset();
  EXPECT_EQ(Sweep(), 1);
}

TEST_F(BlobSweeperTest, StoredRowsHoldTheirBlob) {
  RowBlobs rows(service_.host().backend(), *blobs_);
  const auto queue = std::make_shared<WorkQueue>(RealRuntime(), "test-work", 4);
  absl::Notification done;
  std::optional<StoredRows> stored;
  rows.Store(kDataset, std::make_shared<v1::DataRows>(), absl::InfiniteFuture(), queue,
             [&](absl::StatusOr<StoredRows> result) {
               if (result.ok()) stored = *std::move(result);
               done.Notify();
             });
  done.WaitForNotification();
  queue->Stop();
  ASSERT_TRUE(stored.has_value());
  const std::string sha256 = stored->blob.sha256();
  EXPECT_TRUE(rows.pending().Contains(sha256));
  stored.reset();
  EXPECT_FALSE(rows.pending().Contains(sha256));
}

}  // namespace
}  // namespace trialog::analytics
