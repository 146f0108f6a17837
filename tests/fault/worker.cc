// fault_worker FOLDER SEED POINT COUNT: a process to be killed. Owns an embedded log and a store in FOLDER, reads
// command numbers (tests/simulation/workload.h) from standard input, one a line, and answers each on standard output:
// "ok NUMBER OFFSET NAME" or "no NUMBER REASON" (a rule refuses), "again NUMBER". At the COUNT-th time that it comes to
// POINT it kills itself with SIGKILL: append (before a group is written), appended (written, not yet reported), folded
// (in the store, not yet acknowledged), acknowledged (just said so); none: never.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>

#include "platform/command/owner.h"
#include "platform/errors/errors.h"
#include "platform/log/continuity.h"
#include "platform/log/embedded/embedded_log.h"
#include "platform/log/wrapped_log.h"
#include "platform/runtime/real_runtime.h"
#include "platform/text/text.h"
#include "services/inventory/domain/evolve.h"
#include "tests/simulation/workload.h"

namespace trialog::testing {
namespace {

// Where to die. Used from several threads, each point from one at a time.
class Death {
 public:
  Death(std::string point, int64_t count) : point_(std::move(point)), left_(count) {}
  void Pass(std::string_view point) {
    if (point == point_ && --left_ == 0) ::kill(::getpid(), SIGKILL);
  }

 private:
  const std::string point_;
  std::atomic<int64_t> left_;
};

// The embedded log, with a death before and after each group.
class DeadlyLog final : public log::WrappedLog {
 public:
  DeadlyLog(log::Log& log, Death& death) : WrappedLog(log), death_(death) {}
  std::unique_ptr<log::Appender> NewAppender(const std::string& topic, int partition) override {
    return std::make_unique<DeadlyAppender>(WrappedLog::NewAppender(topic, partition), death_);
  }

 private:
  class DeadlyAppender final : public log::Appender {
   public:
    DeadlyAppender(std::unique_ptr<log::Appender> target, Death& death) : target_(std::move(target)), death_(death) {}
    void Append(std::vector<std::string> records, std::function<void(std::vector<log::Report>)> done) override {
      death_.Pass("append");
      target_->Append(std::move(records), [&death = death_, done = std::move(done)](std::vector<log::Report> reports) {
        death.Pass("appended");
        done(std::move(reports));
      });
    }

   private:
    const std::unique_ptr<log::Appender> target_;
    Death& death_;
  };

  Death& death_;
};

void Say(const std::string& line) {
  if (::write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size())) std::_Exit(3);
}

void Answer(int number, const absl::StatusOr<Outcome>& outcome) {
  if (outcome.ok()) {
    Say(Cat("ok ", number, " ", outcome->offset, " ", outcome->names.empty() ? "-" : outcome->names[0], "\n"));
  } else if (IsRetryable(outcome.status())) {
    Say(Cat("again ", number, "\n"));
  } else {
    Say(Cat("no ", number, " ", ReasonOf(outcome.status()), "\n"));
  }
}

int Work(const std::string& folder, uint64_t seed, Death& death) {
  auto log = log::EmbeddedLog::Open({.path = folder + "/log", .min_free_bytes = 0});
  auto store = view::Store::Open(inventory::InventoryDomain(), {.path = folder + "/store"});
  if (!log.ok() || !store.ok()) {
    std::cerr << log.status() << store.status() << std::endl;
    return 2;
  }
  const int partition = Workload::Partition();
  const absl::Status behind = log::CheckNotBehind(**log, std::string(inventory::InventoryDomain().service), partition,
                                                  (*store)->next_offset(partition));
  if (!behind.ok()) {
    std::cerr << behind << std::endl;
    return 2;
  }
  (*store)->Listen(partition, [&] { death.Pass("folded"); });
  DeadlyLog deadly(**log, death);
  Owner owner(RealRuntime(), deadly, **store, {});
  if (absl::Status started = owner.Start(true); !started.ok()) {
    std::cerr << started << std::endl;
    return 2;
  }
  const Workload workload(seed);
  int number = 0;
  while (std::cin >> number) {
    std::unique_ptr<Command> command = workload.Make(number);
    command->done = [number, &death](absl::StatusOr<Outcome> outcome) {
      Answer(number, outcome);
      if (outcome.ok()) death.Pass("acknowledged");
    };
    owner.Submit(std::move(command));
  }
  owner.Drain(absl::InfiniteFuture());
  return 0;
}

}  // namespace
}  // namespace trialog::testing

int main(int argc, char** argv) {
  if (argc != 5) {
    std::cerr << "usage: fault_worker FOLDER SEED POINT COUNT" << std::endl;
    return 2;
  }
  trialog::testing::Death death(argv[3], std::strtoll(argv[4], nullptr, 10));
  return trialog::testing::Work(argv[1], std::strtoull(argv[2], nullptr, 10), death);
}
