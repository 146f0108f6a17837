#include "platform/sealing/kafka_key_journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "platform/errors/errors.h"
#include "platform/log/kafka/topics.h"
#include "platform/log/testing/kafka_brokers.h"
#include "platform/runtime/real_runtime.h"
#include "platform/sealing/key_store.h"
#include "platform/text/text.h"

namespace trialog::sealing {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using State = DataKey::State;

class KafkaKeyJournalTest : public ::testing::Test {
 protected:
  KafkaKeyJournalTest() {
    std::string pattern = ::testing::TempDir() + "/key_journal_XXXXXX";
    folder_ = mkdtemp(pattern.data());
    EXPECT_EQ(log::kafka::CreateTopics(options_, {log::kafka::KeysTopic(options_)}), absl::OkStatus());
  }
  ~KafkaKeyJournalTest() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<KafkaKeyJournal> Open() {
    auto opened = KafkaKeyJournal::Open(options_);
    EXPECT_TRUE(opened.ok()) << opened.status();
    return *std::move(opened);
  }
  struct Replica {
    std::unique_ptr<KafkaKeyJournal> journal;
    std::unique_ptr<KeyStore> store;
  };
  Replica OpenReplica(std::string_view name) {
    Replica replica{Open(), nullptr};
    auto store = KeyStore::Open(Cat(folder_, "/", name), MasterKey(*SecretKey::FromBytes(std::string(32, 'm'))),
                                &RealRuntime(), {.journal = replica.journal.get()});
    EXPECT_TRUE(store.ok()) << store.status();
    replica.store = *std::move(store);
    return replica;
  }

  const log::kafka::Options options_ = trialog::testing::FreshKafka();
  std::string folder_;
};

TEST_F(KafkaKeyJournalTest, TheTopicIsCheckedAsACompactedOne) {
  EXPECT_EQ(log::kafka::CheckTopics(options_, {log::kafka::KeysTopic(options_)}), absl::OkStatus());
  log::kafka::Topic as_log = log::kafka::KeysTopic(options_);
  as_log.compacted = false;
  EXPECT_EQ(ReasonOf(log::kafka::CheckTopics(options_, {as_log})), "TOPIC_SETTINGS");
}

TEST_F(KafkaKeyJournalTest, ReadsWhatWasAppendedAndNothingForADeletion) {
  const auto journal = Open();
  EXPECT_EQ(*journal->End(), 0);
  EXPECT_EQ(*journal->Append({{"a", "one"}, {"b", "two"}}), 2);
  EXPECT_EQ(*journal->Append({{"a", ""}}), 3);
  const auto other = Open();
  std::vector<std::string> values;
  for (int64_t next = 0; next < *other->End();) {
    const auto read = other->Read(next, 1 << 20);
    ASSERT_TRUE(read.ok()) << read.status();
    for (const log::StoredRecord& stored : *read) {
      EXPECT_EQ(stored.offset, next++);
      values.push_back(stored.bytes);
    }
  }
  EXPECT_THAT(values, ElementsAre("one", "two", ""));
}

TEST_F(KafkaKeyJournalTest, WhoFollowsIsWokenByWhatAnotherAppends) {
  const auto journal = Open(), other = Open();
  absl::Mutex mutex;
  bool woken = false;
  const auto tail = journal->Follow([&] {
    absl::MutexLock lock(&mutex);
    woken = true;
  });
  EXPECT_EQ(journal->KnownEnd(), 0);
  ASSERT_TRUE(other->Append({{"a", "one"}}).ok());
  while (journal->KnownEnd() == 0) {
    absl::MutexLock lock(&mutex);
    ASSERT_TRUE(mutex.AwaitWithTimeout(absl::Condition(&woken), absl::Seconds(30)));
    woken = false;
  }
  EXPECT_EQ(journal->Read(0, 1 << 20)->size(), 1u);
}

TEST_F(KafkaKeyJournalTest, AReplicaThatComesBackToALongTopicHearsOfAnErasure) {
  Replica first = OpenReplica("a");
  std::optional<Replica> second(OpenReplica("b"));
  for (int i = 0; i < 3; ++i) {
    std::vector<std::string> subjects;
    for (int n = 0; n < 900; ++n) subjects.push_back(Cat("organizations/o/patients/", i, "-", n));
    ASSERT_TRUE(first.store->GetKeys({"o", subjects, {}, true}).ok());
  }
  const std::string person = "organizations/o/patients/1-1";
  ASSERT_TRUE(second->store->GetKeys({"o", {person}, {}, true}).ok());
  second.reset();
  second.emplace(OpenReplica("b"));
  absl::Notification dropped;
  second->store->SetOnDestroyed([&](std::string_view subject) {
    if (subject == person && !dropped.HasBeenNotified()) dropped.Notify();
  });
  ASSERT_TRUE(first.store->Destroy(person).ok());
  ASSERT_TRUE(dropped.WaitForNotificationWithTimeout(absl::Seconds(5)));  // Sooner than it looks by itself.
  EXPECT_EQ((*second->store->FindKeys({"o", {person}, {}, false}))->front().state, State::kErased);
  second->store->SetOnDestroyed(nullptr);
}

TEST_F(KafkaKeyJournalTest, ReplicasThatRaceGiveOneKeyEach) {
  std::vector<Replica> replicas;
  for (const char* name : {"a", "b", "c"}) replicas.push_back(OpenReplica(name));
  constexpr int kSubjects = 20;
  std::vector<std::vector<std::string>> ids(replicas.size());
  std::vector<std::thread> threads;
  for (size_t r = 0; r < replicas.size(); ++r) {
    threads.emplace_back([&, r] {
      for (int i = 0; i < kSubjects; ++i) {
        const auto keys = replicas[r].store->GetKeys({"o", {Cat("organizations/o/patients/", i)}, {}, true});
        ids[r].push_back(keys.ok() ? keys->front().id : std::string(keys.status().message()));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(ids, Each(ids[0]));
  ASSERT_TRUE(replicas[0].store->Destroy("organizations/o/patients/7").ok());
  replicas.push_back(OpenReplica("new"));
  for (const char* id : {ids[0][7].c_str(), ids[0][8].c_str()}) {
    const auto keys = replicas.back().store->GetKeys({"o", {}, {id}, false});
    ASSERT_TRUE(keys.ok()) << keys.status();
    EXPECT_EQ(keys->front().state, id == ids[0][7] ? State::kErased : State::kPresent);
  }
}

}  // namespace
}  // namespace trialog::sealing
