#include "tests/bench/audit_fold.h"

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
  owner.Drain(absl::InfiniteFuture());
}

// Entries a second.
double Fold(log::EmbeddedLog& log, const std::string& store_path) {
  std::filesystem::remove_all(store_path);
  const std::unique_ptr<Executor> writer = RealRuntime().NewExecutor("audit-write");
  auto store = audit::AuditStore::Open({.path = store_path});
  Check(store.status());
  audit::AuditFold fold(log, **store, *sealing::SecretKey::FromBytes(std::string(sealing::SecretKey::kSize, 's')),
                        audit::AuditFold::kCommitBytes, writer.get());
  const absl::Time start = absl::Now();
  Check(fold.CatchUp());
  return static_cast<double>((*store)->size()) / absl::ToDoubleSeconds(absl::Now() - start);
}

}  // namespace

Line AuditFoldLine(log::EmbeddedLog& log, const std::string& organization, const std::string& folder, int times) {
  const int partition = log::PartitionOf(organization);
  const auto end = log.EndOffset("inventory", partition);
  Check(end.status());
  std::filesystem::create_directories(folder);
  Sequence(log, partition, *end, folder + "/choices");
  std::vector<double> rates;
  for (int i = 0; i < times; ++i) rates.push_back(Fold(log, folder + "/tree"));
  const double rate = Median(rates);
  return {"Audit fold, tree and indexes",
          Cat(Number(rate), " entries/s"),
          "",
          "",
          Cat("≥ ", Number(kGoal), " entries/s"),
          rate >= kGoal};
}

}  // namespace trialog::bench
