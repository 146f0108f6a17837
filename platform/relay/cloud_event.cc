#include "platform/relay/cloud_event.h"

#include <charconv>

#include "absl/time/time.h"
#include "platform/command/decision.h"
#include "platform/text/text.h"
#include "platform/view/times.h"

namespace trialog::relay {
namespace {

constexpr size_t kOffsetDigits = 20, kIndexDigits = 6;

std::string Padded(int64_t number, size_t digits) {
  std::string text = Cat(number);
  return text.size() < digits ? std::string(digits - text.size(), '0') + text : text;
}

std::optional<int64_t> Digits(std::string_view text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || text[0] == '-') return std::nullopt;
  return number;
}

std::string TimeText(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%Y-%m-%d%ET%H:%M:%E*SZ", FromProto(time), absl::UTCTimeZone());
}

}  // namespace

std::string Sequence(const event::v1::Position& position) {
  return Cat(Padded(position.offset(), kOffsetDigits), ".", Padded(position.index(), kIndexDigits));
}

std::optional<event::v1::Position> ParseSequence(std::string_view text) {
  if (text.size() != kOffsetDigits + 1 + kIndexDigits || text[kOffsetDigits] != '.') return std::nullopt;
  const auto offset = Digits(text.substr(0, kOffsetDigits));
  const auto index = Digits(text.substr(kOffsetDigits + 1));
  if (!offset || !index) return std::nullopt;
  event::v1::Position position;
  position.set_offset(*offset);
  position.set_index(static_cast<int32_t>(*index));
  return position;
}

Message CloudEvent(const event::v1::PublicEvent& event) {
  Message message{event.organization(), event.payload(), {}};
  const auto add = [&](std::string_view name, std::string value) {
    if (!value.empty()) message.headers.emplace_back(name, std::move(value));
  };
  add("content-type", "application/protobuf");
  add("ce_specversion", "1.0");
  add(kIdHeader, UuidText(event.event_id()));
  add("ce_source", Cat("/trialog/", event.source()));
  add("ce_type", event.type());
  add("ce_subject", event.subject());
  add("ce_time", TimeText(event.record_time()));
  add("ce_dataschema", Cat("urn:trialog:events:v1:", event.type()));
  add("ce_partitionkey", event.organization());
  add(kSequenceHeader, Sequence(event.position()));
  add("ce_correlationid", UuidText(event.correlation_id()));
  if (!event.causation_id().empty()) add("ce_causationid", UuidText(event.causation_id()));
  add("traceparent", event.trace());
  return message;
}

}  // namespace trialog::relay
