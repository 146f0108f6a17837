// simulation [--seeds N] [--first S] [--threads T]: runs so many seeds, stops at the first that fails and says how to
// repeat it. simulation --seed X: one seed, every step shown.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/simulation/simulation.h"

namespace {

using trialog::testing::Simulate;
using trialog::testing::SimulationCounts;
using trialog::testing::SimulationResult;

// So many seeds have every fault.
constexpr uint64_t kEveryFaultWithin = 200;

bool Report(uint64_t seed, const SimulationResult& result) {
  for (const std::string& finding : result.findings) std::printf("seed %lu: %s\n", seed, finding.c_str());
  if (!result.findings.empty()) std::printf("repeat with: simulation --seed %lu\n", seed);
  return result.findings.empty();
}

int RunOne(uint64_t seed) {
  const SimulationResult result = Simulate(seed, {.verbose = true});
  std::printf("%s\n", result.counts.ToString().c_str());
  return Report(seed, result) ? 0 : 1;
}

int RunMany(uint64_t first, uint64_t seeds, int threads) {
  std::atomic<uint64_t> next = first, done = 0;
  std::atomic<bool> failed = false;
  std::mutex mutex;
  SimulationCounts counts;
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::thread> workers;
  for (int t = 0; t < threads; ++t) {
    workers.emplace_back([&] {
      for (uint64_t seed = next++; seed < first + seeds && !failed; seed = next++) {
        const SimulationResult result = Simulate(seed);
        const std::lock_guard lock(mutex);
        if (!Report(seed, result)) failed = true;
        counts += result.counts;
        ++done;
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::printf("%lu seeds from %lu in %.1f s (%.1f a second)\n%s\n", done.load(), first, seconds,
              static_cast<double>(done) / seconds, counts.ToString().c_str());
  // A fault that never fires shows nothing. One seed may do without; many may not.
  const std::string never = seeds >= kEveryFaultWithin ? counts.NeverHappened() : "";
  if (!never.empty()) std::printf("never happened: %s\n", never.c_str());
  return failed || !never.empty() ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  uint64_t first = 1, seeds = 2000;
  int threads = 2;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view flag = argv[i];
    const uint64_t value = std::strtoull(argv[i + 1], nullptr, 10);
    if (flag == "--seed") return RunOne(value);
    if (flag == "--first") first = value;
    if (flag == "--seeds") seeds = value;
    if (flag == "--threads") threads = static_cast<int>(value);
  }
  return RunMany(first, seeds, threads);
}
