// How fast the logs are folded into the tree with all indexes. The events are real ones of auth and inventory.
#include <sys/resource.h>

#include <cstdio>

#include "absl/time/clock.h"
#include "services/audit/views/test_logs.h"

namespace {

// Of this thread: what a machine shared with others would give if it were not.
double CpuSeconds() {
  rusage usage;
  getrusage(RUSAGE_THREAD, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace trialog;
  const int thousands = argc > 1 ? std::atoi(argv[1]) : 100;
  audit::TestLogs logs;
  logs.WriteUsers("north", thousands * 200);
  logs.WriteSamples("south", thousands * 300);
  logs.WriteSamples("north", thousands * 300);
  audit::Replica replica(logs.log(), logs.folder / "tree");
  logs.SequenceAll(replica.fold);
  const absl::Time begin = absl::Now();
  const double cpu_begin = CpuSeconds();
  if (!replica.fold.CatchUp().ok()) return 1;
  const double seconds = absl::ToDoubleSeconds(absl::Now() - begin);
  const double cpu = CpuSeconds() - cpu_begin;
  const auto entries = static_cast<double>(replica.store->size());
  std::printf("%.0f entries in %.2f s: %.0f entries/s; %.2f s of CPU: %.0f entries/s\n", entries, seconds,
              entries / seconds, cpu, entries / cpu);
  return 0;
}
