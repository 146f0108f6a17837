// Several replicas of the table of keys and one topic that loses, delays and repeats what it is given and forgets what
// it may, from seeds. TRIALOG_SEED chooses one.
#include "platform/sealing/key_replica.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <random>
#include <set>

#include "platform/errors/errors.h"
#include "platform/sealing/key_store.h"
#include "platform/text/text.h"
#include "rocksdb/env.h"

namespace trialog::sealing {
namespace {

using State = DataKey::State;
using ::testing::IsEmpty;

constexpr char kPath[] = "/keys";
constexpr char kOrganization[] = "o";

MasterKey Master(char fill = 'm') { return MasterKey(*SecretKey::FromBytes(std::string(32, fill))); }

// Time that the test moves; tasks run where they are posted.
class InPlaceRuntime final : public Runtime {
 public:
  explicit InPlaceRuntime(uint64_t seed) : engine_(seed) {}
  absl::Time Now() override { return absl::UnixEpoch() + monotonic; }
  absl::Duration Monotonic() override { return monotonic; }
  std::string RandomBytes(size_t count) override {
    std::string bytes(count, 0);
    for (char& byte : bytes) byte = static_cast<char>(engine_());
    return bytes;
  }
  std::unique_ptr<Executor> NewExecutor(std::string) override { return std::make_unique<InPlace>(); }

  absl::Duration monotonic = absl::Hours(1);

 private:
  class InPlace final : public Executor {
   public:
    void Post(Task task) override { task(); }
    void After(absl::Duration, Task) override {}
  };
  std::mt19937_64 engine_;
};

// What the brokers hold.
struct Topic {
  std::map<int64_t, KeyJournal::Entry> entries;
  int64_t end = 0;
  std::vector<KeyJournal::Entry> late;

  void Land(KeyJournal::Entry entry) { entries[end++] = std::move(entry); }
  // Of each key the last stays; of one that was deleted nothing, but for the last entry of all.
  void Compact() {
    std::map<std::string, int64_t> last;
    for (const auto& [offset, entry] : entries) last[entry.key] = offset;
    std::erase_if(entries, [&](const auto& stored) {
      const auto& [offset, entry] = stored;
      return offset + 1 != end && (last[entry.key] != offset || entry.value.empty());
    });
  }
};

class Chance {
 public:
  explicit Chance(uint64_t seed) : engine_(seed) {}
  bool OneIn(uint32_t n) { return n > 0 && Below(n) == 0; }
  uint32_t Below(uint32_t n) { return static_cast<uint32_t>(engine_() % n); }

 private:
  std::mt19937_64 engine_;
};

// One replica's way to the topic.
class SimulatedJournal final : public KeyJournal {
 public:
  SimulatedJournal(Topic& topic, Chance& chance, uint32_t fault_one_in)
      : topic_(topic), chance_(chance), fault_one_in_(fault_one_in) {}

  absl::StatusOr<int64_t> Append(std::vector<Entry> entries) override {
    LandLate();
    absl::Status status;
    for (Entry& entry : entries) {
      if (!chance_.OneIn(fault_one_in_)) {
        topic_.Land(std::move(entry));
        continue;
      }
      status = RetryLater(absl::StatusCode::kUnavailable, "KEYS_NOT_WRITTEN", "a fault", absl::Seconds(1));
      const uint32_t fate = chance_.Below(3);
      if (fate == 0) topic_.Land(std::move(entry));
      if (fate == 1) topic_.late.push_back(std::move(entry));
    }
    // What another wrote at the same time.
    LandLate();
    if (!status.ok()) return status;
    return topic_.end;
  }
  absl::StatusOr<std::vector<log::StoredRecord>> Read(int64_t from, size_t max_bytes) override {
    if (chance_.OneIn(4 * fault_one_in_))
      return RetryLater(absl::StatusCode::kUnavailable, "LOG_READ_FAILED", "a fault", absl::Seconds(1));
    std::vector<log::StoredRecord> read;
    size_t bytes = 0;
    for (auto it = topic_.entries.lower_bound(from); it != topic_.entries.end(); ++it) {
      if (!read.empty() && bytes >= max_bytes) break;
      bytes += it->second.value.size();
      read.push_back({it->first, absl::InfinitePast(), it->second.value});
    }
    return read;
  }
  absl::StatusOr<std::string> First() override {
    return topic_.entries.empty() ? std::string() : topic_.entries.begin()->second.value;
  }
  absl::StatusOr<int64_t> End() override {
    LandLate();
    if (chance_.OneIn(fault_one_in_))
      return RetryLater(absl::StatusCode::kUnavailable, "LOG_UNAVAILABLE", "a fault", absl::Seconds(1));
    return topic_.end;
  }
  int64_t KnownEnd() override { return topic_.end; }
  std::unique_ptr<log::Tail> Follow(std::function<void()> wake) override {
    wake_ = std::move(wake);
    return std::make_unique<log::Tail>();
  }
  void Wake() {
    if (wake_) wake_();
  }

