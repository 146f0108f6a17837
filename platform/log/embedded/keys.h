// Keys of the embedded log: topic, NUL, partition (4 bytes), offset (8 bytes), big-endian, so that RocksDB's order is
// the order of the log. For ever; docs/formats/log-record.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace trialog::log::embedded {

inline void AppendBigEndian(std::string& out, uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

// What all keys of one partition begin with. `topic` holds no NUL.
inline std::string PartitionPrefix(std::string_view topic, int partition) {
  std::string prefix(topic);
  prefix.push_back('\0');
  AppendBigEndian(prefix, static_cast<uint32_t>(partition), 4);
  return prefix;
}

inline std::string RecordKey(std::string_view prefix, int64_t offset) {
  std::string key(prefix);
  AppendBigEndian(key, static_cast<uint64_t>(offset), 8);
  return key;
}

struct ParsedKey {
  std::string_view topic;
  int partition;
  int64_t offset;
  std::string_view prefix;
};

inline std::optional<ParsedKey> ParseKey(std::string_view key) {
  const size_t end = key.find('\0');
  if (end == std::string_view::npos || key.size() != end + 13) return std::nullopt;
  const auto number = [key](size_t at, int bytes) {
    uint64_t value = 0;
    for (int i = 0; i < bytes; ++i) value = value << 8 | static_cast<uint8_t>(key[at + i]);
    return value;
  };
  return ParsedKey{key.substr(0, end), static_cast<int>(number(end + 1, 4)), static_cast<int64_t>(number(end + 5, 8)),
                   key.substr(0, end + 5)};
}

}  // namespace trialog::log::embedded
