// The keys of a store's families. Stored format: docs/formats/store.md.
#pragma once

#include <string>
#include <string_view>

#include "platform/view/rocks.h"

namespace trialog::view::keys {

inline constexpr char kNameEnd = '\0';

inline std::string Partition(int partition) { return std::string(1, static_cast<char>(partition)); }

// rows: partition, table, name, 0, offset from the newest to the oldest.
inline std::string RowPrefix(int partition, uint16_t table, std::string_view name_prefix) {
  std::string key = Partition(partition);
  AppendU16(key, table);
  key += name_prefix;
  return key;
}
inline void AppendRowName(std::string& out, int partition, uint16_t table, std::string_view name) {
  out += static_cast<char>(partition);
  AppendU16(out, table);
  out += name;
  out += kNameEnd;
}
inline std::string RowName(int partition, uint16_t table, std::string_view name) {
  std::string key;
  key.reserve(name.size() + 4 + 8);
  AppendRowName(key, partition, table, name);
  return key;
}
inline void AppendVersion(std::string& row_name, int64_t offset) {
  AppendU64(row_name, ~static_cast<uint64_t>(offset));
}
inline std::string RowVersion(std::string row_name, int64_t offset) {
  AppendVersion(row_name, offset);
  return row_name;
}
inline constexpr size_t kVersionSuffix = 9;  // The 0 and the offset.
// Whether a key of `rows` has the form that RowVersion gives it; only then the two below.
inline bool IsRowVersion(std::string_view key) {
  return key.size() > 3 + kVersionSuffix && key[key.size() - kVersionSuffix] == kNameEnd;
}
inline std::string_view NameOfVersion(std::string_view key) { return key.substr(3, key.size() - 3 - kVersionSuffix); }
inline int64_t OffsetOfVersion(std::string_view key) {
  return static_cast<int64_t>(~ReadU64(key.substr(key.size() - 8)));
}

// keys and counts: partition, index, key.
inline std::string Indexed(int partition, uint16_t index, std::string_view key) {
  std::string out = Partition(partition);
  AppendU16(out, index);
  out += key;
  return out;
}
inline constexpr size_t kIndexedPrefix = 3;

// records: partition, offset → RecordNote.
inline std::string RecordKey(int partition, int64_t offset) {
  std::string out = Partition(partition);
  AppendU64(out, static_cast<uint64_t>(offset));
  return out;
}
// Whether a key of `records` has the form that RecordKey gives it; only then the one below.
inline bool IsRecordKey(std::string_view key) { return key.size() == 9; }
inline int64_t OffsetOfRecord(std::string_view record_key) {
  return static_cast<int64_t>(ReadU64(record_key.substr(1)));
}

// requests: partition, request key → offset of its record (8).
inline std::string RequestKey(int partition, std::string_view key) {
  std::string out = Partition(partition);
  out += key;
  return out;
}

// meta: "format"; "fold", partition; "facts", partition, source.
inline constexpr std::string_view kFormat = "format";
inline std::string Fold(int partition) {
  std::string key = "fold/";
  return key += Partition(partition);
}
inline std::string FactFold(int partition, std::string_view source) {
  std::string key = "facts/";
  key += Partition(partition);
  return key += source;
}

// The smallest key beyond all that start with `prefix`; empty: there is no such bound.
inline std::string Beyond(std::string prefix) {
  while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xff) prefix.pop_back();
  if (!prefix.empty()) prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
  return prefix;
}

}  // namespace trialog::view::keys
