#include "platform/blob/blob_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "absl/time/clock.h"
#include "platform/errors/errors.h"
#include "platform/log/testing/power_cut_fs.h"
#include "platform/sealing/digest.h"
#include "platform/sealing/encoding.h"
#include "platform/text/text.h"
#include "rocksdb/env.h"

namespace trialog::blob {
namespace {

class BlobFolderTest : public ::testing::Test {
 protected:
  BlobFolderTest() {
    std::string path = ::testing::TempDir() + "blobs-XXXXXX";
    path_ = mkdtemp(path.data());
    folder_ = *BlobFolder::Open(path_);
  }
  ~BlobFolderTest() override { std::filesystem::remove_all(path_); }

  std::string FileOf(const std::string& sha256) const { return path_ + "/" + sealing::Hex(sha256); }
  size_t FileCount() const {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(path_), {}));
  }

  std::string path_;
  std::unique_ptr<BlobFolder> folder_;
};

TEST_F(BlobFolderTest, GivesBackWhatWasStoredUnderItsHash) {
  const std::string content("rows\0and more", 13);
  const auto sha256 = folder_->Put(content);
  ASSERT_TRUE(sha256.ok()) << sha256.status();
  EXPECT_EQ(*sha256, sealing::Sha256(content));
  EXPECT_EQ(folder_->Get(*sha256).value(), content);
  EXPECT_TRUE(std::filesystem::exists(FileOf(*sha256)));
}

TEST_F(BlobFolderTest, KeepsABlobAcrossARestart) {
  const std::string sha256 = folder_->Put("rows").value();
  folder_ = *BlobFolder::Open(path_);
  EXPECT_EQ(folder_->Get(sha256).value(), "rows");
}

TEST_F(BlobFolderTest, StoresTheSameContentOnce) {
  EXPECT_EQ(folder_->Put("rows").value(), folder_->Put("rows").value());
  EXPECT_EQ(FileCount(), 1u);
}

TEST_F(BlobFolderTest, StoresTheEmptyBlob) { EXPECT_EQ(folder_->Get(folder_->Put("").value()).value(), ""); }

