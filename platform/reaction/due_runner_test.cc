#include "platform/reaction/due_runner.h"

#include <atomic>

#include "platform/errors/errors.h"
#include "platform/reaction/alarm_world.h"

namespace trialog::reaction {
namespace {

// The real one, with another wall clock.
class LateRuntime : public Runtime {
 public:
  explicit LateRuntime(absl::Duration by) : by_(by) {}
  absl::Time Now() override { return RealRuntime().Now() + by_; }
  absl::Duration Monotonic() override { return RealRuntime().Monotonic(); }
  std::string RandomBytes(size_t count) override { return RealRuntime().RandomBytes(count); }
  std::unique_ptr<Executor> NewExecutor(std::string name) override {
    return RealRuntime().NewExecutor(std::move(name));
  }

 private:
  const absl::Duration by_;
};

class DueRunnerTest : public AlarmWorld {
 protected:
  DueTable RingsWhatIsDue() {
    return {&kAlarmsDue, "alarm.due", [this](const view::State&, const Context&, const std::string& name) {
              absl::MutexLock lock(&order_mutex_);
              order_.push_back(name);
              return absl::StatusOr<Decision>(Ring(name));
            }};
  }
  std::vector<std::string> Order() {
    absl::MutexLock lock(&order_mutex_);
    return order_;
  }
  const DueOptions quick_{.look_every = absl::Milliseconds(5), .longest_backoff = absl::Milliseconds(50)};
  absl::Mutex order_mutex_;
  std::vector<std::string> order_;
};

TEST_F(DueRunnerTest, RingsEachAlarmOnceTheEarliestDueFirst) {
  const absl::Time now = absl::Now();
  Set(AlarmName(2), now - absl::Seconds(1));
  Set(AlarmName(0), now - absl::Seconds(3));
  Set(AlarmName(1), now - absl::Seconds(2));
  DueRunner runner(RealRuntime(), *store_, ToOwner(), RingsWhatIsDue(), quick_);
  runner.Start();
  Await([&] { return Rings(AlarmName(2)) > 0; });
  owner_->Stop();
  EXPECT_EQ(Order(), (std::vector<std::string>{AlarmName(0), AlarmName(1), AlarmName(2)}));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Rings(AlarmName(i)), 1);
}

TEST_F(DueRunnerTest, LeavesWhatIsNotYetDueUntilItIs) {
  Set(AlarmName(0), absl::Now() - absl::Seconds(1));
  Set(AlarmName(1), absl::Now() + absl::Hours(1));
  {
    DueRunner runner(RealRuntime(), *store_, ToOwner(), RingsWhatIsDue(), quick_);
    runner.Start();
    Await([&] { return Rings(AlarmName(0)) > 0; });
    Set(AlarmName(2), absl::Now() - absl::Seconds(1));  // One more look at the table, at least.
    Await([&] { return Rings(AlarmName(2)) > 0; });
    EXPECT_EQ(Rings(AlarmName(1)), 0);
    owner_->Stop();
  }
  owner_ = std::make_unique<Owner>(RealRuntime(), *log_, *store_, OwnerOptions{});
  ASSERT_TRUE(owner_->Start(false).ok());
  LateRuntime later(absl::Hours(2));
  DueRunner runner(later, *store_, ToOwner(), RingsWhatIsDue(), quick_);
  runner.Start();
  Await([&] { return Rings(AlarmName(1)) > 0; });
  owner_->Stop();
  EXPECT_EQ(Rings(AlarmName(1)), 1);
}

TEST_F(DueRunnerTest, DoesNothingTwiceWhenTwoRunTheSameTable) {
  for (int i = 0; i < 30; ++i) Set(AlarmName(i), absl::Now() - absl::Seconds(60 - i));
  DueRunner one(RealRuntime(), *store_, ToOwner(), RingsWhatIsDue(), quick_);
  DueRunner other(RealRuntime(), *store_, ToOwner(), RingsWhatIsDue(), quick_);
  one.Start();
  other.Start();
  Await([&] { return Rings(AlarmName(29)) > 0; });
  owner_->Stop();
  for (int i = 0; i < 30; ++i) EXPECT_EQ(Rings(AlarmName(i)), 1);
}

TEST_F(DueRunnerTest, TriesAgainAndSaysWhyItWaits) {
  Set(AlarmName(0), absl::Now() - absl::Seconds(1));
  std::atomic<bool> out = true;
  auto refusing = [&](auto organization, auto method, auto cause, auto decide, auto done) {
    if (out) return done(Refuse(absl::StatusCode::kUnavailable, "NO_OWNER", "later"));
    SubmitHere(organization, method, cause, decide, done);
  };
  DueRunner runner(RealRuntime(), *store_, refusing, RingsWhatIsDue(), quick_);
  runner.Start();
  Await([&] { return ReasonOf(runner.Health()) == "NO_OWNER"; });
  out = false;
  Await([&] { return Rings(AlarmName(0)) > 0; });
  Await([&] { return runner.Health().ok(); });
  owner_->Stop();
}

TEST_F(DueRunnerTest, SaysThatACommandLeavesWhatIsDueUntilItDoesNot) {
  Set(AlarmName(0), absl::Now() - absl::Seconds(1));
  std::atomic<int> tries = 0;
  std::atomic<bool> well_while_stuck = false;
  DueRunner* the_runner = nullptr;
  DueTable idle{&kAlarmsDue, "alarm.due", [&](const view::State&, const Context&, const std::string& name) {
                  if (++tries > 4) return absl::StatusOr<Decision>(Ring(name));
                  if (tries > 1 && the_runner->Health().ok()) well_while_stuck = true;
                  return absl::StatusOr<Decision>(Decision());
                }};
  DueRunner runner(RealRuntime(), *store_, ToOwner(), std::move(idle), quick_);
  the_runner = &runner;
  const absl::Time start = absl::Now();
  runner.Start();
  Await([&] { return absl::IsInternal(runner.Health()); });
  Await([&] { return Rings(AlarmName(0)) == 1 && runner.Health().ok(); });
  // Each try that changes nothing doubles the delay before the next: 10, 20, 40, 50 ms.
  EXPECT_GE(absl::Now() - start, absl::Milliseconds(120));
  EXPECT_FALSE(well_while_stuck);
  owner_->Stop();
}

}  // namespace
}  // namespace trialog::reaction
