#include "platform/log/testing/power_cut_fs.h"

#include <gtest/gtest.h>

namespace trialog::testing {
namespace {

using rocksdb::FileOptions;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

class PowerCutFileSystemTest : public ::testing::Test {
 protected:
  PowerCutFileSystemTest() {
    EXPECT_TRUE(files_->CreateDirIfMissing("/d", IOOptions(), nullptr).ok());
    EXPECT_TRUE(files_->NewDirectory("/d", IOOptions(), &folder_, nullptr).ok());
  }

  std::unique_ptr<rocksdb::FSWritableFile> Create(const std::string& name) {
    std::unique_ptr<rocksdb::FSWritableFile> file;
    EXPECT_TRUE(files_->NewWritableFile(name, FileOptions(), &file, nullptr).ok());
    return file;
  }
  void SyncFolder() { EXPECT_TRUE(folder_->Fsync(IOOptions(), nullptr).ok()); }
  void CutAndRestore() {
    files_->CutPower();
    files_->RestorePower();
  }
  bool Exists(const std::string& name) { return files_->FileExists(name, IOOptions(), nullptr).ok(); }
  std::string Content(const std::string& name) {
    std::string bytes;
    EXPECT_TRUE(rocksdb::ReadFileToString(files_.get(), name, &bytes).ok()) << name;
    return bytes;
  }

  const std::shared_ptr<PowerCutFileSystem> files_ = PowerCutInMemory();
  std::unique_ptr<rocksdb::FSDirectory> folder_;
};

TEST_F(PowerCutFileSystemTest, KeepsWhatWasSyncedAndForgetsTheRest) {
  auto file = Create("/d/f");
  SyncFolder();
  EXPECT_TRUE(file->Append("synced", IOOptions(), nullptr).ok());
  EXPECT_TRUE(file->Sync(IOOptions(), nullptr).ok());
  EXPECT_TRUE(file->Append(" lost", IOOptions(), nullptr).ok());
  file.reset();
  CutAndRestore();
  EXPECT_EQ(Content("/d/f"), "synced");
}

TEST_F(PowerCutFileSystemTest, ForgetsAFileWhoseFolderWasNotSynced) {
  auto file = Create("/d/f");
  EXPECT_TRUE(file->Append("x", IOOptions(), nullptr).ok());
  EXPECT_TRUE(file->Sync(IOOptions(), nullptr).ok());
  file.reset();
  CutAndRestore();
  EXPECT_FALSE(Exists("/d/f"));
}

TEST_F(PowerCutFileSystemTest, TakesBackARenameWhoseFolderWasNotSynced) {
  EXPECT_TRUE(rocksdb::WriteStringToFile(files_.get(), "old", "/d/CURRENT", true).ok());
  EXPECT_TRUE(rocksdb::WriteStringToFile(files_.get(), "new", "/d/tmp", true).ok());
  SyncFolder();
  EXPECT_TRUE(files_->RenameFile("/d/tmp", "/d/CURRENT", IOOptions(), nullptr).ok());
  EXPECT_EQ(Content("/d/CURRENT"), "new");
  CutAndRestore();
  EXPECT_EQ(Content("/d/CURRENT"), "old");
  EXPECT_EQ(Content("/d/tmp"), "new");
}

TEST_F(PowerCutFileSystemTest, KeepsARenameWhoseFolderWasSynced) {
  EXPECT_TRUE(rocksdb::WriteStringToFile(files_.get(), "new", "/d/tmp", true).ok());
  EXPECT_TRUE(files_->RenameFile("/d/tmp", "/d/CURRENT", IOOptions(), nullptr).ok());
  SyncFolder();
  CutAndRestore();
  EXPECT_EQ(Content("/d/CURRENT"), "new");
  EXPECT_FALSE(Exists("/d/tmp"));
}

TEST_F(PowerCutFileSystemTest, RefusesEveryChangeWhileThePowerIsCut) {
  auto file = Create("/d/f");
  files_->CutPowerAfter(1);
  EXPECT_TRUE(file->Append("x", IOOptions(), nullptr).ok());
  EXPECT_FALSE(file->Sync(IOOptions(), nullptr).ok());
  EXPECT_TRUE(files_->PowerIsCut());
  std::unique_ptr<rocksdb::FSWritableFile> other;
  EXPECT_FALSE(files_->NewWritableFile("/d/g", FileOptions(), &other, nullptr).ok());
}

TEST_F(PowerCutFileSystemTest, FailsWritesFromTheChosenOneOnUntilCleared) {
  auto file = Create("/d/f");
  files_->FailWritesAfter(1, IOStatus::NoSpace("disk full"));
  EXPECT_TRUE(file->Append("x", IOOptions(), nullptr).ok());
  EXPECT_TRUE(file->Append("y", IOOptions(), nullptr).IsNoSpace());
  files_->ClearFaults();
  EXPECT_TRUE(file->Append("z", IOOptions(), nullptr).ok());
}

TEST(PowerCutFileSystemWithSeed, KeepsTheSyncedPrefixAndAtMostWhatWasWritten) {
  int longer = 0;
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    const auto files = PowerCutInMemory(seed);
    ASSERT_TRUE(files->CreateDirIfMissing("/d", IOOptions(), nullptr).ok());
    std::unique_ptr<rocksdb::FSWritableFile> file;
    ASSERT_TRUE(files->NewWritableFile("/d/f", FileOptions(), &file, nullptr).ok());
    std::unique_ptr<rocksdb::FSDirectory> folder;
    ASSERT_TRUE(files->NewDirectory("/d", IOOptions(), &folder, nullptr).ok());
    ASSERT_TRUE(folder->Fsync(IOOptions(), nullptr).ok());
    ASSERT_TRUE(file->Append(std::string(1000, 's'), IOOptions(), nullptr).ok());
    ASSERT_TRUE(file->Sync(IOOptions(), nullptr).ok());
    ASSERT_TRUE(file->Append(std::string(5000, 'u'), IOOptions(), nullptr).ok());
    file.reset();
    files->CutPower();
    files->RestorePower();
    std::string bytes;
    ASSERT_TRUE(rocksdb::ReadFileToString(files.get(), "/d/f", &bytes).ok());
    ASSERT_EQ(bytes.substr(0, 1000), std::string(1000, 's')) << "seed " << seed;
    ASSERT_LE(bytes.size(), 6000u);
    longer += bytes.size() > 1000;
  }
  EXPECT_GT(longer, 40);
}

}  // namespace
}  // namespace trialog::testing
