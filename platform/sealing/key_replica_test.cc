// Several replicas of the table of keys and one topic that loses, delays and repeats what it is given and forgets what
// it may, from seeds. TRIALOG_SEED chooses one.
#include "platform/sealing/key_replica.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <set>

#include "platform/sealing/key_topic_testing.h"

namespace trialog::sealing {
namespace {

using State = DataKey::State;

constexpr char kOrganization[] = "o";

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

TEST(KeyReplicas, WriteOnceMoreAfterAnErasureSoThatAQuietTopicLetsGoOfTheKey) {
  Topic topic;
  Chance chance(1);
  InPlaceRuntime runtime(1);
  Replica first(topic, chance, 0, runtime), second(topic, chance, 0, runtime);
  first.Start();
  second.Start();
  const auto pass = [&](absl::Duration time) {
    for (const absl::Duration end = runtime.monotonic + time; runtime.monotonic < end;) {
      runtime.monotonic += absl::Seconds(10);
      runtime.RunTimers();
    }
    return topic.end;
  };
  pass(absl::Hours(3));  // What a start leads to.
  ASSERT_TRUE(first.store->GetKeys({kOrganization, {"organizations/o/patients/p"}, {}, true}).ok());
  EXPECT_EQ(topic.end, pass(absl::Hours(3)));  // Nothing was destroyed.
  ASSERT_EQ(first.store->Destroy("organizations/o/patients/p"), absl::OkStatus());
  const int64_t destroyed = topic.end;
  EXPECT_EQ(pass(absl::Minutes(59)), destroyed);
  EXPECT_EQ(pass(absl::Minutes(4)), destroyed + 1);  // One of the two.
  EXPECT_EQ(pass(absl::Hours(10)), destroyed + 1);
  second.store.reset();
  second.Start();  // It cannot know whether anybody wrote.
  EXPECT_EQ(pass(absl::Hours(10)), destroyed + 2);
}

}  // namespace
}  // namespace trialog::sealing
