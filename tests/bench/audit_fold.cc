#include "tests/bench/audit_fold.h"

#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <memory>
#include <vector>

#include "absl/time/clock.h"
#include "platform/command/owner.h"
#include "platform/runtime/real_runtime.h"
#include "platform/sealing/secret_key.h"
#include "platform/text/text.h"
#include "platform/view/store.h"
#include "services/audit/domain/choices.h"
#include "services/audit/views/audit_fold.h"
#include "services/audit/views/audit_store.h"

namespace trialog::bench {
namespace {

constexpr double kGoal = 50'000;
// Offsets of one range: what the sequencer takes of a busy partition at once.
constexpr int64_t kRange = 10'000;

void Check(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  std::_Exit(1);
}

// Of this thread: what a machine shared with others would give if it were not.
double CpuSeconds() {
  rusage usage;
  getrusage(RUSAGE_THREAD, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

// Audit's owner chooses the ranges, one record each.
void Sequence(log::EmbeddedLog& log, int partition, int64_t end, const std::string& store_path) {
  auto store = view::Store::Open(audit::AuditDomain(), {.path = store_path});
  Check(store.status());
  Owner owner(RealRuntime(), log, **store, OwnerOptions(), 1);
  Check(owner.Start(false));
  for (int64_t from = 0; from < end; from += kRange) {
    audit::v1::Sequenced range;
    range.set_source("inventory");
    range.set_partition(partition);
    range.set_from(from);
    range.set_to(std::min(from + kRange, end));
    auto command = std::make_unique<Command>();
    command->method = "Sequence";
    command->principal.internal = true;
    command->decide = [range](const view::State& state, const Context& context) {
      return audit::Sequence(state, context, {range});
    };
    std::promise<absl::Status> done;
    command->done = [&done](const absl::StatusOr<Outcome>& outcome) { done.set_value(outcome.status()); };
    owner.Submit(std::move(command));
    Check(done.get_future().get());
  }
  owner.Drain();
}

struct Rates {
  double wall, cpu;  // Entries a second.
};

Rates Fold(log::EmbeddedLog& log, const std::string& store_path) {
  std::filesystem::remove_all(store_path);
  auto store = audit::AuditStore::Open({.path = store_path});
  Check(store.status());
  audit::AuditFold fold(log, **store, *sealing::SecretKey::FromBytes(std::string(sealing::SecretKey::kSize, 's')));
  const absl::Time start = absl::Now();
  const double cpu_start = CpuSeconds();
  Check(fold.CatchUp());
  const double cpu = CpuSeconds() - cpu_start;
  const auto entries = static_cast<double>((*store)->size());
  return {entries / absl::ToDoubleSeconds(absl::Now() - start), entries / cpu};
}

}  // namespace

Line AuditFoldLine(log::EmbeddedLog& log, const std::string& organization, const std::string& folder, int times) {
  const int partition = log::PartitionOf(organization);
  const auto end = log.EndOffset("inventory", partition);
  Check(end.status());
  std::filesystem::create_directories(folder);
  Sequence(log, partition, *end, folder + "/choices");
  std::vector<double> wall, cpu;
  for (int i = 0; i < times; ++i) {
    const Rates rates = Fold(log, folder + "/tree");
    wall.push_back(rates.wall);
    cpu.push_back(rates.cpu);
  }
  const double rate = Median(wall);
  return {"Audit fold, tree and indexes",
          Cat(Number(rate), " entries/s (", Number(Median(cpu)), " a second of the thread's CPU)"),
          "",
          "",
          Cat("≥ ", Number(kGoal), " entries/s"),
          rate >= kGoal};
}

}  // namespace trialog::bench
