#include "platform/view/prepared_store.h"

#include <filesystem>
#include <fstream>

#include "google/protobuf/wrappers.pb.h"
#include "gtest/gtest.h"
#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "platform/view/store.h"

namespace trialog::view {
namespace {

namespace fs = std::filesystem;

const Domain kDomain{"test", &google::protobuf::StringValue::default_instance(), {}, nullptr};
constexpr char kSource[] = "auth";

class PreparedStoreTest : public testing::Test {
 protected:
  PreparedStoreTest()
      : folder_(testing::TempDir() + Cat("prepared_store_test_", ::getpid(), "_",
                                         testing::UnitTest::GetInstance()->current_test_info()->name())),
        path_(folder_ + "/store") {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~PreparedStoreTest() override { fs::remove_all(folder_); }

  static std::unique_ptr<Store> Open(const std::string& path) {
    auto store = Store::Open(kDomain, {.path = path});
    EXPECT_TRUE(store.ok()) << store.status();
    return *std::move(store);
  }
  // Everything that the store tells has been folded up to `position`.
  static void Write(Store& store, int64_t position) {
    event::v1::FoldState fold;
    fold.set_next_offset(position);
    ASSERT_TRUE(store.WriteFacts(kSource, 0, fold, {{Cat("fact ", position), "is known"}}).ok());
  }
  static void Make(const std::string& path, int64_t position) { Write(*Open(path), position); }
  // Takes what is prepared, if it is good.
  absl::Status Take() {
    return TakePrepared(path_, nullptr,
                        [](const std::string& prepared) { return Store::Open(kDomain, {.path = prepared}).status(); });
  }
  static int64_t PositionOf(const Store& store) { return store.fact_fold(kSource, 0).next_offset(); }
  // The only things in the folder.
  void ExpectOnlyTheStore() {
    for (const auto& entry : fs::directory_iterator(folder_)) EXPECT_EQ(entry.path().string(), path_);
  }

  const std::string folder_, path_;
};

TEST_F(PreparedStoreTest, ThePreparedOneTakesThePlace) {
  Make(path_, 7);
  Make(PreparedPath(path_), 5);
  ASSERT_TRUE(Take().ok());
  EXPECT_EQ(PositionOf(*Open(path_)), 5);
  ExpectOnlyTheStore();
}

TEST_F(PreparedStoreTest, WithoutOneNothingChanges) {
  ASSERT_TRUE(Take().ok());
  EXPECT_FALSE(fs::exists(path_));
  Make(path_, 7);
  ASSERT_TRUE(Take().ok());
  EXPECT_EQ(PositionOf(*Open(path_)), 7);
}

TEST_F(PreparedStoreTest, OneThatIsNotGoodStaysAndTheFormerStoreTooServes) {
  Make(path_, 7);
  Make(PreparedPath(path_), 5);
  for (const auto& file : fs::directory_iterator(PreparedPath(path_))) {
    if (file.path().extension() == ".sst" || file.path().filename() == "CURRENT") fs::remove(file.path());
  }
  EXPECT_TRUE(Take().ok());
  EXPECT_EQ(PositionOf(*Open(path_)), 7);
  EXPECT_TRUE(fs::exists(PreparedPath(path_)));

  const auto refuse = [](const std::string&) { return absl::DataLossError("of another log"); };
  fs::remove_all(PreparedPath(path_));
  Make(PreparedPath(path_), 5);
  EXPECT_TRUE(TakePrepared(path_, nullptr, refuse).ok());
  EXPECT_EQ(PositionOf(*Open(path_)), 7);
}

TEST_F(PreparedStoreTest, AStoreInUseIsNotMovedAway) {
  Make(path_, 7);
  Make(PreparedPath(path_), 5);
  const auto in_use = Open(path_);
  EXPECT_EQ(ReasonOf(Take()), "STORE_BUSY");
  EXPECT_EQ(PositionOf(*in_use), 7);
  EXPECT_TRUE(fs::exists(path_));
}

TEST_F(PreparedStoreTest, WhatTheFormerStoresFolderHoldsBesideIsInNobodysWay) {
  Make(path_, 7);
  std::ofstream(path_ + "/notes") << "an operator's";
  Make(PreparedPath(path_), 5);
  ASSERT_TRUE(Take().ok());
  EXPECT_EQ(PositionOf(*Open(path_)), 5);
  ExpectOnlyTheStore();
}

TEST_F(PreparedStoreTest, GoesOnWhereItEnded) {
  Make(path_ + ".former", 7);
  Make(PreparedPath(path_), 5);
  ASSERT_TRUE(Take().ok()) << "ended between the two moves";
  EXPECT_EQ(PositionOf(*Open(path_)), 5);
  ExpectOnlyTheStore();

  Make(path_ + ".former", 7);
  fs::remove(path_ + ".former/CURRENT");
  ASSERT_TRUE(Take().ok()) << "ended while the former one was deleted";
  EXPECT_EQ(PositionOf(*Open(path_)), 5);
  ExpectOnlyTheStore();
}

TEST_F(PreparedStoreTest, ASnapshotIsOnePositionOfAStoreInUse) {
  Make(path_, 7);
  const auto live = Open(path_);
  Write(*live, 9);  // In memory.
  const std::string snapshot = folder_ + "/snapshot";
  ASSERT_TRUE(SnapshotStore(path_, snapshot).ok());
  Write(*live, 11);
  const auto copy = Open(snapshot);
  EXPECT_EQ(PositionOf(*copy), 7);
  EXPECT_TRUE(copy->Fact("fact 7"));
  EXPECT_FALSE(copy->Fact("fact 9"));
  Write(*copy, 8);
  EXPECT_EQ(PositionOf(*live), 11);
}

TEST_F(PreparedStoreTest, DamageInAFileIsFound) {
  Make(path_, 7);
  EXPECT_TRUE(CheckStoreFiles(path_).ok());
  int damaged = 0;
  for (const auto& file : fs::directory_iterator(path_)) {
    if (file.path().extension() != ".sst") continue;
    std::fstream bytes(file.path(), std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(3);
    bytes.put('\x55');
    ++damaged;
  }
  ASSERT_GT(damaged, 0);
  EXPECT_EQ(ReasonOf(CheckStoreFiles(path_)), "STORE_DAMAGED");
}

TEST_F(PreparedStoreTest, ASnapshotOfNothingSaysSo) {
  const absl::Status made = SnapshotStore(path_, folder_ + "/snapshot");
  EXPECT_FALSE(made.ok());
  EXPECT_FALSE(fs::exists(path_));
}

}  // namespace
}  // namespace trialog::view
