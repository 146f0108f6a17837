#include "platform/sealing/key_store.h"

#include <rocksdb/db.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/errors/errors.h"
#include "platform/runtime/real_runtime.h"
#include "platform/sealing/aead.h"
#include "platform/sealing/encoding.h"
#include "platform/text/text.h"
#include "trialog/event/v1/sealed.pb.h"

namespace trialog::sealing {
namespace {

using testing::HasSubstr;
using testing::Not;
using State = DataKey::State;

constexpr char kPatient[] = "organizations/o/patients/p";

MasterKey Master(char fill) { return MasterKey(*SecretKey::FromBytes(std::string(32, fill))); }

class KeyStoreTest : public testing::Test {
 protected:
  KeyStoreTest() {
    std::string pattern = testing::TempDir() + "/key_store_XXXXXX";
    folder_ = mkdtemp(pattern.data());
    path_ = folder_ + "/keys";
  }
  ~KeyStoreTest() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<KeyStore> Open(char master = 'a') {
    auto store = KeyStore::Open(path_, Master(master), &RealRuntime());
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  }
  absl::Status OpenStatus(char master) { return KeyStore::Open(path_, Master(master), &RealRuntime()).status(); }

  // All bytes of all files of the store.
  std::string RawBytes() {
    std::string all;
    for (const auto& file : std::filesystem::directory_iterator(path_)) {
      std::ifstream in(file.path(), std::ios::binary);
      all.append(std::istreambuf_iterator<char>(in), {});
    }
    return all;
  }
  // The value stored under a subject, read past the KeyStore.
  std::string StoredValue(const std::string& subject) {
    rocksdb::DB* raw = nullptr;
    EXPECT_TRUE(rocksdb::DB::OpenForReadOnly({}, path_, &raw).ok());
    const std::unique_ptr<rocksdb::DB> db(raw);
    std::string value;
    EXPECT_TRUE(db->Get({}, "s/" + subject, &value).ok());
    return value;
  }
  void Put(const std::string& key, const std::string& value) {
    rocksdb::DB* raw = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open({}, path_, &raw).ok());
    const std::unique_ptr<rocksdb::DB> db(raw);
    ASSERT_TRUE(db->Put({}, key, value).ok());
  }

