#include "tests/bench/watchers.h"

#include <functional>

#include "absl/time/clock.h"
#include "platform/text/text.h"
#include "trialog/inventory/v1/inventory_item.pb.h"

namespace trialog::bench {
namespace {

constexpr absl::Duration kLook = absl::Milliseconds(5);

}  // namespace

uint64_t ChangeId(std::string_view name, std::string_view etag) {
  return std::hash<std::string>{}(Cat(name, ' ', etag));
}

Watchers::Watchers(const std::vector<std::unique_ptr<rpc::Client>>& clients, const std::string& biobank,
                   const std::string& token, int streams) {
  inventory::v1::WatchInventoryItemsRequest request;
  request.set_parent(biobank);
  rpc::ClientOptions options;
  options.token = token;
  options.timeout = absl::InfiniteDuration();
  for (int i = 0; i < streams; ++i) {
    auto& stream = *streams_.emplace_back(std::make_unique<Stream>());
    stream.reader = clients[static_cast<size_t>(i) % clients.size()]->Open(
        "trialog.inventory.v1.InventoryService/WatchInventoryItems", request, options);
    stream.thread = std::thread([&stream] { Read(stream); });
  }
  for (auto& stream : streams_) stream->initial_done.wait(false);
}

Watchers::~Watchers() { End(); }

void Watchers::Read(Stream& stream) {
  inventory::v1::WatchInventoryItemsResponse response;
  bool initial = true;
  while (stream.reader->Read(response)) {
    const absl::Time now = absl::Now();
    if (!initial) {
      for (const auto& change : response.changes()) {
        stream.receipts.push_back({ChangeId(change.inventory_item().name(), change.inventory_item().etag()), now});
      }
      stream.changes += response.changes_size();
    }
    if (!response.initial_done()) continue;
    initial = false;
    stream.initial_done = true;
    stream.initial_done.notify_all();
  }
  stream.initial_done = true;  // Ended before: there is nothing to wait for.
  stream.initial_done.notify_all();
}

std::vector<Watchers::Receipt> Watchers::Finish(int64_t changes, absl::Time deadline) {
  const auto all_came = [&] {
    for (auto& stream : streams_) {
      if (stream->changes < changes) return false;
    }
    return true;
  };
  while (!all_came() && absl::Now() < deadline) absl::SleepFor(kLook);
  End();
  std::vector<Receipt> all;
  for (auto& stream : streams_) all.insert(all.end(), stream->receipts.begin(), stream->receipts.end());
  return all;
}

void Watchers::End() {
  for (auto& stream : streams_) stream->reader->Cancel();
  for (auto& stream : streams_) {
    if (stream->thread.joinable()) stream->thread.join();
  }
}

}  // namespace trialog::bench