 private:
  void LandLate() {
    while (!topic_.late.empty() && chance_.OneIn(2)) {
      topic_.Land(std::move(topic_.late.front()));
      topic_.late.erase(topic_.late.begin());
    }
  }

  Topic& topic_;
  Chance& chance_;
  const uint32_t fault_one_in_;
  std::function<void()> wake_;
};

// One process of auth with its own disk.
struct Replica {
  Replica(Topic& topic, Chance& chance, uint32_t fault_one_in, InPlaceRuntime& runtime)
      : journal(topic, chance, fault_one_in), runtime(runtime) {}

  // Again until it starts, when the only obstacle passes.
  void Start() {
    for (int tries = 0; tries < 50; ++tries) {
      runtime.monotonic += absl::Seconds(1);
      auto opened = KeyStore::Open(kPath, Master(), &runtime, {.env = env.get(), .journal = &journal});
      if (opened.ok()) {
        store = *std::move(opened);
        return;
      }
      ASSERT_TRUE(absl::IsUnavailable(opened.status())) << opened.status();
    }
    FAIL() << "it does not start";
  }
  // Rows but for where it stands.
  std::map<std::string, std::string> Rows() {
    store.reset();
    const auto table = KeyTable::Open(kPath, env.get(), false);
    EXPECT_TRUE(table.ok());
    std::map<std::string, std::string> rows;
    const std::unique_ptr<rocksdb::Iterator> row((*table)->db().NewIterator({}));
    for (row->SeekToFirst(); row->Valid(); row->Next()) rows[row->key().ToString()] = row->value().ToString();
    rows.erase(key_row::kPosition);
    return rows;
  }

  const std::unique_ptr<rocksdb::Env> env{rocksdb::NewMemEnv(rocksdb::Env::Default())};
  SimulatedJournal journal;
  InPlaceRuntime& runtime;
  std::unique_ptr<KeyStore> store;
};

struct Counts {
  int made = 0, failed = 0, destroyed = 0, restarts = 0, second = 0;
};

class World {
 public:
  World(uint64_t seed, uint32_t fault_one_in) : chance_(seed), runtime_(seed) {
    for (int i = 0; i < 3; ++i) {
      replicas_.push_back(std::make_unique<Replica>(topic_, chance_, fault_one_in, runtime_));
      replicas_.back()->Start();
    }
  }

  void Step(Counts& counts) {
    runtime_.monotonic += absl::Seconds(1);
    Replica& replica = *replicas_[chance_.Below(3)];
    const std::string subject = Cat("organizations/o/patients/", chance_.Below(6));
    switch (chance_.Below(12)) {
      case 0:
        counts.restarts += 1;
        replica.store.reset();
        return replica.Start();
      case 1:
        return Destroy(replica, subject, counts);
      case 2:
        return replica.journal.Wake();
      case 3:
        return Lookup(replica);
      case 4:
        return topic_.Compact();
      default:
        return Get(replica, subject, counts);
    }
  }

  // Whoever reads the whole topic has what the others have, also when that was compacted.
  void ExpectOneTable() {
    for (Replica* replica : All()) {
      for (const std::string& subject : begun_) Settle(*replica, subject);
    }
    topic_.late.clear();
    topic_.Compact();
    replicas_.push_back(std::make_unique<Replica>(topic_, chance_, 0, runtime_));
    replicas_.back()->Start();
    for (Replica* replica : All()) {
      replica->journal.Wake();
      for (const auto& [subject, key] : keys_) {
        const auto keys = replica->store->FindKeys({kOrganization, {subject}, {key.id}, false});
        ASSERT_TRUE(keys.ok() && keys->has_value()) << subject;
        for (const DataKey& found : **keys) {
          EXPECT_EQ(found.state, destroyed_.count(subject) > 0 ? State::kErased : State::kPresent) << subject;
          EXPECT_EQ(found.id, key.id);
        }
      }
    }
    const auto rows = replicas_.front()->Rows();
    for (Replica* replica : All()) EXPECT_EQ(replica->Rows(), rows);
    for (const auto& [offset, entry] : topic_.entries) {
      if (entry.value.empty()) continue;
      for (const std::string& subject : destroyed_) {
        EXPECT_NE(entry.key, Cat("s/", subject, "/", keys_.count(subject) > 0 ? keys_[subject].id : ""))
            << "the topic forgets a destroyed key";
      }
    }
  }