  std::string folder_, path_;
};

bool Holds(const std::string& bytes, const std::string& part) { return bytes.find(part) != std::string::npos; }

DataKey One(KeyStore& store, const std::string& subject, bool create = true) {
  auto keys = store.GetKeys({"o", {subject}, {}, create});
  EXPECT_TRUE(keys.ok()) << keys.status();
  return keys.ok() ? keys->at(0) : DataKey();
}

TEST_F(KeyStoreTest, AKeyIsMadeOnceAndFoundBySubjectAndIdAlsoAfterReopening) {
  auto store = Open();
  EXPECT_EQ(One(*store, kPatient, /*create=*/false).state, State::kMissing);
  const DataKey made = One(*store, kPatient);
  ASSERT_EQ(made.state, State::kPresent);
  EXPECT_EQ(made.id.size(), 36u);
  store.reset();
  store = Open();
  auto found = store->GetKeys({"o", {kPatient}, {made.id}, true});
  ASSERT_TRUE(found.ok());
  for (const DataKey& key : *found) {
    EXPECT_EQ(key.state, State::kPresent);
    EXPECT_EQ(key.id, made.id);
    EXPECT_EQ(key.subject, kPatient);
    EXPECT_EQ(key.key.bytes(), made.key.bytes());
  }
}

TEST_F(KeyStoreTest, EachSubjectHasItsOwnKeyAndATwinInOneRequestTheSame) {
  auto store = Open();
  auto keys = store->GetKeys({"o", {kPatient, "organizations/o/patients/q", kPatient}, {}, true});
  ASSERT_TRUE(keys.ok());
  EXPECT_NE((*keys)[0].key.bytes(), (*keys)[1].key.bytes());
  EXPECT_EQ((*keys)[0].key.bytes(), (*keys)[2].key.bytes());
  EXPECT_EQ((*keys)[0].id, (*keys)[2].id);
}

TEST_F(KeyStoreTest, AnotherOrganizationsKeyIsAnsweredAsMissing) {
  auto store = Open();
  const DataKey made = One(*store, kPatient);
  auto stolen = store->GetKeys({"other", {}, {made.id}, false});
  ASSERT_TRUE(stolen.ok());
  EXPECT_EQ((*stolen)[0].state, State::kMissing);
  EXPECT_EQ((*stolen)[0].key.bytes(), std::string(32, '\0'));
  EXPECT_EQ((*stolen)[0].subject, "");
  EXPECT_EQ(ReasonOf(store->GetKeys({"other", {kPatient}, {}, true}).status()), "SUBJECT_MALFORMED");
}

TEST_F(KeyStoreTest, MalformedRequestsAreRefused) {
  auto store = Open();
  EXPECT_EQ(ReasonOf(store->GetKeys({"", {}, {}, true}).status()), "ORGANIZATION_MALFORMED");
  EXPECT_EQ(ReasonOf(store->GetKeys({"o/p", {}, {}, true}).status()), "ORGANIZATION_MALFORMED");
  EXPECT_EQ(ReasonOf(store->GetKeys({"o", {}, {"short"}, true}).status()), "KEY_ID_MALFORMED");
  EXPECT_EQ(ReasonOf(store->GetKeys({"o", std::vector<std::string>(1001, kPatient), {}, true}).status()),
            "TOO_MANY_KEYS");
  EXPECT_EQ(ReasonOf(store->GetKeys({"o", {"organizations/o/" + std::string(600, 'x')}, {}, true}).status()),
            "SUBJECT_MALFORMED");
}

TEST_F(KeyStoreTest, RacingRequestsAgreeOnOneKey) {
  auto store = Open();
  std::vector<DataKey> got(8);
  std::vector<std::thread> threads;
  for (DataKey& key : got) threads.emplace_back([&] { key = One(*store, kPatient); });
  for (std::thread& thread : threads) thread.join();
  for (const DataKey& key : got) EXPECT_EQ(key.id, got[0].id);
}

TEST_F(KeyStoreTest, ADestroyedKeyIsReportedErasedAndNeverMadeAgain) {
  auto store = Open();
  const DataKey made = One(*store, kPatient);
  ASSERT_TRUE(store->Destroy(kPatient).ok());
  ASSERT_TRUE(store->Destroy(kPatient).ok());
  for (int round = 0; round < 2; ++round) {
    auto keys = store->GetKeys({"o", {kPatient}, {made.id}, true});
    ASSERT_TRUE(keys.ok());
    for (const DataKey& key : *keys) {
      EXPECT_EQ(key.state, State::kErased);
      EXPECT_EQ(key.id, made.id);
      EXPECT_EQ(key.key.bytes(), std::string(32, '\0'));
    }
    store.reset();
    store = Open();
  }
}

TEST_F(KeyStoreTest, ASubjectWithoutAKeyCanBeErasedToo) {
  auto store = Open();
  ASSERT_TRUE(store->Destroy(kPatient).ok());
  EXPECT_EQ(One(*store, kPatient).state, State::kErased);
}

TEST_F(KeyStoreTest, NoFileHoldsADestroyedKey) {
  auto store = Open();
  One(*store, kPatient);
  One(*store, "organizations/o/patients/q");
  store.reset();
  const std::string wrapped = StoredValue(kPatient).substr(37);
  const std::string kept = StoredValue("organizations/o/patients/q").substr(37);
  ASSERT_TRUE(Holds(RawBytes(), wrapped));
  store = Open();
  ASSERT_TRUE(store->Destroy(kPatient).ok());
  EXPECT_FALSE(Holds(RawBytes(), wrapped));
  EXPECT_TRUE(Holds(RawBytes(), kept));
}

TEST_F(KeyStoreTest, NoFileHoldsAKeyUnwrapped) {
  auto store = Open();
  const DataKey made = One(*store, kPatient);
  auto lookup = store->GetLookupKey("o");
  ASSERT_TRUE(lookup.ok());
  for (const SecretKey& key : {made.key, lookup->key}) {
    for (const std::string& form : {std::string(key.bytes()), Hex(key.bytes()), Base64(key.bytes())}) {
      EXPECT_FALSE(Holds(RawBytes(), form));
    }
  }
}

TEST_F(KeyStoreTest, AWrongMasterKeyIsRefusedAtOpen) {
  Open('a');
  const absl::Status refused = OpenStatus('b');
  EXPECT_EQ(ReasonOf(refused), "MASTER_KEY_WRONG");
  EXPECT_THAT(refused.ToString(), Not(HasSubstr("bbbb")));
  EXPECT_TRUE(OpenStatus('a').ok());
}

TEST_F(KeyStoreTest, AMissingStoreIsNotMadeWhenItMustExist) {
  EXPECT_FALSE(KeyStore::Open(path_, Master('a'), &RealRuntime(), {.create_if_missing = false}).ok());
}

TEST_F(KeyStoreTest, AKeySwappedToAnotherSubjectDoesNotOpen) {
  auto store = Open();
  One(*store, kPatient);
  store.reset();
  Put("s/organizations/o/patients/thief", StoredValue(kPatient));
  store = Open();
  EXPECT_EQ(ReasonOf(store->GetKeys({"o", {"organizations/o/patients/thief"}, {}, false}).status()),
            "WRAPPED_KEY_DAMAGED");
}

TEST_F(KeyStoreTest, ADamagedKeyIsALossNotANewKey) {
  auto store = Open();
  One(*store, kPatient);
  store.reset();
  std::string value = StoredValue(kPatient);
  value.back() ^= 1;
  Put(Cat("s/", kPatient), value);
  store = Open();
  EXPECT_EQ(store->GetKeys({"o", {kPatient}, {}, true}).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(KeyStoreTest, LookupKeysHaveEpochs) {
  auto store = Open();
  auto first = store->GetLookupKey("o");
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first->epoch, 1);
  EXPECT_EQ(store->GetLookupKey("o")->key.bytes(), first->key.bytes());
  EXPECT_NE(store->GetLookupKey("another")->key.bytes(), first->key.bytes());
  auto second = store->RotateLookupKey("o");
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->epoch, 2);
  store.reset();
  store = Open();
  EXPECT_EQ(store->GetLookupKey("o")->key.bytes(), second->key.bytes());
  EXPECT_EQ(store->GetLookupKey("o", 1)->key.bytes(), first->key.bytes());
  EXPECT_EQ(ReasonOf(store->DestroyLookupKeysBefore("o", 3)), "EPOCH_IN_USE");
  ASSERT_TRUE(store->DestroyLookupKeysBefore("o", 2).ok());
  EXPECT_EQ(store->GetLookupKey("o", 1).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store->GetLookupKey("o")->epoch, 2);
  EXPECT_NE(LookupMac(*first, "mrn", "1"), LookupMac(*second, "mrn", "1"));
  EXPECT_NE(LookupMac(*first, "mrn", "1"), LookupMac(*first, "email", "1"));
}

TEST_F(KeyStoreTest, ARotatedMasterKeyOpensEverythingAndTheFormerOneNothing) {
  auto store = Open('a');
  std::vector<std::string> subjects;
  for (int i = 0; i < 900; ++i) subjects.push_back(Cat("organizations/o/patients/", i));
  std::vector<DataKey> before = store->GetKeys({"o", subjects, {}, true}).value();
  for (std::string& subject : subjects) subject += "x";  // More than one batch of a rotation.
  ASSERT_TRUE(store->GetKeys({"o", subjects, {}, true}).ok());
  const auto lookup = store->GetLookupKey("o");
  ASSERT_TRUE(store->Destroy("organizations/o/patients/7").ok());
  store.reset();
  const std::string wrapped = StoredValue("organizations/o/patients/8").substr(37);
  store = Open('a');
  ASSERT_TRUE(store->RotateMasterKey(Master('b')).ok());
  EXPECT_FALSE(Holds(RawBytes(), wrapped));
  for (int round = 0; round < 2; ++round) {
    for (int i : {0, 8, 899}) {
      EXPECT_EQ(One(*store, Cat("organizations/o/patients/", i), false).key.bytes(), before[i].key.bytes());
    }
    EXPECT_EQ(One(*store, "organizations/o/patients/7").state, State::kErased);
    EXPECT_EQ(store->GetLookupKey("o")->key.bytes(), lookup->key.bytes());
    store.reset();
    EXPECT_EQ(ReasonOf(OpenStatus('a')), "MASTER_KEY_WRONG");
    store = Open('b');
  }
}

TEST_F(KeyStoreTest, RequestsGoOnDuringARotation) {
  auto store = Open('a');
  const DataKey before = One(*store, kPatient);
  std::thread rotation([&] {
    for (char master = 'b'; master < 'j'; ++master) EXPECT_TRUE(store->RotateMasterKey(Master(master)).ok());
  });
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(One(*store, kPatient).key.bytes(), before.key.bytes());
    One(*store, Cat("organizations/o/patients/", i % 20));
  }
  rotation.join();
  store.reset();
  EXPECT_EQ(One(*Open('i'), kPatient).key.bytes(), before.key.bytes());
}

