#include "platform/sealing/caching_key_provider.h"

#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/errors/errors.h"
#include "platform/sealing/test_runtime.h"
#include "platform/text/text.h"

namespace trialog::sealing {
namespace {

using testing::ElementsAre;
using State = DataKey::State;

// Answers when told to, from a table of erased and missing subjects.
class SlowProvider final : public KeyProvider {
 public:
  void GetKeys(KeyRequest request, KeysCallback done) override {
    asked.push_back(request);
    open_.push_back([this, request, done = std::move(done)] {
      if (!failure.ok()) return done(failure);
      std::vector<DataKey> keys;
      for (const std::string& subject : request.subjects) keys.push_back(KeyOf(subject, request.create));
      for (const std::string& id : request.key_ids) keys.push_back(KeyOf(id.substr(3), false));
      done(std::move(keys));
    });
  }
  void GetLookupKey(std::string organization, LookupKeyCallback done) override {
    lookups.push_back(organization);
    open_.push_back([this, done = std::move(done)] {
      if (!failure.ok()) return done(failure);
      done(LookupKeyMaterial{1, *SecretKey::FromBytes(std::string(32, 'l'))});
    });
  }
  void Answer() {
    auto open = std::exchange(open_, {});
    for (auto& answer : open) answer();
  }

  std::vector<KeyRequest> asked;
  std::vector<std::string> lookups;
  absl::Status failure;
  State state = State::kPresent;

 private:
  DataKey KeyOf(const std::string& subject, bool create) {
    DataKey key;
    key.subject = subject;
    key.state = state == State::kMissing && create ? State::kPresent : state;
    if (key.state != State::kMissing) key.id = "id-" + subject;
    if (key.state == State::kPresent) key.key = *SecretKey::FromBytes(std::string(32, subject.back()));
    return key;
  }
  std::vector<std::function<void()>> open_;
};

struct Fixture {
  explicit Fixture(size_t max_keys = 100) : cache(&inner, &runtime, {.max_keys = max_keys, .max_lookup_keys = 2}) {}