  int Seconds() const {
    std::map<std::string, int> subjects;
    for (const auto& [offset, entry] : topic_.entries) {
      if (HasPrefix(entry.key, "s/")) ++subjects[entry.key.substr(0, entry.key.rfind('/'))];
    }
    int second = 0;
    for (const auto& [subject, count] : subjects) second += count - 1;
    return second;
  }

 private:
  std::vector<Replica*> All() {
    std::vector<Replica*> all;
    for (const auto& replica : replicas_) all.push_back(replica.get());
    return all;
  }

  void Get(Replica& replica, const std::string& subject, Counts& counts) {
    const bool create = !chance_.OneIn(4);
    const auto got = replica.store->GetKeys({kOrganization, {subject}, {}, create});
    if (!got.ok()) {
      ++counts.failed;
      ASSERT_TRUE(absl::IsUnavailable(got.status())) << got.status();
      return;
    }
    const DataKey& key = got->front();
    if (key.state == State::kMissing) {
      ASSERT_FALSE(create);
      ASSERT_EQ(keys_.count(subject), 0u) << "a key that was given out is missing";
      ASSERT_EQ(destroyed_.count(subject), 0u) << "an erasure is forgotten";
      return;
    }
    if (key.state == State::kErased) {
      ASSERT_EQ(begun_.count(subject), 1u) << "nobody erased it";
      return;
    }
    ++counts.made;
    const auto [known, first] = keys_.emplace(subject, key);
    ASSERT_EQ(known->second.id, key.id) << "two keys for one subject";
    ASSERT_EQ(known->second.key.bytes(), key.key.bytes());
  }

  void Destroy(Replica& replica, const std::string& subject, Counts& counts) {
    begun_.insert(subject);
    if (!replica.store->Destroy(subject).ok()) return;
    ++counts.destroyed;
    destroyed_.insert(subject);
    const auto got = replica.store->GetKeys({kOrganization, {subject}, {}, true});
    ASSERT_TRUE(got.ok());
    ASSERT_EQ(got->front().state, State::kErased);
  }

  // An erasure that was begun is repeated until it is done.
  void Settle(Replica& replica, const std::string& subject) {
    for (int tries = 0; tries < 50; ++tries) {
      runtime_.monotonic += absl::Seconds(1);
      if (!replica.store->Destroy(subject).ok()) continue;
      destroyed_.insert(subject);
      return;
    }
    FAIL() << "it is not erased";
  }

  void Lookup(Replica& replica) {
    const auto key = replica.store->GetLookupKey(kOrganization);
    if (!key.ok()) return;
    ASSERT_EQ(key->epoch, 1);
    if (lookup_.empty()) lookup_ = std::string(key->key.bytes());
    ASSERT_EQ(lookup_, key->key.bytes());
  }

  Chance chance_;
  InPlaceRuntime runtime_;
  Topic topic_;
  std::vector<std::unique_ptr<Replica>> replicas_;
  std::map<std::string, DataKey> keys_;  // As somebody was given them.
  std::set<std::string> begun_, destroyed_;
  std::string lookup_;
};

TEST(KeyReplicas, AgreeOnEachKeyWhateverTheTopicLosesDelaysOrForgets) {
  const char* given = std::getenv("TRIALOG_SEED");
  const uint64_t first = given ? std::strtoull(given, nullptr, 10) : 1, seeds = given ? 1 : 100;
  Counts all;
  for (uint64_t seed = first; seed < first + seeds; ++seed) {
    SCOPED_TRACE(Cat("TRIALOG_SEED=", seed));
    World world(seed, seed % 4 == 0 ? 0 : 4);
    for (int step = 0; step < 60; ++step) {
      world.Step(all);
      ASSERT_FALSE(::testing::Test::HasFatalFailure());
    }
    all.second += world.Seconds();
    world.ExpectOneTable();
    ASSERT_FALSE(::testing::Test::HasFailure());
  }
  std::cout << seeds << " seeds: keys given " << all.made << ", failed " << all.failed << ", destroyed "
            << all.destroyed << ", restarts " << all.restarts << ", second keys ignored " << all.second << "\n";
  if (given) return;
  EXPECT_GT(all.failed, 0);
  EXPECT_GT(all.destroyed, 0);
  EXPECT_GT(all.second, 0);
}

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
