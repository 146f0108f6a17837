#include "platform/runtime/real_runtime.h"

#include <atomic>
#include <future>
#include <vector>

#include "gtest/gtest.h"

namespace trialog {
namespace {

TEST(RealRuntime, AnExecutorRunsTasksInTheOrderPosted) {
  auto executor = RealRuntime().NewExecutor("test");
  std::vector<int> seen;
  std::promise<void> done;
  for (int i = 0; i < 1000; ++i) executor->Post([&seen, i] { seen.push_back(i); });
  executor->Post([&] { done.set_value(); });
  done.get_future().wait();
  ASSERT_EQ(seen.size(), 1000u);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(seen[i], i);
}

TEST(RealRuntime, TimersFireInTheOrderOfTheirTimes) {
  auto executor = RealRuntime().NewExecutor("test");
  std::vector<int> seen;
  std::promise<void> done;
  executor->After(absl::Milliseconds(20), [&] {
    seen.push_back(2);
    done.set_value();
  });
  executor->After(absl::Milliseconds(1), [&] { seen.push_back(1); });
  done.get_future().wait();
  EXPECT_EQ(seen, (std::vector<int>{1, 2}));
}

TEST(RealRuntime, DestructionDropsWhatHasNotRun) {
  std::atomic<int> ran = 0;
  std::promise<void> started, go;
  auto executor = RealRuntime().NewExecutor("test");
  executor->Post([&] {
    started.set_value();
    go.get_future().wait();
    ++ran;
  });
  executor->After(absl::Hours(1), [&] { ++ran; });
  started.get_future().wait();
  go.set_value();
  executor.reset();
  EXPECT_EQ(ran, 1);
}

TEST(RealRuntime, RandomBytesDiffer) {
  EXPECT_NE(RealRuntime().RandomBytes(16), RealRuntime().RandomBytes(16));
  EXPECT_EQ(RealRuntime().RandomBytes(10).size(), 10u);
}

}  // namespace
}  // namespace trialog