  // The answer's subjects, or the failure's reason; empty while open.
  std::shared_ptr<std::vector<std::string>> Ask(KeyRequest request) {
    auto seen = std::make_shared<std::vector<std::string>>();
    cache.GetKeys(std::move(request), [seen](absl::StatusOr<std::vector<DataKey>> keys) {
      EXPECT_TRUE(seen->empty()) << "answered twice";
      if (!keys.ok()) return seen->push_back(ReasonOf(keys.status()));
      for (const DataKey& key : *keys) seen->push_back(key.subject);
    });
    return seen;
  }
  TestRuntime runtime;
  SlowProvider inner;
  CachingKeyProvider cache;
};

TEST(CachingKeyProvider, AnswersInTheOrderAskedAndAsksOnlyForWhatItLacks) {
  Fixture f;
  auto first = f.Ask({"o", {"b"}, {}, false});
  f.inner.Answer();
  EXPECT_THAT(*first, ElementsAre("b"));
  auto second = f.Ask({"o", {"a", "b", "c"}, {"id-b", "id-d"}, false});
  f.inner.Answer();
  EXPECT_THAT(*second, ElementsAre("a", "b", "c", "b", "d"));
  ASSERT_EQ(f.inner.asked.size(), 2u);
  EXPECT_THAT(f.inner.asked[1].subjects, ElementsAre("a", "c"));
  EXPECT_THAT(f.inner.asked[1].key_ids, ElementsAre("id-d"));
}

TEST(CachingKeyProvider, SingleFlight) {
  Fixture f;
  auto first = f.Ask({"o", {"a", "b"}, {}, false});
  auto second = f.Ask({"o", {"b", "c", "b"}, {}, false});
  EXPECT_THAT(f.inner.asked[1].subjects, ElementsAre("c"));
  f.inner.Answer();
  EXPECT_THAT(*first, ElementsAre("a", "b"));
  EXPECT_THAT(*second, ElementsAre("b", "c", "b"));
}

TEST(CachingKeyProvider, ARequestToCreateIsNotServedByALookWithout) {
  Fixture f;
  f.inner.state = State::kMissing;
  f.Ask({"o", {"a"}, {}, false});
  f.Ask({"o", {"a"}, {}, true});
  ASSERT_EQ(f.inner.asked.size(), 2u);
  EXPECT_TRUE(f.inner.asked[1].create);
}

TEST(CachingKeyProvider, MissingKeysAndFailuresAreNotKept) {
  Fixture f;
  f.inner.state = State::kMissing;
  f.Ask({"o", {"a"}, {}, false});
  f.inner.Answer();
  f.inner.failure = Refuse(absl::StatusCode::kUnavailable, "KEYS_UNAVAILABLE", "try again");
  auto failed = f.Ask({"o", {"a"}, {}, false});
  f.inner.Answer();
  EXPECT_THAT(*failed, ElementsAre("KEYS_UNAVAILABLE"));
  f.inner.failure = absl::OkStatus();
  f.Ask({"o", {"a"}, {}, false});
  EXPECT_EQ(f.inner.asked.size(), 3u);
}

TEST(CachingKeyProvider, ErasedKeysAreKept) {
  Fixture f;
  f.inner.state = State::kErased;
  f.Ask({"o", {"a"}, {}, false});
  f.inner.Answer();
  EXPECT_THAT(*f.Ask({"o", {"a"}, {"id-a"}, true}), ElementsAre("a", "a"));
}

TEST(CachingKeyProvider, AKeyIsKeptFiveMinutes) {
  Fixture f;
  f.Ask({"o", {"a"}, {}, false});
  f.inner.Answer();
  f.runtime.monotonic += absl::Minutes(5) - absl::Seconds(1);
  EXPECT_THAT(*f.Ask({"o", {"a"}, {}, false}), ElementsAre("a"));
  f.runtime.monotonic += absl::Seconds(1);
  EXPECT_THAT(*f.Ask({"o", {"a"}, {}, false}), ElementsAre());
}

TEST(CachingKeyProvider, IsBoundedAndTheLeastRecentlyUsedLeaves) {
  Fixture f(2);
  f.Ask({"o", {"a", "b"}, {}, false});
  f.inner.Answer();
  f.Ask({"o", {"a"}, {}, false});
  f.Ask({"o", {"c"}, {}, false});
  f.inner.Answer();
  EXPECT_THAT(*f.Ask({"o", {"a"}, {}, false}), ElementsAre("a"));
  EXPECT_THAT(*f.Ask({"o", {"c"}, {}, false}), ElementsAre("c"));
  EXPECT_THAT(*f.Ask({"o", {"b"}, {}, false}), ElementsAre());
}

TEST(CachingKeyProvider, ADroppedSubjectIsForgottenUnderBothItsNames) {
  Fixture f;
  f.Ask({"o", {"a"}, {}, false});
  f.inner.Answer();
  f.cache.Drop("a");
  EXPECT_THAT(*f.Ask({"o", {"a"}, {}, false}), ElementsAre());
  EXPECT_THAT(*f.Ask({"o", {}, {"id-a"}, false}), ElementsAre());
}

TEST(CachingKeyProvider, AKeyOnItsWayDuringADropIsNotKept) {
  Fixture f;
  auto by_subject = f.Ask({"o", {"a"}, {}, false});
  auto by_id = f.Ask({"o", {}, {"id-a"}, false});
  f.cache.Drop("a");
  f.inner.Answer();
  EXPECT_THAT(*by_subject, ElementsAre("a"));
  EXPECT_THAT(*by_id, ElementsAre("a"));
  EXPECT_THAT(*f.Ask({"o", {"a"}, {}, false}), ElementsAre());
}

TEST(CachingKeyProvider, OrganizationsDoNotShareKeys) {
  Fixture f;
  f.Ask({"o", {"a"}, {}, false});
  f.inner.Answer();
  EXPECT_THAT(*f.Ask({"p", {"a"}, {"id-a"}, false}), ElementsAre());
}

TEST(CachingKeyProvider, TooManyKeysAreRefused) {
  Fixture f;
  EXPECT_THAT(*f.Ask({"o", std::vector<std::string>(1001, "a"), {}, false}), ElementsAre("TOO_MANY_KEYS"));
  EXPECT_EQ(f.inner.asked.size(), 0u);
}

TEST(CachingKeyProvider, ARequestForNothingIsAnsweredAtOnce) {
  Fixture f;
  bool answered = false;
  f.cache.GetKeys({"o", {}, {}, false}, [&](auto keys) { answered = keys.ok() && keys->empty(); });
  EXPECT_TRUE(answered);
}

TEST(CachingKeyProvider, OpenRequestsAreAnsweredAfterItsEnd) {
  TestRuntime runtime;
  SlowProvider inner;
  int answers = 0;
  {
    CachingKeyProvider cache(&inner, &runtime);
    cache.GetKeys({"o", {"a"}, {}, false}, [&](auto keys) { answers += keys.ok(); });
    cache.GetLookupKey("o", [&](auto key) { answers += key.ok(); });
  }
  inner.Answer();
  EXPECT_EQ(answers, 2);
}

TEST(CachingKeyProvider, LookupKeysAreCachedBoundedAndDropped) {
  Fixture f;
  int answers = 0;
  auto ask = [&](std::string organization) {
    f.cache.GetLookupKey(std::move(organization), [&](auto key) { answers += key.ok(); });
  };
  ask("o");
  ask("o");
  EXPECT_THAT(f.inner.lookups, ElementsAre("o"));
  f.inner.Answer();
  ask("o");
  EXPECT_EQ(answers, 3);
  f.cache.DropLookupKey("o");
  ask("o");
  f.cache.DropLookupKey("o");
  f.inner.Answer();  // On its way during the drop: not kept.
  ask("o");
  EXPECT_THAT(f.inner.lookups, ElementsAre("o", "o", "o"));
}

TEST(CachingKeyProvider, StandsManyThreads) {
  // An inner provider that answers in place, so that flights begin and end at any time.
  class Quick final : public KeyProvider {
   public:
    void GetKeys(KeyRequest request, KeysCallback done) override {
      std::vector<DataKey> keys(request.subjects.size());
      for (size_t i = 0; i < keys.size(); ++i) {
        keys[i].state = State::kPresent;
        keys[i].subject = request.subjects[i];
        keys[i].id = "id-" + keys[i].subject;
      }
      done(std::move(keys));
    }
    void GetLookupKey(std::string, LookupKeyCallback done) override { done(LookupKeyMaterial{}); }
  } inner;
  TestRuntime runtime;
  CachingKeyProvider cache(&inner, &runtime, {.max_keys = 10});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 500; ++i) {
        const std::string mine = Cat("s", (i + t) % 30), other = Cat("s", i % 7);
        cache.GetKeys(
            {"o", {mine, other}, {}, false},
            [mine,
             other](absl::StatusOr<std::vector<DataKey>> keys) {  // Possibly on another thread, after this one went on.
              ASSERT_TRUE(keys.ok());
              EXPECT_EQ((*keys)[0].subject, mine);
              EXPECT_EQ((*keys)[1].subject, other);
            });
        if (i % 10 == 0) cache.Drop(other);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace trialog::sealing
