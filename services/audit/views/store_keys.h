// The keys of audit's store. Stored format: docs/formats/audit-store.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "platform/view/rocks.h"
#include "services/audit/tree/tile.h"
#include "services/audit/views/audit_store.h"

namespace trialog::audit::keys {

inline constexpr std::string_view kTreeSize = "size";

inline std::string Number(uint64_t number) {
  std::string key;
  view::AppendU64(key, number);
  return key;
}

inline std::string Partition(std::string_view source, int partition) {
  std::string key(source);
  key += '\0';
  view::AppendU16(key, static_cast<uint16_t>(partition));
  return key;
}

inline std::string Fold(std::string_view source, int partition) { return "fold/" + Partition(source, partition); }

inline std::string Record(std::string_view source, int partition, int64_t offset) {
  return Partition(source, partition) + Number(static_cast<uint64_t>(offset));
}

inline std::string Tile(int level, uint64_t index) { return static_cast<char>(level) + Number(index); }

// What all entries of a list share; the rest of their keys is kListPlace bytes.
inline void SetList(std::string& key, ListBy by, std::string_view organization, std::string_view value) {
  key.assign(1, static_cast<char>(by));
  key += organization;
  key += '\0';
  key += value;
  key += '\0';
}
inline std::string List(ListBy by, std::string_view organization, std::string_view value) {
  std::string key;
  SetList(key, by, organization, value);
  return key;
}

// Later times and larger indexes first. Signed microseconds since 1970.
inline std::pair<uint64_t, uint64_t> PlaceNumbers(int64_t unix_micros, uint64_t tree_index) {
  return {~(static_cast<uint64_t>(unix_micros) ^ (uint64_t{1} << 63)), ~tree_index};
}
inline std::string Place(const std::pair<uint64_t, uint64_t>& numbers) {
  std::string key;
  view::AppendU64(key, numbers.first);
  view::AppendU64(key, numbers.second);
  return key;
}
inline std::string Place(int64_t unix_micros, uint64_t tree_index) {
  return Place(PlaceNumbers(unix_micros, tree_index));
}
inline constexpr size_t kListPlace = 16;
inline int64_t MicrosOf(std::string_view place) {
  return static_cast<int64_t>(~view::ReadU64(place) ^ (uint64_t{1} << 63));
}
inline uint64_t TreeIndexOf(std::string_view place) { return ~view::ReadU64(place.substr(8)); }

}  // namespace trialog::audit::keys
