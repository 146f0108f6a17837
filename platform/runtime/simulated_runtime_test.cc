#include "platform/runtime/simulated_runtime.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "platform/text/text.h"

namespace trialog {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(SimulatedRuntime, ExecutorRunsPostedTasksInOrderAlsoWhenItPauses) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    SimulatedRuntime runtime(seed, {.pause_one_in = 5});
    auto executor = runtime.NewExecutor("e");
    std::vector<int> seen;
    for (int i = 0; i < 100; ++i) executor->Post([&seen, i] { seen.push_back(i); });
    ASSERT_TRUE(runtime.RunUntilIdle(1000));
    ASSERT_EQ(seen.size(), 100u) << "seed " << seed;
    for (int i = 0; i < 100; ++i) ASSERT_EQ(seen[i], i) << "seed " << seed;
    EXPECT_GT(runtime.pauses(), 0) << "seed " << seed;
  }
}

// Which of two executors' tasks ran, in order.
std::string Interleaving(uint64_t seed) {
  SimulatedRuntime runtime(seed);
  auto a = runtime.NewExecutor("a"), b = runtime.NewExecutor("b");
  std::string seen;
  for (int i = 0; i < 20; ++i) {
    a->Post([&] { seen += 'a'; });
    b->After(absl::Microseconds(i), [&] { seen += 'b'; });
  }
  EXPECT_TRUE(runtime.RunUntilIdle(100));
  return Cat(seen, absl::ToInt64Nanoseconds(runtime.Monotonic()));
}

TEST(SimulatedRuntime, SameSeedGivesTheSameRunAndOthersDiffer) {
  EXPECT_EQ(Interleaving(7), Interleaving(7));
  EXPECT_NE(Interleaving(7), Interleaving(8));
}

TEST(SimulatedRuntime, TimePassesOnlyByTasks) {
  SimulatedRuntime runtime(1, {.longest_wait = absl::ZeroDuration()});
  auto executor = runtime.NewExecutor("e");
  const absl::Time start = runtime.Now();
  std::vector<absl::Duration> at;
  executor->After(absl::Seconds(60), [&] { at.push_back(runtime.Monotonic()); });
  executor->After(absl::Seconds(5), [&] { at.push_back(runtime.Monotonic()); });
  runtime.RunFor(absl::Seconds(10));
  EXPECT_THAT(at, ElementsAre(absl::Seconds(5)));
  EXPECT_EQ(runtime.Now(), start + absl::Seconds(10));
  EXPECT_TRUE(runtime.RunUntilIdle(10));
  EXPECT_THAT(at, ElementsAre(absl::Seconds(5), absl::Seconds(60)));
  runtime.JumpClock(-absl::Seconds(30));
  EXPECT_EQ(runtime.Now(), start + absl::Seconds(30));
  EXPECT_EQ(runtime.Monotonic(), absl::Seconds(60));
}

TEST(SimulatedRuntime, DestroyedExecutorDropsItsTasks) {
  SimulatedRuntime runtime(1);
  auto executor = runtime.NewExecutor("e");
  std::vector<int> seen;
  executor->Post([&] { seen.push_back(1); });
  executor = nullptr;
  EXPECT_TRUE(runtime.RunUntilIdle(10));
  EXPECT_THAT(seen, IsEmpty());
}

TEST(SimulatedRuntime, EndlessWorkIsCutOffAtTheLimit) {
  SimulatedRuntime runtime(1);
  auto executor = runtime.NewExecutor("e");
  std::function<void()> again = [&] { executor->Post(again); };
  executor->Post(again);
  EXPECT_FALSE(runtime.RunUntilIdle(100));
}

}  // namespace
}  // namespace trialog
