// What a start finds in the topic of keys, and what is left of a destroyed key: case by case.
#include <gtest/gtest.h>

#include "platform/sealing/key_topic_testing.h"

namespace trialog::sealing {
namespace {

using State = DataKey::State;

constexpr char kOrganization[] = "o";

class KeyTopicTest : public ::testing::Test {
 protected:
  std::unique_ptr<Replica> Started() {
    auto replica = std::make_unique<Replica>(topic_, chance_, 0, runtime_);
    replica->Start();
    return replica;
  }
  absl::Status OpenStatus(Replica& replica, char master = 'm') {
    return KeyStore::Open(kPath, Master(master), &runtime_, {.env = replica.env.get(), .journal = &replica.journal})
        .status();
  }
  // A store that never knew a topic, with one key.
  std::unique_ptr<Replica> Alone() {
    auto replica = std::make_unique<Replica>(topic_, chance_, 0, runtime_);
    auto store = KeyStore::Open(kPath, Master(), &runtime_, {.env = replica->env.get()});
    EXPECT_TRUE(store.ok());
    alone_ = One(**store, "organizations/o/patients/p");
    EXPECT_TRUE((*store)->Destroy("organizations/o/patients/erased").ok());
    alone_lookup_ = std::string((*store)->GetLookupKey(kOrganization)->key.bytes());
    return replica;
  }
  static DataKey One(KeyStore& store, const std::string& subject, bool create = true) {
    auto keys = store.GetKeys({kOrganization, {subject}, {}, create});
    EXPECT_TRUE(keys.ok()) << keys.status();
    return keys.ok() ? keys->front() : DataKey();
  }

