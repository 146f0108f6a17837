// bench_fold: what a service costs below its server. Inventory's owner loop decides and commits stock movements on the
// embedded log; then its store is thrown away and folded again from that log, and audit folds the same log into its
// tree. Prints lines of the table.
#include <time.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/time/clock.h"
#include "platform/command/fold.h"
#include "platform/command/owner.h"
#include "platform/log/embedded/embedded_log.h"
#include "platform/log/kafka/kafka_log.h"
#include "platform/runtime/real_runtime.h"
#include "platform/text/text.h"
#include "services/inventory/domain/biobank.h"
#include "services/inventory/domain/evolve.h"
#include "services/inventory/domain/sample.h"
#include "services/inventory/domain/stock.h"
#include "services/inventory/domain/storage.h"
#include "tests/bench/audit_fold.h"
#include "tests/bench/report.h"

ABSL_FLAG(std::string, folder, "", "Empty folder to work in");
ABSL_FLAG(int, movements, 200'000, "Movements in the log");
ABSL_FLAG(int, rebuilds, 5, "How often each store is folded anew; the median is printed");
ABSL_FLAG(std::string, only, "", "rebuild or audit; both when empty");
ABSL_FLAG(std::string, brokers, "",
          "Folds from Kafka too: the log is copied to topics that are there, with the prefix fold.");

namespace trialog::bench {
namespace {

using inventory::v1::AdjustStockRequest;

constexpr int kItems = 256;
constexpr int kOutstanding = 256;
constexpr int64_t kRoom = 1'000'000;
constexpr double kGoal = 60'000;
constexpr char kOrganization[] = "organizations/bench";
constexpr char kBiobank[] = "organizations/bench/biobanks/main";

void Check(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  std::_Exit(1);
}

double CpuMicros() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

Principal Somebody() {
  Principal principal;
  principal.organization = "bench";
  principal.caller.set_kind(event::v1::Caller::KIND_USER);
  principal.caller.set_name("organizations/bench/users/technician");
  principal.grants = {{ROLE_BIOBANK_MANAGER, kOrganization}, {ROLE_LAB_TECHNICIAN, kOrganization}};
  return principal;
}

// Commands of one organisation on inventory's store and the embedded log.
class Inventory {
 public:
  explicit Inventory(const std::string& folder) : store_path_(folder + "/store") {
    auto log = log::EmbeddedLog::Open({.path = folder + "/log"});
    Check(log.status());
    log_ = *std::move(log);
    OpenStore();
  }

  void Fill(int movements) {
    owner_ = std::make_unique<Owner>(RealRuntime(), *log_, *store_, OwnerOptions());
    Check(owner_->Start(false));
    MakeStock();
    const absl::Time start = absl::Now();
    const double cpu = CpuMicros();
    Adjust(movements);
    const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
    std::fprintf(stderr, "owner loop without server: %.0f durable movements/s, %.1f us CPU each\n", movements / seconds,
                 (CpuMicros() - cpu) / movements);
    owner_->Drain(absl::InfiniteFuture());
    owner_.reset();
  }

  log::EmbeddedLog& log() { return *log_; }

  // Records a second, read from this log.
  double Rebuild(log::Log& from) {
    store_.reset();
    std::filesystem::remove_all(store_path_);
    OpenStore();
    const int partition = log::PartitionOf("bench");
    const absl::Time start = absl::Now();
    const double cpu = CpuMicros();
    Check(CatchUpInParallel(inventory::InventoryDomain(), *store_, from, partition, *assistant_));
    const auto events = static_cast<double>(store_->next_offset(partition));
    std::fprintf(stderr, "rebuild: %.2f us CPU an event\n", (CpuMicros() - cpu) / events);
    return events / absl::ToDoubleSeconds(absl::Now() - start);
  }

 private:
  void OpenStore() {
    auto store = view::Store::Open(inventory::InventoryDomain(), {.path = store_path_});
    Check(store.status());
    store_ = *std::move(store);
  }

  void Submit(DecideFn decide, std::function<void()> done) {
    auto command = std::make_unique<Command>();
    command->organization = "bench";
    command->method = "trialog.inventory.v1.InventoryService/AdjustStock";
    command->principal = somebody_;
    command->request_key = RealRuntime().RandomBytes(32);
    command->request_mac = RealRuntime().RandomBytes(32);
    command->decide = std::move(decide);
    command->done = [done = std::move(done)](const absl::StatusOr<Outcome>& outcome) {
      Check(outcome.status());
      done();
    };
    owner_->Submit(std::move(command));
  }

  template <typename Request>
  void Must(absl::StatusOr<Decision> (*decide)(const view::State&, const Context&, const Request&,
                                               const event::v1::SealedPart&),
            Request request) {
    std::promise<void> done;
    Submit([&](const view::State& state, const Context& context) { return decide(state, context, request, {}); },
           [&] { done.set_value(); });
    done.get_future().wait();
  }

  void MakeStock() {
    inventory::v1::CreateBiobankRequest biobank;
    biobank.set_parent(kOrganization);
    biobank.set_biobank_id("main");
    biobank.mutable_biobank()->set_display_name("Main biobank");
    Must(inventory::CreateBiobank, biobank);
    inventory::v1::CreateStorageLocationRequest location;
    location.set_parent(kBiobank);
    location.set_storage_location_id("freezer");
    location.mutable_storage_location()->set_display_name("Freezer");
    location.mutable_storage_location()->set_capacity(kRoom);
    Must(inventory::CreateStorageLocation, location);
    for (int i = 0; i < kItems; ++i) {
      inventory::v1::CreateSampleRequest sample;
      sample.set_parent(kBiobank);
      sample.set_sample_id(Cat("sample-", i));
      sample.mutable_sample()->set_identifier(Cat("BB-", i));
      sample.mutable_sample()->set_sample_type("SER");
      sample.mutable_sample()->set_state(inventory::v1::SAMPLE_STATE_RECEIVED);
      Must(inventory::CreateSample, sample);
      inventory::v1::ReceiveStockRequest receive;
      receive.set_parent(kBiobank);
      receive.set_inventory_item_id(Cat("item-", i));
      receive.mutable_inventory_item()->set_sample(Cat(kBiobank, "/samples/sample-", i));
      receive.mutable_inventory_item()->set_location(Cat(kBiobank, "/storageLocations/freezer"));
      receive.mutable_inventory_item()->mutable_quantity()->set_units(kRoom);
      receive.mutable_inventory_item()->mutable_quantity()->set_unit("uL");
      Must(inventory::ReceiveStock, receive);
    }
  }

  void Adjust(int movements) {
    std::promise<void> over;
    std::atomic<int> sent = 0, done = 0;
    std::function<void()> next = [&] {
      const int number = sent++;
      if (number >= movements) return;
      AdjustStockRequest request;
      request.set_name(Cat(kBiobank, "/inventoryItems/item-", number % kItems));
      request.set_cause(inventory::v1::ADJUSTMENT_CAUSE_COUNT);
      request.mutable_counted_quantity()->set_units(1 + number % 999'983);
      request.mutable_counted_quantity()->set_unit("uL");
      Submit([request](const view::State& state,
                       const Context& context) { return inventory::AdjustStock(state, context, request, {}); },
             [&] {
               next();
               if (++done == movements) over.set_value();
             });
    };
    for (int i = 0; i < kOutstanding; ++i) next();
    over.get_future().wait();
  }

  const std::string store_path_;
  const Principal somebody_ = Somebody();
  const std::unique_ptr<Executor> assistant_ = RealRuntime().NewExecutor("fold");
  std::unique_ptr<log::EmbeddedLog> log_;
  std::unique_ptr<view::Store> store_;
  std::unique_ptr<Owner> owner_;
};

// What the embedded log holds, to a topic of that shape.
std::unique_ptr<log::Log> CopiedToKafka(log::Log& from, const std::string& brokers) {
  auto opened = log::KafkaLog::Open({.brokers = brokers, .topic_prefix = "fold.", .durability = {1, 1}});
  Check(opened.status());
  std::unique_ptr<log::Log> to = *std::move(opened);
  const int partition = log::PartitionOf("bench");
  const auto appender = to->NewAppender("inventory", partition);
  for (int64_t next = 0;;) {
    const auto read = from.Read("inventory", partition, next, 1 << 20);
    Check(read.status());
    if (read->empty()) return to;
    std::vector<std::string> records;
    for (const log::StoredRecord& stored : *read) records.push_back(stored.bytes);
    next += static_cast<int64_t>(records.size());
    std::promise<std::vector<log::Report>> reports;
    appender->Append(std::move(records), [&](std::vector<log::Report> got) { reports.set_value(std::move(got)); });
    for (const log::Report& report : reports.get_future().get()) Check(report.status);
  }
}

std::vector<Line> RebuildLines(Inventory& inventory) {
  const std::string brokers = absl::GetFlag(FLAGS_brokers);
  const auto kafka = brokers.empty() ? nullptr : CopiedToKafka(inventory.log(), brokers);
  std::vector<double> rates, on_kafka, ratios;
  for (int i = 0; i < absl::GetFlag(FLAGS_rebuilds); ++i) {
    rates.push_back(inventory.Rebuild(inventory.log()));
    if (!kafka) continue;
    on_kafka.push_back(inventory.Rebuild(*kafka));
    ratios.push_back(on_kafka.back() / rates.back());
  }
  const double rate = Median(rates);
  std::vector<Line> lines = {{"Rebuild of inventory's store, row versions and indexes", Cat(Number(rate), " events/s"),
                              "", "", Cat("≥ ", Number(kGoal), " events/s"), rate >= kGoal}};
  if (kafka) {
    const double ratio = Median(ratios);
    lines.push_back({"the same from Kafka, against the embedded log", Cat(Number(Median(on_kafka)), " events/s"),
                     Cat(Number(rate), " events/s"), Number(ratio, 2), "≥ 0.8", ratio >= 0.8});
  }
  return lines;
}

int Main() {
  const std::string folder = absl::GetFlag(FLAGS_folder), only = absl::GetFlag(FLAGS_only);
  Inventory inventory(folder);
  inventory.Fill(absl::GetFlag(FLAGS_movements));
  std::vector<Line> lines;
  if (only != "audit") lines = RebuildLines(inventory);
  if (only != "rebuild") {
    lines.push_back(AuditFoldLine(inventory.log(), "bench", folder + "/audit", absl::GetFlag(FLAGS_rebuilds)));
  }
  Print(lines);
  return 0;
}

}  // namespace
}  // namespace trialog::bench

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  return trialog::bench::Main();
}