TEST_F(KeyStoreTest, ARotationCutShortIsCompletedAtTheNextOpen) {
  auto store = Open('a');
  const DataKey before = One(*store, kPatient);
  store.reset();
  const std::string old_row = StoredValue(kPatient);
  store = Open('a');
  ASSERT_TRUE(store->RotateMasterKey(Master('b')).ok());
  store.reset();
  // Back to the state after a crash behind the first write of the rotation: the row is old, the former key is noted.
  event::v1::Sealed former;
  former.set_key_id(Master('b').Id());
  former.set_nonce(std::string(kNonceSize, 'n'));
  former.set_ciphertext(
      AeadSeal(Master('b').key(), former.nonce(), "trialog.former-master-key.v1", Master('a').key().bytes()));
  Put(Cat("s/", kPatient), old_row);
  Put("m/rotating", former.SerializeAsString());

  store = Open('b');
  ASSERT_NE(store, nullptr);
  EXPECT_EQ(One(*store, kPatient, false).key.bytes(), before.key.bytes());
  EXPECT_FALSE(Holds(RawBytes(), old_row.substr(37)));
  EXPECT_FALSE(Holds(RawBytes(), former.ciphertext()));
}

class MasterKeyFile : public KeyStoreTest {
 protected:
  std::string Write(std::string_view content, mode_t mode = 0600) {
    const std::string path = folder_ + "/master";
    std::ofstream(path, std::ios::trunc) << content;
    EXPECT_EQ(chmod(path.c_str(), mode), 0);
    return path;
  }
};