  Topic topic_;
  Chance chance_{1};
  InPlaceRuntime runtime_{1};
  DataKey alone_;
  std::string alone_lookup_;
};

TEST_F(KeyTopicTest, AKeyMadeByOneIsFoundByTheOthersByIdAtOnce) {
  const auto a = Started(), b = Started();
  const DataKey made = One(*a->store, "organizations/o/patients/p");
  EXPECT_FALSE(b->store->FindKeys({kOrganization, {}, {made.id}, false})->has_value());
  const auto found = b->store->GetKeys({kOrganization, {}, {made.id}, false});
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->front().key.bytes(), made.key.bytes());
}

TEST_F(KeyTopicTest, NoFileOfAnotherReplicaHoldsADestroyedKeyOnceItFollowed) {
  const auto a = Started(), b = Started();
  const DataKey made = One(*a->store, "organizations/o/patients/p");
  b->journal.Wake();
  ASSERT_EQ(One(*b->store, "organizations/o/patients/p", false).state, State::kPresent);
  ASSERT_TRUE(a->store->Destroy("organizations/o/patients/p").ok());
  b->journal.Wake();
  const auto found = b->store->FindKeys({kOrganization, {"organizations/o/patients/p"}, {}, false});
  EXPECT_EQ((*found)->front().state, State::kErased);
  std::string bytes;
  std::vector<std::string> files;
  ASSERT_TRUE(b->env->GetChildren(kPath, &files).ok());
  for (const std::string& file : files) {
    std::string content;
    if (rocksdb::ReadFileToString(b->env.get(), Cat(kPath, "/", file), &content).ok()) bytes += content;
  }
  std::string record;
  for (const auto& [offset, entry] : topic_.entries) {
    if (entry.key == Cat("s/organizations/o/patients/p/", made.id) && !entry.value.empty()) record = entry.value;
  }
  event::v1::KeyRecord wrapped;
  ASSERT_TRUE(wrapped.ParseFromString(record));
  EXPECT_EQ(bytes.find(wrapped.made_data_key().wrapped().ciphertext()), std::string::npos);
}

TEST_F(KeyTopicTest, AWrongMasterKeyIsRefusedAlsoByAnEmptyStore) {
  const auto a = Started();
  Replica other(topic_, chance_, 0, runtime_);
  EXPECT_EQ(ReasonOf(OpenStatus(other, 'x')), "MASTER_KEY_WRONG");
}

TEST_F(KeyTopicTest, AKeyThatSomebodyElsePutIntoTheTopicOpensForNobody) {
  const auto a = Started();
  const DataKey made = One(*a->store, "organizations/o/patients/p");
  event::v1::KeyRecord record;
  for (const auto& [offset, entry] : topic_.entries) {
    if (entry.key == Cat("s/organizations/o/patients/p/", made.id)) record.ParseFromString(entry.value);
  }
  // The same key for another person, under another id.
  record.mutable_made_data_key()->set_subject("organizations/o/patients/thief");
  record.mutable_made_data_key()->mutable_key_id()->back() ^= 1;
  topic_.Land({JournalKeyOf(record), record.SerializeAsString()});
  a->journal.Wake();
  const auto stolen = a->store->GetKeys({kOrganization, {"organizations/o/patients/thief"}, {}, true});
  EXPECT_EQ(ReasonOf(stolen.status()), "WRAPPED_KEY_DAMAGED");
  EXPECT_EQ(One(*a->store, "organizations/o/patients/p").id, made.id);
}

TEST_F(KeyTopicTest, ATopicThatWasCutIsRefused) {
  const auto a = Started();
  One(*a->store, "organizations/o/patients/p");
  a->store.reset();
  topic_.entries.erase(--topic_.entries.end());
  --topic_.end;
  EXPECT_EQ(ReasonOf(OpenStatus(*a)), "KEY_TOPIC_ENDS_BEFORE_STORE");
}

TEST_F(KeyTopicTest, ATopicMadeAnewIsRefused) {
  const auto a = Started();
  a->store.reset();
  topic_.entries.clear();
  topic_.end = 0;
  const auto b = Started();
  for (int i = 0; i < 5; ++i) One(*b->store, Cat("organizations/o/patients/", i));
  EXPECT_EQ(ReasonOf(OpenStatus(*a)), "KEY_TOPIC_IS_ANOTHER");
}

TEST_F(KeyTopicTest, AStoreThatWasAloneIsWrittenToTheTopicAlsoAfterAnEarlierTryWasCutShort) {
  const auto alone = Alone();
  alone->Start();
  alone->store.reset();
  // A crash before the first of it was folded, and after the last but one was written.
  topic_.entries.erase(--topic_.entries.end());
  --topic_.end;
  {
    const auto table = KeyTable::Open(kPath, alone->env.get(), false);
    ASSERT_TRUE((*table)->db().Delete({}, key_row::kPosition).ok());
    ASSERT_TRUE((*table)->db().Delete({}, key_row::kTopic).ok());
  }
  alone->Start();
  const auto other = Started();
  EXPECT_EQ(One(*other->store, "organizations/o/patients/p", false).key.bytes(), alone_.key.bytes());
  EXPECT_EQ(One(*other->store, "organizations/o/patients/erased").state, State::kErased);
  EXPECT_EQ(other->store->GetLookupKey(kOrganization)->key.bytes(), alone_lookup_);
  EXPECT_EQ(other->Rows(), alone->Rows());
}

TEST_F(KeyTopicTest, AStoreWithKeysOfItsOwnDoesNotMixThemWithOthers) {
  const auto first = Started();
  One(*first->store, "organizations/o/patients/other");
  const auto alone = Alone();
  EXPECT_EQ(ReasonOf(OpenStatus(*alone)), "KEY_TOPIC_HOLDS_OTHER_KEYS");
}

TEST_F(KeyTopicTest, ARecordOfALaterBuildStopsTheStartLoudly) {
  { const auto a = Started(); }
  topic_.Land({"z", std::string("\x7a\x00", 2)});  // Field 15, which no build has.
  Replica other(topic_, chance_, 0, runtime_);
  EXPECT_EQ(ReasonOf(OpenStatus(other)), "KEY_RECORD_UNKNOWN");
  topic_.Land({"z", "\xff"});
}

TEST_F(KeyTopicTest, EarlierLookupKeysAreForgottenByTheTopicToo) {
  const auto a = Started();
  ASSERT_TRUE(a->store->GetLookupKey(kOrganization).ok());
  const auto second = a->store->RotateLookupKey(kOrganization);
  ASSERT_TRUE(second.ok());
  ASSERT_TRUE(a->store->DestroyLookupKeysBefore(kOrganization, 2).ok());
  topic_.Compact();
  const auto b = Started();
  EXPECT_EQ(b->store->GetLookupKey(kOrganization)->key.bytes(), second->key.bytes());
  EXPECT_EQ(b->store->GetLookupKey(kOrganization, 1).status().code(), absl::StatusCode::kNotFound);
  int left = 0;
  for (const auto& [offset, entry] : topic_.entries) left += HasPrefix(entry.key, "l/") && !entry.value.empty();
  EXPECT_EQ(left, 1);
  EXPECT_EQ(a->Rows(), b->Rows());
}

TEST_F(KeyTopicTest, TheMasterKeyOfSharedKeysIsNotRotated) {
  EXPECT_EQ(ReasonOf(Started()->store->RotateMasterKey(Master('x'))), "KEYS_ON_A_TOPIC");
}

}  // namespace
}  // namespace trialog::sealing
