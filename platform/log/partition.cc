#include <cstdint>

#include "platform/log/log.h"

namespace trialog::log {
namespace {

// Austin Appleby's MurmurHash2, 32 bit, with the seed of Kafka's Java client
// (org.apache.kafka.common.utils.Utils.murmur2). Bytes are read little-endian on every machine, as Kafka does.
uint32_t Murmur2(std::string_view bytes) {
  constexpr uint32_t kMultiplier = 0x5bd1e995;
  constexpr int kRotate = 24;
  const auto byte = [bytes](size_t i) { return uint32_t{static_cast<uint8_t>(bytes[i])}; };

  const size_t length = bytes.size();
  uint32_t hash = 0x9747b28c ^ static_cast<uint32_t>(length);
  size_t at = 0;
  for (; at + 4 <= length; at += 4) {
    uint32_t word = byte(at) | byte(at + 1) << 8 | byte(at + 2) << 16 | byte(at + 3) << 24;
    word *= kMultiplier;
    word ^= word >> kRotate;
    word *= kMultiplier;
    hash = hash * kMultiplier ^ word;
  }
  if (at < length) {
    for (size_t i = length; i > at; --i) hash ^= byte(i - 1) << (8 * (i - 1 - at));
    hash *= kMultiplier;
  }
  hash ^= hash >> 13;
  hash *= kMultiplier;
  return hash ^ hash >> 15;
}

}  // namespace

int PartitionOf(std::string_view organization, int partitions) {
  const uint32_t positive =
      Murmur2(organization) & 0x7fffffff;  // Utils.toPositive: the sign bit is dropped, not negated.
  return static_cast<int>(positive % static_cast<uint32_t>(partitions));
}

}  // namespace trialog::log