TEST_F(MasterKeyFile, IsCreatedReadBackAndNeverOverwritten) {
  const std::string path = folder_ + "/new";
  auto made = MasterKey::CreateFile(path, RealRuntime());
  ASSERT_TRUE(made.ok()) << made.status();
  struct stat status;
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_EQ(MasterKey::FromFile(path)->key().bytes(), made->key().bytes());
  EXPECT_EQ(MasterKey::CreateFile(path, RealRuntime()).status().code(), absl::StatusCode::kAlreadyExists);
}

TEST_F(MasterKeyFile, MayBeHexadecimalOrBase64) {
  const std::string bytes(32, 'k');
  for (const std::string& text : {Hex(bytes), Hex(bytes) + "\n", Base64(bytes), Base64(bytes) + "\r\n"}) {
    auto key = MasterKey::FromFile(Write(text));
    ASSERT_TRUE(key.ok()) << key.status();
    EXPECT_EQ(key->key().bytes(), bytes);
  }
}

TEST_F(MasterKeyFile, ThatOthersMayReadIsRefused) {
  for (mode_t mode : {0644, 0640, 0604, 0620, 0700}) {
    EXPECT_EQ(MasterKey::FromFile(Write(Hex(std::string(32, 'k')), mode)).status().code(),
              absl::StatusCode::kFailedPrecondition);
  }
}

TEST_F(MasterKeyFile, OfAnotherContentIsRefusedWithoutRepeatingIt) {
  for (const std::string& text : {std::string(), std::string("secretsecret"), std::string(64, 'g'),
                                  std::string(63, 'a'), Hex(std::string(33, 'k')), std::string(5000, 'a')}) {
    const absl::Status status = MasterKey::FromFile(Write(text)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(status.ToString(), Not(HasSubstr("secret")));
  }
  EXPECT_EQ(MasterKey::FromFile(folder_ + "/absent").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(MasterKey::FromFile(folder_).status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace trialog::sealing
