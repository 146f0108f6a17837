// The bytes of the key store, as docs/formats/sealed.md has them. Data that rests under these keys is lost with them,
// so a store that an earlier build wrote must open.
#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "platform/sealing/key_store.h"
#include "platform/sealing/test_runtime.h"
#include "platform/text/text.h"
#include "rocksdb/db.h"
#include "rocksdb/env.h"
#include "tests/support/golden.h"

namespace trialog::sealing {
namespace {

constexpr char kGolden[] = "platform/sealing/testdata/key_store.golden";
constexpr char kPath[] = "/keys";
constexpr char kPatient[] = "organizations/o/patients/p";
constexpr char kErased[] = "organizations/o/patients/erased";

MasterKey Master() { return MasterKey(*SecretKey::FromBytes("0123456789abcdef0123456789abcdef")); }

class KeyStoreFormat : public ::testing::Test {
 protected:
  std::unique_ptr<rocksdb::DB> Raw() {
    rocksdb::Options options;
    options.env = env_.get();
    options.create_if_missing = true;
    rocksdb::DB* raw = nullptr;
    EXPECT_TRUE(rocksdb::DB::Open(options, kPath, &raw).ok());
    return std::unique_ptr<rocksdb::DB>(raw);
  }
  std::unique_ptr<KeyStore> Open() {
    auto store = KeyStore::Open(kPath, Master(), &runtime_, {.env = env_.get()});
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  }

  const std::unique_ptr<rocksdb::Env> env_{rocksdb::NewMemEnv(rocksdb::Env::Default())};
  TestRuntime runtime_;  // Its random bytes count up, so that a store can be written down.
};

TEST_F(KeyStoreFormat, RowsNeverChange) {
  {
    const auto store = Open();
    ASSERT_TRUE(store->GetKeys({.organization = "o", .subjects = {kPatient, kErased}, .create = true}).ok());
    ASSERT_TRUE(store->Destroy(kErased).ok());
    ASSERT_TRUE(store->GetLookupKey("o").ok());
  }
  testing::GoldenLines lines;
  const auto raw = Raw();
  const std::unique_ptr<rocksdb::Iterator> it(raw->NewIterator({}));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    lines[absl::BytesToHexString(it->key().ToString())] = absl::BytesToHexString(it->value().ToString());
  }
  testing::ExpectGolden(kGolden, lines);
}

TEST_F(KeyStoreFormat, AStoreOfTheFirstBuildOpens) {
  {
    const auto raw = Raw();
    for (const auto& [key, value] : testing::ReadGolden(kGolden))
      ASSERT_TRUE(raw->Put({}, absl::HexStringToBytes(key), absl::HexStringToBytes(value)).ok());
  }
  const auto store = Open();
  const auto keys = store->GetKeys({.organization = "o", .subjects = {kPatient, kErased}});
  ASSERT_TRUE(keys.ok()) << keys.status();
  // Drawn by TestRuntime: what the row holds wrapped.
  EXPECT_EQ(keys->at(0).state, DataKey::State::kPresent);
  EXPECT_EQ(absl::BytesToHexString(ToAbsl(keys->at(0).key.bytes())),
            "1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b");
  EXPECT_EQ(keys->at(1).state, DataKey::State::kErased);
  const auto lookup = store->GetLookupKey("o");
  ASSERT_TRUE(lookup.ok()) << lookup.status();
  EXPECT_EQ(lookup->epoch, 1);
  EXPECT_EQ(absl::BytesToHexString(ToAbsl(lookup->key.bytes())),
            "8485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3");
}

// Records of the topic of keys, and what the brokers keep them under: compaction must go on treating them alike.
TEST(KeyRecordFormat, RecordsAndTheirKeysNeverChange) {
  event::v1::Sealed wrapped;
  wrapped.set_key_id("0011223344556677");
  wrapped.set_nonce("nonce-12byte");
  wrapped.set_ciphertext("ciphertext");
  const std::string id = "00000000-0000-4000-8000-000000000001";
  std::vector<event::v1::KeyRecord> records(6);
  *records[0].mutable_check()->mutable_wrapped() = wrapped;
  auto& made = *records[1].mutable_made_data_key();
  made.set_subject(kPatient);
  made.set_key_id(id);
  *made.mutable_wrapped() = wrapped;
  records[2].mutable_destroyed_data_key()->set_subject(kPatient);
  records[2].mutable_destroyed_data_key()->set_key_id(id);
  records[3] = records[2];
  records[3].mutable_destroyed_data_key()->set_settled(true);
  auto& lookup = *records[4].mutable_made_lookup_key();
  lookup.set_organization("o");
  lookup.set_epoch(2);
  *lookup.mutable_wrapped() = wrapped;
  records[5].mutable_destroyed_lookup_keys()->set_organization("o");
  records[5].mutable_destroyed_lookup_keys()->set_before_epoch(2);
  testing::GoldenLines lines;
  for (const auto& record : records) lines[JournalKeyOf(record)] = absl::BytesToHexString(record.SerializeAsString());
  testing::ExpectGolden("platform/sealing/testdata/key_record.golden", lines);
}

}  // namespace
}  // namespace trialog::sealing
