// kill -9 under load: a process that owns log and store dies at seeded points, again and again on the same files; the
// client, in this process, keeps the journal of what it was told. TRIALOG_SEED and TRIALOG_KILLS change seed and
// number.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/log/embedded/embedded_log.h"
#include "platform/runtime/simulated_runtime.h"
#include "platform/text/text.h"
#include "platform/verify/checker.h"
#include "services/inventory/domain/evolve.h"
#include "services/inventory/domain/invariants.h"
#include "tests/simulation/workload.h"

namespace trialog::testing {
namespace {

constexpr int kOutstanding = 16;

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* given = std::getenv(name);
  return given ? std::strtoull(given, nullptr, 10) : otherwise;
}

// The worker as a child, with both pipes.
class Worker {
 public:
  Worker(const std::string& folder, uint64_t seed, const std::string& point, uint64_t count) {
    int in[2], out[2];
    if (::pipe(in) != 0 || ::pipe(out) != 0) std::abort();
    const std::string seed_text = Cat(seed), count_text = Cat(count);
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(in[0], STDIN_FILENO);
      ::dup2(out[1], STDOUT_FILENO);
      for (int end : {in[0], in[1], out[0], out[1]}) ::close(end);
      ::execl(FAULT_WORKER, FAULT_WORKER, folder.c_str(), seed_text.c_str(), point.c_str(), count_text.c_str(),
              nullptr);
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    to_ = in[1];
    from_ = ::fdopen(out[0], "r");
  }
  ~Worker() {
    CloseInput();
    std::fclose(from_);
    if (child_ > 0) ::waitpid(child_, nullptr, 0);
  }

