#include "tests/bench/stages.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>

#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "platform/text/text.h"
#include "tests/bench/load.h"
#include "tests/bench/watchers.h"
#include "trialog/bench/v1/echo.pb.h"
#include "trialog/inventory/v1/inventory_item.pb.h"
#include "trialog/inventory/v1/sample.pb.h"

namespace trialog::bench {
namespace {

constexpr int kOutstanding = 64;
constexpr size_t kEchoBytes = 200;
constexpr char kAdjust[] = "trialog.inventory.v1.InventoryService/AdjustStock";

Work Echo(const std::string& method) {
  return {Cat("trialog.bench.v1.EchoService/", method), "",
          [](int) {
            auto saying = std::make_unique<v1::Saying>();
            saying->set_text(std::string(kEchoBytes, 'x'));
            return saying;
          },
          &v1::Saying::default_instance()};
}

Work GetSample(const World& world) {
  return {"trialog.inventory.v1.SampleService/GetSample", world.technician_token,
          [&world](int lane) {
            auto request = std::make_unique<inventory::v1::GetSampleRequest>();
            request->set_name(world.samples[static_cast<size_t>(lane) % world.samples.size()]);
            return request;
          },
          &inventory::v1::Sample::default_instance()};
}

// Each differs from the one before, so that every call writes a movement.
std::unique_ptr<inventory::v1::AdjustStockRequest> Adjustment(const std::string& item) {
  static std::atomic<int64_t> counter = 0;
  auto request = std::make_unique<inventory::v1::AdjustStockRequest>();
  request->set_name(item);
  request->set_cause(inventory::v1::ADJUSTMENT_CAUSE_COUNT);
  request->mutable_counted_quantity()->set_units(1 + counter++ % 999'983);
  request->mutable_counted_quantity()->set_unit("uL");
  request->set_request_id(RequestId());
  return request;
}

Work AdjustStock(const World& world) {
  return {kAdjust, world.technician_token,
          [&world](int lane) { return Adjustment(world.items[static_cast<size_t>(lane) % world.items.size()]); },
          &inventory::v1::InventoryItem::default_instance()};
}

struct Side {
  ServerProcess& server;
  Work work;
  std::vector<std::unique_ptr<rpc::Client>> clients = Clients(server.address());
  std::vector<double> rates, p50s, cpus;  // Per second; microseconds; microseconds of the server per call.

  void Measure(int outstanding, absl::Duration time) {
    const absl::Duration before = server.Cpu();
    const Slice slice = Run(clients, work, outstanding, time);
    rates.push_back(slice.calls_per_second);
    p50s.push_back(absl::ToDoubleMicroseconds(slice.p50));
    cpus.push_back(absl::ToDoubleMicroseconds(server.Cpu() - before) / static_cast<double>(slice.calls));
  }
  void Forget() {
    rates.clear();
    p50s.clear();
    cpus.clear();
  }
};

// Both in turn, so that what else the machine does meets both.
void Compare(Side& yardstick, Side& ours, int outstanding, const Setting& setting) {
  yardstick.Forget();
  ours.Forget();
  Run(yardstick.clients, yardstick.work, outstanding, setting.slice / 4);
  Run(ours.clients, ours.work, outstanding, setting.slice / 4);
  for (int round = 0; round < setting.rounds; ++round) {
    yardstick.Measure(outstanding, setting.slice);
    ours.Measure(outstanding, setting.slice);
  }
}

// The median of the rounds' own ratios.
double Ratio(const std::vector<double>& ours, const std::vector<double>& yardstick) {
  std::vector<double> ratios;
  for (size_t i = 0; i < ours.size(); ++i) ratios.push_back(ours[i] / yardstick[i]);
  return Median(std::move(ratios));
}

Line AtLeast(std::string measure, const Side& ours, const Side& yardstick, double goal) {
  const double ratio = Ratio(ours.rates, yardstick.rates);
  return {std::move(measure),
          Cat(Number(Median(ours.rates)), "/s"),
          Cat(Number(Median(yardstick.rates)), "/s"),
          Number(ratio, 2),
          Cat("≥ ", Number(goal, 1)),
          ratio >= goal};
}

Line AtMost(std::string measure, const std::vector<double>& ours, const std::vector<double>& yardstick, double goal) {
  const double ratio = Ratio(ours, yardstick);
  return {std::move(measure), Cat(Number(Median(ours)), " µs"), Cat(Number(Median(yardstick)), " µs"),
          Number(ratio, 2),   Cat("≤ ", Number(goal, 1)),       ratio <= goal};
}

// A broker that has just begun compiles itself for half a minute, and takes twice its time meanwhile.
void WarmUp(const Side& kafka, const Setting& setting) {
  constexpr int kSlices = 10;
  Run(kafka.clients, kafka.work, kOutstanding, kSlices * setting.slice);
}

// Changes at a steady rate, and when each was answered.
class SteadyChanges {
 public:
  SteadyChanges(const Setting& setting, const std::vector<std::unique_ptr<rpc::Client>>& clients)
      : setting_(setting), clients_(clients) {}

  // `batch` changes every `interval`, `batches` times; returns when all are answered.
  void Run(int batch, absl::Duration interval, int batches) {
    absl::Time next = absl::Now();
    for (int i = 0; i < batches; ++i, next += interval) {
      absl::SleepFor(next - absl::Now());
      for (int n = 0; n < batch; ++n) Send(static_cast<size_t>(i * batch + n));
    }
    absl::MutexLock lock(&mutex_);
    const auto over = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return open_ == 0; };
    mutex_.Await(absl::Condition(&over));
  }

  absl::flat_hash_map<uint64_t, absl::Time> Answered() const {
    absl::MutexLock lock(&mutex_);
    return answered_;
  }

 private:
  void Send(size_t number) {
    {
      absl::MutexLock lock(&mutex_);
      ++open_;
    }
    const auto& items = setting_.world.items;
    clients_[number % clients_.size()]->CallAsync<inventory::v1::InventoryItem>(
        kAdjust, *Adjustment(items[number % items.size()]), {.token = setting_.world.technician_token},
        [this](const absl::StatusOr<inventory::v1::InventoryItem>& item) {
          if (!item.ok()) {
            std::fprintf(stderr, "%s: %s\n", kAdjust, item.status().ToString().c_str());
            std::_Exit(1);
          }
          absl::MutexLock lock(&mutex_);
          answered_[ChangeId(item->name(), item->etag())] = absl::Now();
          --open_;
        });
  }

  const Setting& setting_;
  const std::vector<std::unique_ptr<rpc::Client>>& clients_;
  mutable absl::Mutex mutex_;
  int open_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<uint64_t, absl::Time> answered_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

std::vector<Line> Reads(const Setting& setting) {
  Side echo{setting.yardstick, Echo("Echo")}, get{setting.ours, GetSample(setting.world)};
  Compare(echo, get, kOutstanding, setting);
  return {AtLeast("GetSample, signed in, against E; 64 outstanding", get, echo, 0.7),
          AtMost("Server CPU of a GetSample", get.cpus, echo.cpus, 3)};
}

std::vector<Line> Movements(const Setting& setting) {
  Side durable{setting.yardstick, Echo("DurableEcho")}, adjust{setting.ours, AdjustStock(setting.world)};
  Compare(durable, adjust, kOutstanding, setting);
  std::vector<Line> lines = {AtLeast("AdjustStock, durable, against D; 64 outstanding", adjust, durable, 0.6)};
  const std::vector<double> adjust_cpus = adjust.cpus;
  Compare(durable, adjust, 1, setting);
  lines.push_back(AtMost("AdjustStock, p50 with one outstanding, against D", adjust.p50s, durable.p50s, 2));
  Side echo{setting.yardstick, Echo("Echo")};
  for (int round = 0; round < setting.rounds; ++round) echo.Measure(kOutstanding, setting.slice);
  lines.push_back(AtMost("Server CPU of an AdjustStock, against E; 64 outstanding", adjust_cpus, echo.cpus, 3));
  return lines;
}

std::vector<Line> OneBroker(const Setting& setting, const OnKafka& one, double& rate) {
  Side embedded{setting.ours, AdjustStock(setting.world)}, kafka{one.server, AdjustStock(one.world)};
  WarmUp(kafka, setting);
  Compare(embedded, kafka, kOutstanding, setting);
  rate = Median(kafka.rates);
  std::vector<Line> lines = {
      AtLeast("AdjustStock on Kafka, one broker, against the embedded log; 64 outstanding", kafka, embedded, 0.8)};
  Side produce{setting.yardstick, Echo("KafkaEcho")};
  Compare(produce, kafka, 1, setting);
  lines.push_back(AtMost("the same, p50 with one outstanding, against K", kafka.p50s, produce.p50s, 2));
  return lines;
}

std::vector<Line> ThreeBrokers(const Setting& setting, const OnKafka& three, double rate_of_one) {
  Side kafka{three.server, AdjustStock(three.world)};
  WarmUp(kafka, setting);
  for (int round = 0; round < setting.rounds; ++round) kafka.Measure(kOutstanding, setting.slice);
  const double rate = Median(kafka.rates), ratio = rate / rate_of_one;
  return {{"the same, three brokers, against one; 64 outstanding", Cat(Number(rate), "/s"),
           Cat(Number(rate_of_one), "/s"), Number(ratio, 2), "≥ 0.5", ratio >= 0.5}};
}

std::vector<Line> Watching(const Setting& setting) {
  constexpr int kStreams = 100, kBatch = 20;
  constexpr absl::Duration kInterval = absl::Milliseconds(20);
  const auto clients = Clients(setting.ours.address());
  Watchers watchers(clients, setting.world.biobank, setting.world.technician_token, kStreams);
  SteadyChanges changes(setting, clients);
  const int batches = static_cast<int>(setting.slice * setting.rounds / kInterval);
  const absl::Time start = absl::Now();
  changes.Run(kBatch, kInterval, batches);
  const double rate = batches * kBatch / absl::ToDoubleSeconds(absl::Now() - start);
  const auto answered = changes.Answered();
  const auto receipts = watchers.Finish(batches * kBatch, absl::Now() + absl::Seconds(10));
  std::vector<absl::Duration> delays;
  for (const auto& receipt : receipts) {
    const auto sent = answered.find(receipt.change);
    if (sent != answered.end()) delays.push_back(std::max(absl::ZeroDuration(), receipt.time - sent->second));
  }
  const double p50 = absl::ToDoubleMilliseconds(Percentile(delays, 0.5));
  const double p99 = absl::ToDoubleMilliseconds(Percentile(delays, 0.99));
  const bool complete = delays.size() == static_cast<size_t>(batches) * kBatch * kStreams;
  return {
      {Cat("Watch to 100 streams at ", Number(rate), " changes/s", complete ? "" : " (changes are missing)", ": p99"),
       Cat(Number(p99, 1), " ms (p50 ", Number(p50, 1), ")"), "", "", "≤ 50 ms", complete && p99 <= 50}};
}

}  // namespace trialog::bench
