// fault_standalone --data DIR --address HOST:PORT [--cut_after N] [--torn_seed N] [--clock_shift DURATION]:
// trialog-standalone, whole and real, on a disk that fails when told to, by a clock that may be wrong. For
// tests/clients.
//
// After `cut_after` operations of the disk (appends, syncs, creations, renames), those of the start included, the power
// is cut: nothing more is written, the process ends, and what was not synced is taken from the files. It then prints
// "power cut" and exits 0.
//
// Orders come on standard input, one a line; each is answered "done" on standard output:
//   room BYTES   the disk says that it has so much left
//   full         appends and syncs fail, as on a full disk
//   free         all as it was
//   later SECS   so much time has passed
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <iostream>
#include <memory>
#include <sstream>
#include <thread>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "platform/log/testing/power_cut_fs.h"
#include "platform/runtime/real_runtime.h"
#include "rocksdb/env.h"
#include "services/process/serve.h"
#include "services/standalone/standalone.h"

ABSL_FLAG(std::string, data, "", "Folder made by `trialogctl init`");
ABSL_FLAG(std::string, address, "127.0.0.1:0", "Where to listen");
ABSL_FLAG(int64_t, cut_after, -1, "Operations of the disk before the power is cut; -1: never");
ABSL_FLAG(int64_t, torn_seed, -1, "Seed of what a cut leaves of unsynced sectors; -1: nothing");
ABSL_FLAG(absl::Duration, clock_shift, absl::ZeroDuration(), "How far its clock is ahead; negative: behind");

namespace trialog::testing {
namespace {

// The real one, by whose clock it is earlier or later.
class ShiftedRuntime final : public Runtime {
 public:
  explicit ShiftedRuntime(absl::Duration shift) : shift_(shift) {}
  void Pass(absl::Duration time) { passed_ += absl::ToInt64Seconds(time); }
  absl::Time Now() override { return RealRuntime().Now() + shift_ + absl::Seconds(passed_.load()); }
  absl::Duration Monotonic() override { return RealRuntime().Monotonic() + absl::Seconds(passed_.load()); }
  std::string RandomBytes(size_t count) override { return RealRuntime().RandomBytes(count); }
  std::unique_ptr<Executor> NewExecutor(std::string name) override {
    return RealRuntime().NewExecutor(std::move(name));
  }

 private:
  const absl::Duration shift_;
  std::atomic<int64_t> passed_ = 0;  // Seconds more than in truth.
};

std::shared_ptr<PowerCutFileSystem> Disk() {
  const int64_t torn = absl::GetFlag(FLAGS_torn_seed), cut_after = absl::GetFlag(FLAGS_cut_after);
  auto files = std::make_shared<PowerCutFileSystem>(
      rocksdb::FileSystem::Default(), torn < 0 ? std::nullopt : std::optional(static_cast<uint64_t>(torn)));
  if (cut_after >= 0) files->CutPowerAfter(cut_after);
  return files;
}

void Obey(PowerCutFileSystem& files, ShiftedRuntime& runtime) {
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string order, what;
    words >> order >> what;
    if (order == "room") {
      files.SetFreeSpace(std::stoull(what));
    } else if (order == "later") {
      runtime.Pass(absl::Seconds(std::stoll(what)));
    } else if (order == "full") {  // For all, or for files of such a name.
      files.FailWritesAfter(0, rocksdb::IOStatus::NoSpace("simulated"), what);
    } else {
      files.ClearFaults();
      files.SetFreeSpace(std::nullopt);
    }
    std::printf("done\n");
    std::fflush(stdout);
  }
}

// As a machine whose power goes: at once, wherever the process is.
void DieOfCut(PowerCutFileSystem& files) {
  files.AwaitCut();
  files.LoseUnsynced();
  std::printf("power cut\n");
  std::fflush(stdout);
  _exit(0);
}

int Run() {
  const auto files = Disk();
  const std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(files);
  const auto runtime = std::make_shared<ShiftedRuntime>(absl::GetFlag(FLAGS_clock_shift));
  // Signals are blocked before this is called, so that only the main thread takes them.
  const auto start = [&]() -> absl::StatusOr<std::unique_ptr<process::Serving>> {
    std::thread([files] { DieOfCut(*files); }).detach();
    std::thread([files, runtime] {
      Obey(*files, *runtime);
    }).detach();  // Both end with the process, or standard input.
    standalone::Options options;
    options.data = absl::GetFlag(FLAGS_data);
    options.address = absl::GetFlag(FLAGS_address);
    options.env = env.get();
    options.runtime = runtime.get();
    return standalone::Standalone::Start(options);
  };
  const int code = process::Serve(start, absl::ZeroDuration());
  while (files->PowerIsCut()) ::pause();  // A start without power fails by itself.
  return code;
}

}  // namespace
}  // namespace trialog::testing

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  return trialog::testing::Run();
}
