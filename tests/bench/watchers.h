// Streams that watch one biobank's stock, and when each change reached them.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "platform/rpc/client.h"

namespace trialog::bench {

// A change of an item: its name and the etag it has since.
uint64_t ChangeId(std::string_view name, std::string_view etag);

class Watchers {
 public:
  struct Receipt {
    uint64_t change = 0;
    absl::Time time;
  };

  // Opens `streams` and returns when each has its first state.
  Watchers(const std::vector<std::unique_ptr<rpc::Client>>& clients, const std::string& biobank,
           const std::string& token, int streams);
  ~Watchers();
  // Ends the streams once each has had `changes`, or at `deadline`; all receipts. Once.
  std::vector<Receipt> Finish(int64_t changes, absl::Time deadline);

 private:
  struct Stream {
    std::unique_ptr<rpc::AnyReader> reader;
    std::vector<Receipt> receipts;  // Of the thread alone until it is joined.
    std::atomic<bool> initial_done = false;
    std::atomic<int64_t> changes = 0;
    std::thread thread;
  };
  static void Read(Stream& stream);
  void End();

  std::vector<std::unique_ptr<Stream>> streams_;
};

}  // namespace trialog::bench