  // False when the child is gone.
  bool Ask(int number) {
    const std::string line = Cat(number, "\n");
    return ::write(to_, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  }
  // The next answer; false when the child is gone or has no more to say.
  bool Listen(std::string& line) {
    char* buffer = nullptr;
    size_t size = 0;
    const ssize_t length = ::getline(&buffer, &size, from_);
    if (length > 0) line.assign(buffer, static_cast<size_t>(length));
    std::free(buffer);
    return length > 0 && line.back() == '\n';  // A line that was cut off was not heard.
  }
  void CloseInput() {
    if (to_ >= 0) ::close(std::exchange(to_, -1));
  }
  void Kill() { ::kill(child_, SIGKILL); }
  // How it ended, as waitpid says.
  int Wait() {
    int status = 0;
    ::waitpid(std::exchange(child_, -1), &status, 0);
    return status;
  }

 private:
  pid_t child_ = -1;
  int to_ = -1;
  FILE* from_ = nullptr;
};

class KillTest : public ::testing::Test {
 protected:
  KillTest() : folder_(::testing::TempDir() + Cat("fault_kill_", ::getpid())) {
    ::signal(SIGPIPE, SIG_IGN);
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~KillTest() override { std::filesystem::remove_all(folder_); }

  // Asks until the worker is gone or `last` commands have an answer; returns how the worker ended. At the point "heard"
  // it is killed from here, wherever it is, after so many answers.
  int Serve(uint64_t seed, const std::string& point, uint64_t count, int last) {
    Worker worker(folder_, seed, point == "heard" ? "none" : point, count);
    std::set<int> outstanding;
    bool up = true;
    const auto ask = [&](int number) {
      journal_.sent.insert(Workload::RequestKey(number));
      ++sent_[number];
      outstanding.insert(number);
      up = up && worker.Ask(number);
    };
    // What the former worker left open goes first; nothing else is asked before the set-up is through.
    for (int number : std::exchange(open_, {})) ask(number);
    std::string line;
    for (;;) {
      while (up && next_ < last && outstanding.size() < (next_ < Workload::kSetup ? 1 : kOutstanding)) ask(next_++);
      if (outstanding.empty()) break;
      if (!worker.Listen(line)) break;
      if (point == "heard" && count-- == 1) worker.Kill();
      std::istringstream words(line);
      std::string what, name;
      int number = 0;
      int64_t offset = -1;
      words >> what >> number;
      outstanding.erase(number);
      if (what == "ok") {
        words >> offset >> name;
        Outcome outcome{Workload::Partition(), offset, {}, false};
        if (name != "-") outcome.names.push_back(name);
        journal_.acknowledged[Workload::RequestKey(number)].push_back(outcome);
      } else if (what == "again") {
        ask(number);
      } else if (sent_[number] == 1) {
        journal_.refused.insert(Workload::RequestKey(number));
      }
    }
    worker.CloseInput();
    while (worker.Listen(line)) ADD_FAILURE() << "an answer nobody asked for: " << line;
    open_ = outstanding;
    return worker.Wait();
  }

  void CheckAll() {
    auto log = log::EmbeddedLog::Open({.path = folder_ + "/log", .min_free_bytes = 0});
    ASSERT_TRUE(log.ok()) << log.status();
    auto store = view::Store::Open(inventory::InventoryDomain(), {.path = folder_ + "/store"});
    ASSERT_TRUE(store.ok()) << store.status();
    std::filesystem::remove_all(folder_ + "/replay");
    auto replay = view::Store::Open(inventory::InventoryDomain(), {.path = folder_ + "/replay"});
    ASSERT_TRUE(replay.ok()) << replay.status();
    for (int partition = 0; partition < log::kPartitions; ++partition) {
      ASSERT_TRUE(CatchUp(inventory::InventoryDomain(), **store, **log, partition).ok());
    }
    CheckOptions check{.domain = &inventory::InventoryDomain(),
                       .log = log->get(),
                       .stores = {store->get()},
                       .replay = replay->get(),
                       .invariants = [](const view::State& state) { return inventory::CheckInvariants(state); },
                       .journal = &journal_};
    ASSERT_THAT(Check(check), ::testing::IsEmpty());
  }

  const std::string folder_;
  ClientJournal journal_;
  std::map<int, int> sent_;
  std::set<int> open_;  // Asked, and no answer yet.
  int next_ = 0;
};

TEST_F(KillTest, EveryAcknowledgedCommandIsThereOnceAndNoneHalf) {
  const uint64_t seed = FromEnvironment("TRIALOG_SEED", 20'260'101), kills = FromEnvironment("TRIALOG_KILLS", 32);
  std::cout << "TRIALOG_SEED=" << seed << " TRIALOG_KILLS=" << kills << std::endl;
  const std::vector<std::string> points = {"append", "appended", "folded", "acknowledged", "heard"};
  SeededRandom random(seed);
  std::map<std::string, int> killed;
  for (uint64_t kill = 0; kill < kills; ++kill) {
    const std::string& point = points[kill % points.size()];
    const uint64_t count = 1 + random.Below(point == "acknowledged" || point == "heard" ? 60 : 25);
    SCOPED_TRACE(Cat("kill ", kill, " at ", point, " ", count));
    const int ended = Serve(seed, point, count, INT32_MAX);
    ASSERT_TRUE(WIFSIGNALED(ended) && WTERMSIG(ended) == SIGKILL) << "ended with " << ended;
    ++killed[point];
    if (kill % 8 == 7) {
      ASSERT_NO_FATAL_FAILURE(CheckAll());
    }
  }
  ASSERT_EQ(Serve(seed, "none", 0, next_ + 50), 0);
  EXPECT_TRUE(open_.empty());
  ASSERT_NO_FATAL_FAILURE(CheckAll());
  for (const auto& [point, times] : killed) std::cout << "killed at " << point << ": " << times << std::endl;
  std::cout << journal_.acknowledged.size() << " of " << journal_.sent.size() << " commands acknowledged, "
            << journal_.refused.size() << " refused" << std::endl;
  EXPECT_GT(journal_.acknowledged.size(), kills);
}

}  // namespace
}  // namespace trialog::testing
