#include "platform/view/memtable.h"

#include <stdlib.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <random>
#include <thread>

#include "gtest/gtest.h"
#include "rocksdb/db.h"
#include "rocksdb/options.h"
#include "rocksdb/write_batch.h"

namespace trialog::view {
namespace {

std::string Folder() {
  std::string path = ::testing::TempDir() + "memtable.XXXXXX";
  return ::mkdtemp(path.data());
}

class MemtableTest : public ::testing::Test {
 protected:
  MemtableTest() { Open(); }
  ~MemtableTest() override {
    db_.reset();
    std::filesystem::remove_all(path_);
  }
  void Open() {
    db_.reset();
    rocksdb::Options options;
    options.create_if_missing = true;
    options.allow_concurrent_memtable_write = false;
    options.memtable_factory = MemtableFactory();
    options.write_buffer_size = 64 << 20;
    rocksdb::DB* db = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open(options, path_, &db).ok());
    db_.reset(db);
  }
  const std::string path_ = Folder();
  std::unique_ptr<rocksdb::DB> db_;
};

using Model = std::map<std::string, std::string>;

std::string RandomKey(std::mt19937_64& random, int kind, uint64_t number) {
  std::string key = kind == 0 ? "" : "organizations/o/things/";
  if (kind == 2) return key + std::to_string(1'000'000 + number);      // In order.
  if (kind == 3) return key + std::to_string(9'000'000 - number);      // The other way round.
  const size_t length = random() % 200;                                // Also long, so that its length takes two bytes.
  for (size_t i = 0; i < length; ++i) key += static_cast<char>(random() % (kind == 0 ? 256 : 3));
  return key;
}

// Every way of reading, against what a map says.
void ExpectSame(rocksdb::DB& db, const Model& model, std::mt19937_64& random) {
  std::unique_ptr<rocksdb::Iterator> it(db.NewIterator({}));
  it->SeekToFirst();
  for (const auto& [key, value] : model) {
    ASSERT_TRUE(it->Valid());
    ASSERT_EQ(it->key().ToString(), key);
    ASSERT_EQ(it->value().ToString(), value);
    it->Next();
  }
  ASSERT_FALSE(it->Valid());
  it->SeekToLast();
  for (auto expected = model.rbegin(); expected != model.rend(); ++expected, it->Prev()) {
    ASSERT_TRUE(it->Valid());
    ASSERT_EQ(it->key().ToString(), expected->first);
  }
  ASSERT_FALSE(it->Valid());
  for (int i = 0; i < 200; ++i) {
    const std::string key = RandomKey(random, static_cast<int>(random() % 4), random() % 2000);
    std::string value;
    const auto found = model.find(key);
    ASSERT_EQ(db.Get({}, key, &value).ok(), found != model.end());
    if (found != model.end()) {
      ASSERT_EQ(value, found->second);
    }
    it->Seek(key);
    const auto not_before = model.lower_bound(key);
    ASSERT_EQ(it->Valid(), not_before != model.end());
    if (it->Valid()) {
      ASSERT_EQ(it->key().ToString(), not_before->first);
    }
    it->SeekForPrev(key);
    auto after = model.upper_bound(key);
    ASSERT_EQ(it->Valid(), after != model.begin());
    if (it->Valid()) {
      ASSERT_EQ(it->key().ToString(), (--after)->first);
    }
  }
}

TEST_F(MemtableTest, ReadsAsAMapDoesWhateverTheOrderOfTheKeys) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  Model model;
  for (int round = 0; round < 40; ++round) {
    rocksdb::WriteBatch batch;
    const int kind = static_cast<int>(random() % 4);
    for (uint64_t i = 0, size = random() % 200; i < size; ++i) {
      const std::string key = RandomKey(random, kind, static_cast<uint64_t>(round) * 200 + i);
      const std::string value = std::to_string(random());
      if (random() % 5 == 0) {
        batch.Delete(key);
        model.erase(key);
      } else {
        batch.Put(key, value);
        model[key] = value;
      }
    }
    ASSERT_TRUE(db_->Write({}, &batch).ok());
    if (round % 10 != 9) continue;
    ASSERT_NO_FATAL_FAILURE(ExpectSame(*db_, model, random));
  }
  Open();  // The log of writes goes into a new table.
  ASSERT_NO_FATAL_FAILURE(ExpectSame(*db_, model, random));
  ASSERT_TRUE(db_->Flush({}).ok());
  ASSERT_NO_FATAL_FAILURE(ExpectSame(*db_, model, random));
}

TEST_F(MemtableTest, ASnapshotSeesTheVersionsOfItsTime) {
  ASSERT_TRUE(db_->Put({}, "k", "one").ok());
  const auto* snapshot = db_->GetSnapshot();
  ASSERT_TRUE(db_->Put({}, "k", "two").ok());
  rocksdb::ReadOptions then;
  then.snapshot = snapshot;
  std::string value;
  ASSERT_TRUE(db_->Get(then, "k", &value).ok());
  EXPECT_EQ(value, "one");
  ASSERT_TRUE(db_->Get({}, "k", &value).ok());
  EXPECT_EQ(value, "two");
  db_->ReleaseSnapshot(snapshot);
}

// Pairs of keys are written together: a reader who sees one sees the other, in order, while the writer goes on.
TEST_F(MemtableTest, ReadersSeeWholeBatchesWhileAWriterWrites) {
  constexpr int kPairs = 20'000;
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::atomic<bool> over = false;
  std::vector<std::thread> readers;
  for (int reader = 0; reader < 2; ++reader) {
    readers.emplace_back([&] {
      while (!over) {
        std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}));
        size_t lower = 0, upper = 0;
        std::string last;
        for (it->SeekToFirst(); it->Valid(); it->Next()) {
          const std::string key = it->key().ToString();
          EXPECT_LT(last, key);
          last = key;
          ++(key[0] == 'a' ? lower : upper);
        }
        EXPECT_EQ(lower, upper);
      }
    });
  }
  std::mt19937_64 random(seed);
  for (int i = 0; i < kPairs; ++i) {
    const std::string key = std::to_string(random());
    rocksdb::WriteBatch batch;
    batch.Put("a" + key, "");
    batch.Put("b" + key, "");
    ASSERT_TRUE(db_->Write({}, &batch).ok());
  }
  over = true;
  for (auto& reader : readers) reader.join();
}

}  // namespace
}  // namespace trialog::view
