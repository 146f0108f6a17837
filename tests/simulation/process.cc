#include "tests/simulation/process.h"

#include <cstdio>
#include <cstdlib>

#include "services/inventory/domain/evolve.h"
#include "tests/simulation/workload.h"

namespace trialog::testing {

std::unique_ptr<view::Store> OpenSmallStore(rocksdb::Env* env, const std::string& path) {
  auto store = view::Store::Open(inventory::InventoryDomain(),
                                 {.path = path, .env = env, .cached_rows = 1024, .block_cache_bytes = 1 << 20});
  if (!store.ok()) {
    std::fprintf(stderr, "%s\n", store.status().ToString().c_str());
    std::abort();
  }
  return *std::move(store);
}

Process::Process(SimulatedRuntime& runtime, log::Log& log, view::Store& store, OwnerOptions options, bool wanted)
    : executor_(runtime.NewExecutor("process")), appending_(runtime.NewExecutor("log")) {
  options.appending = appending_.get();
  const int partition = Workload::Partition();
  owner_ = std::make_unique<PartitionOwner>(runtime, *executor_, log, store, partition, std::move(options));
  executor_->Post([this, wanted] { owner_->Start(wanted).IgnoreError(); });  // Passing errors are tried again.
  tail_ = log.Follow(std::string(inventory::InventoryDomain().service), partition,
                     [this] { executor_->Post([this] { owner_->Wake(); }); });
}

Process::~Process() {
  appending_.reset();  // Their tasks with them.
  executor_.reset();
  tail_.reset();
}

void Process::Submit(std::unique_ptr<Command> command) {
  auto shared = std::make_shared<std::unique_ptr<Command>>(std::move(command));
  executor_->Post([this, shared] { owner_->Submit(std::move(*shared)); });
}

void Process::Hint(bool wanted) {
  executor_->Post([this, wanted] { owner_->Hint(wanted); });
}

void Process::Leave() {
  leaving_ = true;
  executor_->Post([this] { owner_->Release([this] { left_ = true; }); });
}

}  // namespace trialog::testing
