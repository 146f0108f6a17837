// Positions as callers see them: `trialog-position` of an answer, `trialog-min-position` of a request.
// docs/formats/positions.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "trialog/event/v1/fold.pb.h"

namespace trialog::service {

struct PartitionOffset {
  int partition = 0;
  int64_t offset = 0;
  bool operator==(const PartitionOffset&) const = default;
};

// "partition/offset", both in decimal.
std::string PositionText(const PartitionOffset& position);

// What PositionText wrote; none for anything else, another spelling included.
std::optional<PartitionOffset> ParsePosition(std::string_view text);

// Where a watch stands, as its resume token holds it.
struct WatchPlace {
  int64_t offset = 0;  // Of the next record to be looked at.
  std::string access;  // AccessDigest of whoever watched: 16 bytes; empty in tokens of former builds.
  bool operator==(const WatchPlace&) const = default;
};
std::string WatchPlaceBytes(const WatchPlace& place);
std::optional<WatchPlace> ParseWatchPlace(std::string_view bytes);

// Where a subscription to public events stands, as its resume token holds it: all that admission needs to go on.
std::string SubscriptionPlace(const event::v1::FoldState& fold);
std::optional<event::v1::FoldState> ParseSubscriptionPlace(std::string_view bytes);

}  // namespace trialog::service
