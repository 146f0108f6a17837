// What is counted of each method, for telemetry to export.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace trialog::rpc {

// Upper bounds of the latency buckets in microseconds, half a decade apart; one more bucket holds the rest.
inline constexpr std::array<int64_t, 11> kLatencyBoundsMicros = {
    100, 316, 1'000, 3'160, 10'000, 31'600, 100'000, 316'000, 1'000'000, 3'160'000, 10'000'000};
inline constexpr size_t kStatusCodes = 17;  // 0 to UNAUTHENTICATED.

// Thread safe; each number is exact, but numbers read together may be of different moments.
struct MethodCounters {
  // The calls that ended with one code, by how long they took.
  struct Ended {
    std::array<std::atomic<int64_t>, kLatencyBoundsMicros.size() + 1> latency{};
    std::atomic<int64_t> latency_sum_micros{0};

    int64_t count() const {
      int64_t sum = 0;
      for (const auto& bucket : latency) sum += bucket.load(std::memory_order_relaxed);
      return sum;
    }
  };
  std::atomic<int64_t> started{0};
  std::array<Ended, kStatusCodes> ended{};  // By absl::StatusCode.
  std::atomic<int64_t> messages_sent{0};    // Of streams.

  void Finished(absl::StatusCode code, absl::Duration after) {
    const int64_t micros = absl::ToInt64Microseconds(after);
    size_t bucket = 0;
    while (bucket < kLatencyBoundsMicros.size() && micros > kLatencyBoundsMicros[bucket]) ++bucket;
    Ended& of_code = ended[static_cast<size_t>(code) % kStatusCodes];
    of_code.latency[bucket].fetch_add(1, std::memory_order_relaxed);
    of_code.latency_sum_micros.fetch_add(micros, std::memory_order_relaxed);
  }
};

}  // namespace trialog::rpc
