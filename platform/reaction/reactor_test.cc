#include "platform/reaction/reactor.h"

#include "gmock/gmock.h"
#include "platform/errors/errors.h"
#include "platform/log/admission.h"
#include "platform/reaction/alarm_world.h"

namespace trialog::reaction {
namespace {

constexpr int kParts = 3;

// The real one, but what is to run after a delay runs when it is let go.
class HeldRuntime : public Runtime {
 public:
  absl::Time Now() override { return RealRuntime().Now(); }
  absl::Duration Monotonic() override { return RealRuntime().Monotonic(); }
  std::string RandomBytes(size_t count) override { return RealRuntime().RandomBytes(count); }
  std::unique_ptr<Executor> NewExecutor(std::string name) override {
    return std::make_unique<HeldExecutor>(*this, RealRuntime().NewExecutor(std::move(name)));
  }
  // Waits until something is held back.
  void LetGo() {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(
        +[](std::vector<std::function<void()>>* held) { return !held->empty(); }, &held_));
    for (auto& task : held_) task();
    held_.clear();
  }

 private:
  class HeldExecutor : public Executor {
   public:
    HeldExecutor(HeldRuntime& runtime, std::unique_ptr<Executor> real) : runtime_(runtime), real_(std::move(real)) {}
    void Post(Task task) override { real_->Post(std::move(task)); }
    void After(absl::Duration, Task task) override {
      auto shared = std::make_shared<Task>(std::move(task));
      absl::MutexLock lock(&runtime_.mutex_);
      runtime_.held_.push_back([this, shared] { real_->Post(std::move(*shared)); });
    }

   private:
    HeldRuntime& runtime_;
    std::unique_ptr<Executor> real_;
  };

  absl::Mutex mutex_;
  std::vector<std::function<void()>> held_;
};

class ReactorTest : public AlarmWorld {
 protected:
  // Rings each alarm that was set, once.
  Reaction RingsAll() {
    return {"alarm",
            {"trialog.alarm.v1.AlarmSet"},
            "alarm.ring",
            [this](const view::State&, const Context&, const event::v1::PublicEvent& cause, std::string_view) {
              ++reactions_;
              return Step{Ring(cause.subject()), ""};
            }};
  }
  // Rings three others for each, in as many records; what rang is not rung again.
  Reaction RingsInParts() {
    return {"alarm",
            {"trialog.alarm.v1.AlarmSet"},
            "alarm.ring",
            [](const view::State& state, const Context&, const event::v1::PublicEvent& cause, std::string_view after) {
              const int part = after.empty() ? 0 : static_cast<int>(after[0] - '0');
              const std::string name = Cat(cause.subject(), "-", part);
              Step step;
              if (!state.Find(kAlarms, name)) step.decision = Ring(name);
              if (part + 1 < kParts) step.next = Cat(part + 1);
              return step;
            }};
  }
  std::unique_ptr<Reactor> Start(Reaction reaction, Submit submit, ReactorOptions options = {}) {
    options.first_backoff = absl::Milliseconds(1);
    auto reactor = std::make_unique<Reactor>(RealRuntime(), *log_, *store_, std::move(submit), std::move(reaction),
                                             std::move(options));
    EXPECT_TRUE(reactor->Start().ok());
    return reactor;
  }

  // Of the records that reactions wrote: the offsets of their causes; -1 for those without.
  std::vector<int64_t> Causes() {
    std::vector<int64_t> causes;
    auto records = log_->Read("alarm", partition, 0, 16 << 20);
    EXPECT_TRUE(records.ok());
    for (const auto& stored : *records) {
      auto record = log::ParseRecord(stored.bytes, stored.offset);
      EXPECT_TRUE(record.ok());
      if (record->data().method() != "alarm.ring") continue;
      causes.push_back(record->data().has_cause() ? record->data().cause().position().offset() : -1);
    }
    return causes;
  }

