#include "tests/fault/machine.h"

#include "platform/log/continuity.h"
#include "platform/text/text.h"
#include "services/inventory/domain/evolve.h"
#include "services/inventory/domain/invariants.h"

namespace trialog::testing {
namespace {

constexpr size_t kOutstanding = 8;
constexpr uint64_t kKeepFree = 16 << 20;
constexpr size_t kWriteBuffer = 256 << 10;  // So that the store is flushed every hundred commands or so.

}  // namespace

Machine::Machine(uint64_t seed, std::shared_ptr<PowerCutFileSystem> log_files,
                 std::shared_ptr<PowerCutFileSystem> store_files)
    : workload_(seed),
      log_files_(std::move(log_files)),
      store_files_(std::move(store_files)),
      store_env_(rocksdb::NewCompositeEnv(store_files_)),
      runtime_(seed) {}

Machine::~Machine() { Stop(); }

absl::Status Machine::Start() {
  auto log = log::EmbeddedLog::Open({.path = "/log", .file_system = log_files_, .min_free_bytes = kKeepFree});
  if (!log.ok()) return log.status();
  log_ = *std::move(log);
  auto store = view::Store::Open(inventory::InventoryDomain(),
                                 {.path = "/store", .env = store_env_.get(), .write_buffer_bytes = kWriteBuffer});
  if (!store.ok()) return store.status();
  store_ = *std::move(store);
  const int partition = Workload::Partition();
  absl::Status behind =
      log::CheckNotBehind(*log_, std::string(store_->domain().service), partition, store_->next_offset(partition));
  if (!behind.ok()) return behind;
  executor_ = runtime_.NewExecutor("owner");
  owner_ = std::make_unique<PartitionOwner>(runtime_, *executor_, *log_, *store_, partition, OwnerOptions{});
  return owner_->Start(true);
}

void Machine::Stop() {
  executor_.reset();
  owner_.reset();
  store_.reset();
  log_.reset();
  in_flight_.clear();
}

void Machine::Serve(int commands, absl::Duration patience) {
  const int last = next_ + commands;
  const absl::Time until = runtime_.Now() + patience;
  while (runtime_.Now() < until && !log_files_->PowerIsCut() && !store_files_->PowerIsCut()) {
    for (int number : open_) {
      if (in_flight_.size() < kOutstanding && !in_flight_.count(number)) Ask(number);
    }
    // Nothing else is asked before the set-up is through.
    const size_t most = next_ <= Workload::kSetup ? 1 : kOutstanding;
    while (next_ < last && open_.size() < most) Ask(next_++);
    if (open_.empty()) return;
    if (!runtime_.Step()) return;
  }
}

void Machine::Ask(int number) {
  journal_.sent.insert(Workload::RequestKey(number));
  ++sent_[number];
  open_.insert(number);
  in_flight_.insert(number);
  std::shared_ptr<Command> command = workload_.Make(number);
  command->deadline = runtime_.Now() + absl::Seconds(3);
  command->done = [this, number](absl::StatusOr<Outcome> outcome) { OnAnswer(number, outcome); };
  executor_->Post([this, command] { owner_->Submit(std::make_unique<Command>(*command)); });
}

void Machine::OnAnswer(int number, const absl::StatusOr<Outcome>& outcome) {
  in_flight_.erase(number);
  if (!outcome.ok() && (IsRetryable(outcome.status()) || !owner_->failure().ok())) {
    last_error_ = outcome.status();
    return;
  }
  open_.erase(number);
  const std::string key = Workload::RequestKey(number);
  if (outcome.ok()) {
    journal_.acknowledged[key].push_back(*outcome);
  } else if (sent_[number] == 1) {
    journal_.refused.insert(key);
  }
}

std::vector<std::string> Machine::Check() {
  const absl::Status folded = CatchUp(inventory::InventoryDomain(), *store_, *log_, Workload::Partition());
  if (!folded.ok()) return {folded.ToString()};
  const std::unique_ptr<rocksdb::Env> memory(rocksdb::NewMemEnv(rocksdb::Env::Default()));
  auto replay = view::Store::Open(inventory::InventoryDomain(), {.path = "/replay", .env = memory.get()});
  if (!replay.ok()) return {replay.status().ToString()};
  return trialog::Check({.domain = &inventory::InventoryDomain(),
                         .log = log_.get(),
                         .stores = {store_.get()},
                         .replay = replay->get(),
                         .invariants = [](const view::State& state) { return inventory::CheckInvariants(state); },
                         .journal = &journal_});
}

}  // namespace trialog::testing
