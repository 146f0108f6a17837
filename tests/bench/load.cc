#include "tests/bench/load.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"

namespace trialog::bench {
namespace {

class Loop {
 public:
  Loop(const std::vector<std::unique_ptr<rpc::Client>>& clients, const Work& work, int outstanding, absl::Duration time)
      : clients_(clients), work_(work), open_(outstanding), end_(absl::Now() + time), latencies_(outstanding) {
    options_.token = work.token;
  }

  Slice Run() {
    const absl::Time start = absl::Now();
    const int lanes = static_cast<int>(latencies_.size());
    for (int lane = 0; lane < lanes; ++lane) Next(lane);
    absl::MutexLock lock(&mutex_);
    const auto over = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return open_ == 0; };
    mutex_.Await(absl::Condition(&over));
    std::vector<absl::Duration> all;
    for (const auto& lane : latencies_) all.insert(all.end(), lane.begin(), lane.end());
    const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
    return {static_cast<double>(all.size()) / seconds, static_cast<int64_t>(all.size()), Percentile(all, 0.5)};
  }

 private:
  void Next(int lane) {
    const absl::Time sent = absl::Now();
    std::shared_ptr<google::protobuf::Message> answer(work_.answer->New());
    clients_[static_cast<size_t>(lane) % clients_.size()]->CallAnyAsync(
        work_.method, *work_.next(lane), answer, options_,
        [this, lane, sent](const absl::Status& status, const rpc::ReplyMetadata&) { Done(lane, sent, status); });
  }

  void Done(int lane, absl::Time sent, const absl::Status& status) {
    if (!status.ok()) {
      std::fprintf(stderr, "%s: %s\n", work_.method.c_str(), status.ToString().c_str());
      std::_Exit(1);
    }
    const absl::Time now = absl::Now();
    latencies_[static_cast<size_t>(lane)].push_back(now - sent);
    if (now < end_) return Next(lane);
    absl::MutexLock lock(&mutex_);
    --open_;
  }

  const std::vector<std::unique_ptr<rpc::Client>>& clients_;
  const Work& work_;
  rpc::ClientOptions options_;
  absl::Mutex mutex_;
  int open_ ABSL_GUARDED_BY(mutex_);
  const absl::Time end_;
  std::vector<std::vector<absl::Duration>> latencies_;  // By lane; each lane has one call at a time.
};

}  // namespace

std::vector<std::unique_ptr<rpc::Client>> Clients(const std::string& address) {
  std::vector<std::unique_ptr<rpc::Client>> clients;
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // Else channels to one address share a connection.
  for (int i = 0; i < kChannels; ++i) {
    clients.push_back(std::make_unique<rpc::Client>(
        grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments)));
  }
  return clients;
}

Slice Run(const std::vector<std::unique_ptr<rpc::Client>>& clients, const Work& work, int outstanding,
          absl::Duration time) {
  return Loop(clients, work, outstanding, time).Run();
}

absl::Duration Percentile(std::vector<absl::Duration>& values, double part) {
  if (values.empty()) return absl::ZeroDuration();
  const auto at = std::min(values.size() - 1, static_cast<size_t>(part * static_cast<double>(values.size())));
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(at), values.end());
  return values[at];
}

}  // namespace trialog::bench