  std::atomic<int> reactions_ = 0;
};

TEST_F(ReactorTest, LeadsEachEventToOneEffectInOrder) {
  auto reactor = Start(RingsAll(), ToOwner());
  for (int i = 0; i < 20; ++i) Set(AlarmName(i));
  Await([&] { return Rings(AlarmName(19)) > 0; });
  for (int i = 0; i < 20; ++i) EXPECT_EQ(Rings(AlarmName(i)), 1);
  const auto causes = Causes();
  EXPECT_LE(causes.size(), 20u);
  EXPECT_TRUE(std::is_sorted(causes.begin(), causes.end()));
  owner_->Stop();
}

TEST_F(ReactorTest, DealsWithWhatWaitsInOneRecord) {
  for (int i = 0; i < 150; ++i) Set(AlarmName(i));
  auto reactor = Start(RingsAll(), ToOwner());
  Await([&] { return Rings(AlarmName(149)) > 0; });
  for (int i = 0; i < 150; ++i) EXPECT_EQ(Rings(AlarmName(i)), 1);
  EXPECT_EQ(Causes(), (std::vector<int64_t>{128, 150}));  // 128 at most; the claim stands at 0.
  owner_->Stop();
}

TEST_F(ReactorTest, LetsEventsGatherBeforeItDealsWithThem) {
  HeldRuntime runtime;
  Reaction gathers = RingsAll();
  gathers.gather = absl::Hours(1);
  Reactor reactor(runtime, *log_, *store_, ToOwner(), std::move(gathers));
  ASSERT_TRUE(reactor.Start().ok());
  for (int i = 0; i < 5; ++i) Set(AlarmName(i));
  EXPECT_EQ(reactions_, 0);
  runtime.LetGo();
  Await([&] { return Rings(AlarmName(4)) > 0; });
  Set(AlarmName(5));
  runtime.LetGo();
  Await([&] { return Rings(AlarmName(5)) > 0; });
  owner_->Stop();
  EXPECT_EQ(Causes(), (std::vector<int64_t>{5, 7}));  // The claim stands at 0, the first reaction at 6.
}

TEST_F(ReactorTest, TriesFewerAtOnceWhenTheyLeadToTooMuch) {
  Reaction rings_many{"alarm",
                      {"trialog.alarm.v1.AlarmSet"},
                      "alarm.ring",
                      [](const view::State&, const Context&, const event::v1::PublicEvent& cause, std::string_view) {
                        Step step;
                        for (int i = 0; i < 100; ++i) {
                          NewEvent effect = std::move(Ring(Cat(cause.subject(), "-", i)).events[0]);
                          step.decision.events.push_back(std::move(effect));
                        }
                        return step;
                      }};
  for (int i = 0; i < 12; ++i) Set(AlarmName(i));
  auto reactor = Start(std::move(rings_many), ToOwner());
  Await([&] { return Rings(AlarmName(11) + "-99") > 0; });
  owner_->Stop();
  for (int i = 0; i < 12; ++i) EXPECT_EQ(Rings(AlarmName(i) + "-50"), 1);
  EXPECT_EQ(Causes(), (std::vector<int64_t>{3, 6, 9, 12}));  // 12, 6, then 3; and as many again after each success.
}

// The first of those dealt with together rings; the others see that it did.
TEST_F(ReactorTest, DecidesOnWhatTheEventsBeforeLedTo) {
  const std::string shared = AlarmName(100);
  Reaction once{"alarm",
                {"trialog.alarm.v1.AlarmSet"},
                "alarm.ring",
                [&](const view::State& state, const Context&, const event::v1::PublicEvent&, std::string_view) {
                  return Step{state.Find(kAlarms, shared) ? Decision() : Ring(shared), ""};
                }};
  for (int i = 0; i < 5; ++i) Set(AlarmName(i));
  auto reactor = Start(std::move(once), ToOwner());
  Await([&] { return !Causes().empty(); });
  owner_->Stop();
  EXPECT_EQ(Causes(), std::vector<int64_t>{5});
  EXPECT_EQ(Rings(shared), 1);
}

TEST_F(ReactorTest, TakesOneByOneWhatLeadsToSeveralRecords) {
  for (int i = 0; i < 3; ++i) Set(AlarmName(i));
  auto reactor = Start(RingsInParts(), ToOwner());
  Await([&] { return Causes().size() >= 3 * kParts; });
  owner_->Stop();
  for (int i = 0; i < 3; ++i) {
    for (int part = 0; part < kParts; ++part) EXPECT_EQ(Rings(Cat(AlarmName(i), "-", part)), 1);
  }
  EXPECT_EQ(Causes(), (std::vector<int64_t>{-1, -1, 1, -1, -1, 2, -1, -1, 3}));
}

TEST_F(ReactorTest, GoesOnAfterARestartWhereItsOwnLogSays) {
  for (int i = 0; i < 5; ++i) Set(AlarmName(i));
  {
    auto reactor = Start(RingsAll(), ToOwner());
    Await([&] { return Rings(AlarmName(4)) > 0; });
    owner_->Stop();
  }
  EXPECT_EQ(reactions_, 5);
  owner_ = std::make_unique<Owner>(RealRuntime(), *log_, *store_, OwnerOptions{});
  ASSERT_TRUE(owner_->Start(false).ok());
  Set(AlarmName(5));
  auto reactor = Start(RingsAll(), ToOwner());
  Await([&] { return Rings(AlarmName(5)) > 0; });
  EXPECT_EQ(reactions_, 6);
  for (int i = 0; i < 6; ++i) EXPECT_EQ(Rings(AlarmName(i)), 1);
  owner_->Stop();
}

TEST_F(ReactorTest, RefusesEveryRepeatedDelivery) {
  std::atomic<size_t> refused = 0;
  auto reactor = Start(RingsAll(), [&](auto organization, auto method, auto cause, auto decide, auto done) {
    SubmitHere(organization, method, cause, decide,
               [this, &refused, organization, method, cause, decide, done](const absl::StatusOr<Outcome>&) {
                 SubmitHere(organization, method, cause, decide,
                            [&refused, done](const absl::StatusOr<Outcome>& again) {
                              if (ReasonOf(again.status()) == "ALREADY_REACTED") ++refused;
                              done(again);
                            });
               });
  });
  for (int i = 0; i < 20; ++i) Set(AlarmName(i));
  Await([&] { return Rings(AlarmName(19)) > 0 && refused == Causes().size(); });
  owner_->Stop();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(Rings(AlarmName(i)), 1);
}

TEST_F(ReactorTest, WaitsOutAnOutageAndSkipsNothing) {
  std::atomic<int> left = 5;
  auto reactor = Start(RingsAll(), [&](auto organization, auto method, auto cause, auto decide, auto done) {
    if (left-- > 0) return done(Refuse(absl::StatusCode::kUnavailable, "NO_OWNER", "later"));
    SubmitHere(organization, method, cause, decide, done);
  });
  for (int i = 0; i < 3; ++i) Set(AlarmName(i));
  Await([&] { return Rings(AlarmName(2)) > 0; });
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Rings(AlarmName(i)), 1);
  EXPECT_LE(left, 0);
  Await([&] { return reactor->Health().ok(); });
  owner_->Stop();
}

