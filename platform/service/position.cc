#include "platform/service/position.h"

#include <charconv>

#include "platform/text/text.h"
#include "platform/view/rocks.h"

namespace trialog::service {
namespace {

constexpr size_t kOffsetBytes = 8, kAccessBytes = 16;

template <typename Number>
bool Read(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number >= 0;
}

}  // namespace

std::string PositionText(const PartitionOffset& position) { return Cat(position.partition, '/', position.offset); }

std::optional<PartitionOffset> ParsePosition(std::string_view text) {
  const size_t slash = text.find('/');
  PartitionOffset position;
  if (slash == std::string_view::npos || !Read(text.substr(0, slash), position.partition) ||
      !Read(text.substr(slash + 1), position.offset) || PositionText(position) != text) {
    return std::nullopt;
  }
  return position;
}

std::string WatchPlaceBytes(const WatchPlace& place) {
  std::string bytes;
  view::AppendU64(bytes, static_cast<uint64_t>(place.offset));
  return bytes += place.access;
}

std::optional<WatchPlace> ParseWatchPlace(std::string_view bytes) {
  if (bytes.size() != kOffsetBytes && bytes.size() != kOffsetBytes + kAccessBytes) return std::nullopt;
  const auto offset = static_cast<int64_t>(view::ReadU64(bytes));
  if (offset < 0) return std::nullopt;
  return WatchPlace{offset, std::string(bytes.substr(kOffsetBytes))};
}

std::string SubscriptionPlace(const event::v1::FoldState& fold) {
  event::v1::FoldState place;
  place.set_next_offset(fold.next_offset());
  place.set_term(fold.term());
  place.set_owner(fold.owner());
  place.set_next_seq(fold.next_seq());
  place.set_last_hash(fold.last_hash());
  return place.SerializeAsString();
}

std::optional<event::v1::FoldState> ParseSubscriptionPlace(std::string_view bytes) {
  event::v1::FoldState place;
  if (!place.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) || place.next_offset() < 0)
    return std::nullopt;
  return place;
}

}  // namespace trialog::service