TEST_F(BlobFolderTest, SaysNotFoundOfWhatIsNotThere) {
  EXPECT_EQ(folder_->Get(sealing::Sha256("never stored")).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(folder_->Get("no hash").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(BlobFolderTest, TellsAFlippedBitACutAndAnAddedByte) {
  const std::string content = "the rows of a version";
  for (const std::string& damaged : {std::string("the rows of a versioN"), content.substr(0, 20), content + "!"}) {
    const std::string sha256 = folder_->Put(content).value();
    std::ofstream(FileOf(sha256), std::ios::trunc) << damaged;
    const auto read = folder_->Get(sha256);
    EXPECT_EQ(read.status().code(), absl::StatusCode::kDataLoss) << damaged;
    EXPECT_EQ(ReasonOf(read.status()), "BLOB_DAMAGED");
  }
}

TEST_F(BlobFolderTest, MendsADamagedFileWhenItsContentIsStoredAgain) {
  const std::string sha256 = folder_->Put("rows").value();
  std::ofstream(FileOf(sha256), std::ios::trunc) << "raws";
  ASSERT_TRUE(folder_->Put("rows").ok());
  EXPECT_EQ(folder_->Get(sha256).value(), "rows");
}

TEST_F(BlobFolderTest, DeletesWhatACrashLeftHalfWrittenAndNotWhatAnotherProcessIsWriting) {
  const std::string sha256 = folder_->Put("rows").value(), half = path_ + "/tmp-a1B2c3";
  std::ofstream(half) << "half";
  const auto other = *BlobFolder::Open(path_);
  EXPECT_EQ(FileCount(), 2u);
  std::filesystem::last_write_time(half, std::filesystem::file_time_type::clock::now() - std::chrono::hours(2));
  folder_ = *BlobFolder::Open(path_);
  EXPECT_EQ(FileCount(), 1u);
  EXPECT_EQ(other->Get(sha256).value(), "rows");
  EXPECT_TRUE(folder_->Get(sha256).ok());
}

TEST_F(BlobFolderTest, RefusesWhatIsTooLargeToStoreOrToRead) {
  const std::string content(kMaxBlobBytes + 1, 'x');
  EXPECT_EQ(ReasonOf(folder_->Put(content).status()), "BLOB_TOO_LARGE");
  EXPECT_EQ(FileCount(), 0u);
  const std::string sha256 = folder_->Put("rows").value();
  std::filesystem::resize_file(FileOf(sha256), kMaxBlobBytes + 1);
  EXPECT_EQ(ReasonOf(folder_->Get(sha256).status()), "BLOB_DAMAGED");
}

TEST_F(BlobFolderTest, TakesNothingWhenTheDiskIsBelowItsWatermarkAndReadsOn) {
  const std::string sha256 = folder_->Put("rows").value();
  folder_ = *BlobFolder::Open(path_, {.min_free_bytes = UINT64_MAX});
  EXPECT_EQ(ReasonOf(folder_->Put("more").status()), "DISK_WATERMARK");
  EXPECT_EQ(FileCount(), 1u);
  EXPECT_EQ(folder_->Get(sha256).value(), "rows");
}

TEST_F(BlobFolderTest, TellsWhatIsOldAndDeletesIt) {
  const std::string old = folder_->Put("old").value(), young = folder_->Put("young").value();
  std::ofstream(path_ + "/tmp-a1B2c3") << "half";
  const auto now = std::filesystem::file_time_type::clock::now();
  std::filesystem::last_write_time(FileOf(old), now - std::chrono::hours(2));
  EXPECT_THAT(folder_->OlderThan(absl::Now() - absl::Hours(1)).value(), ::testing::ElementsAre(old));
  EXPECT_THAT(folder_->OlderThan(absl::Now() - absl::Hours(3)).value(), ::testing::IsEmpty());
  ASSERT_EQ(folder_->Remove(old), absl::OkStatus());
  EXPECT_EQ(folder_->Get(old).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(folder_->Remove(old), absl::OkStatus()) << "it is gone";
  EXPECT_TRUE(folder_->Get(young).ok());
}

TEST_F(BlobFolderTest, SaysThatAFolderIsGone) {
  std::filesystem::remove_all(path_);
  EXPECT_EQ(ReasonOf(folder_->Put("rows").status()), "BLOB_WRITE_FAILED");
}

TEST(BlobFolder, CannotBeOpenedWhereAFileIs) {
  std::string path = ::testing::TempDir() + "blobs-file-XXXXXX";
  ASSERT_GE(mkstemp(path.data()), 0);
  EXPECT_EQ(BlobFolder::Open(path).status().code(), absl::StatusCode::kUnavailable);
  std::filesystem::remove(path);
}

// Disks that fail.

class BlobsOnAFailingDisk : public ::testing::Test {
 protected:
  const std::shared_ptr<trialog::testing::PowerCutFileSystem> files_ = trialog::testing::PowerCutInMemory();
  const std::unique_ptr<rocksdb::Env> env_ = rocksdb::NewCompositeEnv(files_);
};

TEST_F(BlobsOnAFailingDisk, APowerCutTakesNoBlobThatWasStoredAndLeavesNoneHalf) {
  int stored = 0;
  for (int64_t cut = 0; cut < 40; ++cut) {
    SCOPED_TRACE(Cat("cut after ", cut, " operations"));
    files_->CutPowerAfter(cut);
    std::vector<std::string> kept, tried;
    if (auto folder = BlobFolder::Open("/blobs", {.env = env_.get()}); folder.ok()) {
      for (int blob = 0; blob < 20 && !files_->PowerIsCut(); ++blob) {
        tried.push_back(Cat("rows ", cut, " ", blob, std::string(1000, 'r')));
        if ((*folder)->Put(tried.back()).ok()) kept.push_back(tried.back());
      }
    }
    files_->RestorePower();
    const auto folder = BlobFolder::Open("/blobs", {.env = env_.get()}).value();
    for (const std::string& content : kept) EXPECT_EQ(folder->Get(sealing::Sha256(content)).value(), content);
    for (const std::string& content : tried) {
      const auto read = folder->Get(sealing::Sha256(content));
      EXPECT_TRUE(read.ok() || absl::IsNotFound(read.status())) << read.status();
    }
    stored += static_cast<int>(kept.size());
  }
  EXPECT_GT(stored, 50);
}

TEST_F(BlobsOnAFailingDisk, AFullDiskIsSaidLeavesNothingBehindAndPasses) {
  const auto folder = BlobFolder::Open("/blobs", {.env = env_.get()}).value();
  const std::string before = folder->Put("before").value();
  files_->FailWritesAfter(0, rocksdb::IOStatus::NoSpace("simulated"));
  EXPECT_EQ(ReasonOf(folder->Put("rows").status()), "DISK_FULL");
  EXPECT_EQ(folder->Get(before).value(), "before");
  files_->ClearFaults();
  EXPECT_EQ(folder->Get(folder->Put("rows").value()).value(), "rows");
  std::vector<std::string> names;
  EXPECT_TRUE(env_->GetChildren("/blobs", &names).ok());
  EXPECT_EQ(names.size(), 2u);
}

}  // namespace
}  // namespace trialog::blob