TEST_F(ReactorTest, DoesNotRepeatWhatWasWrittenWithoutItsKnowing) {
  std::atomic<int> lost = 0;
  auto reactor = Start(RingsAll(), [&](auto organization, auto method, auto cause, auto decide, auto done) {
    SubmitHere(organization, method, cause, decide, [&lost, done](const absl::StatusOr<Outcome>& outcome) {
      if (outcome.ok() && lost++ < 3) return done(Refuse(absl::StatusCode::kUnavailable, "OUTCOME_UNKNOWN", "later"));
      done(outcome);
    });
  });
  for (int i = 0; i < 4; ++i) Set(AlarmName(i));
  Await([&] { return Rings(AlarmName(3)) > 0; });
  owner_->Stop();
  for (int i = 0; i < 4; ++i) EXPECT_EQ(Rings(AlarmName(i)), 1);
}

TEST_F(ReactorTest, SaysWhyItStopsAtAReactionThatFails) {
  auto reactor = Start(RingsAll(), [&](auto, auto, auto, auto, auto done) {
    done(Refuse(absl::StatusCode::kFailedPrecondition, "BROKEN", "a reaction must not refuse"));
  });
  Set(AlarmName(0));
  Await([&] { return ReasonOf(reactor->Health()) == "BROKEN"; });
  EXPECT_TRUE(Causes().empty());
  owner_->Stop();
}

TEST_F(ReactorTest, RecordsTheCauseWithTheLastPartOnly) {
  auto reactor = Start(RingsInParts(), ToOwner());
  Set(AlarmName(0));
  Set(AlarmName(1));
  Await([&] { return Causes().size() >= 2 * kParts; });
  owner_->Stop();
  for (int i = 0; i < 2; ++i) {
    for (int part = 0; part < kParts; ++part) EXPECT_EQ(Rings(Cat(AlarmName(i), "-", part)), 1);
  }
  const auto causes = Causes();
  ASSERT_EQ(causes.size(), 2u * kParts);
  for (size_t i = 0; i < causes.size(); ++i) EXPECT_EQ(causes[i] >= 0, i % kParts == kParts - 1) << i;
}

TEST_F(ReactorTest, CompletesTheOtherPartsAfterACrashBetweenThem) {
  std::atomic<int> written = 0;
  {
    auto reactor = Start(RingsInParts(), [&](auto organization, auto method, auto cause, auto decide, auto done) {
      if (written > 0) return done(Refuse(absl::StatusCode::kUnavailable, "CRASHED", "later"));
      SubmitHere(organization, method, cause, decide, [&written, done](const absl::StatusOr<Outcome>& outcome) {
        if (outcome.ok()) ++written;
        done(outcome);
      });
    });
    Set(AlarmName(0));
    Await([&] { return Rings(Cat(AlarmName(0), "-0")) > 0 && ReasonOf(reactor->Health()) == "CRASHED"; });
    owner_->Stop();
  }
  EXPECT_EQ(Causes(), std::vector<int64_t>{-1});
  owner_ = std::make_unique<Owner>(RealRuntime(), *log_, *store_, OwnerOptions{});
  ASSERT_TRUE(owner_->Start(false).ok());
  auto reactor = Start(RingsInParts(), ToOwner());
  Await([&] { return !Causes().empty() && Causes().back() >= 0; });
  owner_->Stop();
  for (int part = 0; part < kParts; ++part) EXPECT_EQ(Rings(Cat(AlarmName(0), "-", part)), 1);
}

TEST_F(ReactorTest, RecordsHowFarItCameAlsoWhereNothingWasToBeDone) {
  Reaction none{
      "alarm",
      {"trialog.alarm.v1.NothingOfTheKind"},
      "alarm.ring",
      [](const view::State&, const Context&, const event::v1::PublicEvent&, std::string_view) { return Step(); }};
  for (int i = 0; i < 10; ++i) Set(AlarmName(i));
  auto reactor = Start(std::move(none), ToOwner(), {.mark_every = 10});
  Await([&] { return store_->fold(partition).reacted_size() == 1; });
  EXPECT_EQ(Causes(), std::vector<int64_t>{10});  // The claim stands at 0.
  owner_->Stop();
}

}  // namespace
}  // namespace trialog::reaction
