#include "platform/blob/blob_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "absl/time/clock.h"
#include "platform/errors/errors.h"
#include "platform/sealing/digest.h"
#include "platform/sealing/encoding.h"

namespace trialog::blob {
namespace {

class BlobFolderTest : public testing::Test {
 protected:
  BlobFolderTest() {
    std::string path = testing::TempDir() + "blobs-XXXXXX";
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

TEST_F(BlobFolderTest, DeletesWhatACrashLeftHalfWritten) {
  const std::string sha256 = folder_->Put("rows").value();
  std::ofstream(path_ + "/tmp-a1B2c3") << "half";
  folder_ = *BlobFolder::Open(path_);
  EXPECT_EQ(FileCount(), 1u);
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
  folder_ = *BlobFolder::Open(path_, UINT64_MAX);
  EXPECT_EQ(ReasonOf(folder_->Put("more").status()), "DISK_WATERMARK");
  EXPECT_EQ(FileCount(), 1u);
  EXPECT_EQ(folder_->Get(sha256).value(), "rows");
}

TEST_F(BlobFolderTest, TellsWhatIsOldAndDeletesIt) {
  const std::string old = folder_->Put("old").value(), young = folder_->Put("young").value();
  std::ofstream(path_ + "/tmp-a1B2c3") << "half";
  const auto now = std::filesystem::file_time_type::clock::now();
  std::filesystem::last_write_time(FileOf(old), now - std::chrono::hours(2));
  EXPECT_THAT(folder_->OlderThan(absl::Now() - absl::Hours(1)).value(), testing::ElementsAre(old));
  EXPECT_THAT(folder_->OlderThan(absl::Now() - absl::Hours(3)).value(), testing::IsEmpty());
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
  std::string path = testing::TempDir() + "blobs-file-XXXXXX";
  ASSERT_GE(mkstemp(path.data()), 0);
  EXPECT_EQ(BlobFolder::Open(path).status().code(), absl::StatusCode::kUnavailable);
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace trialog::blob
