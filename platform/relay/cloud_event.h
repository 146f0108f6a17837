// A public event as programs outside read it: CloudEvents 1.0 with its Kafka binding in binary mode. docs/events.md
// tells consumers the same.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "trialog/event/v1/record.pb.h"

namespace trialog::relay {

inline constexpr std::string_view kIdHeader = "ce_id";
inline constexpr std::string_view kSequenceHeader = "ce_sequence";

// One record of a public topic.
struct Message {
  std::string key;    // The organisation's id.
  std::string value;  // The message of the event's kind, serialised.
  std::vector<std::pair<std::string, std::string>> headers;
};

// Pure. A header with nothing to say is left out.
Message CloudEvent(const event::v1::PublicEvent& event);

// The place of an event in its service's log, without the partition, which the topic has too: "<20 digits>.<6 digits>",
// so that the order of texts is that of the log.
std::string Sequence(const event::v1::Position& position);
// Back; nothing when it is no such text. The partition is not set.
std::optional<event::v1::Position> ParseSequence(std::string_view text);

}  // namespace trialog::relay
