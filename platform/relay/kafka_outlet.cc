#include "platform/relay/kafka_outlet.h"

#include <algorithm>

#include "absl/time/clock.h"
#include "platform/errors/errors.h"
#include "platform/log/kafka/topics.h"
#include "platform/text/text.h"

namespace trialog::relay {
namespace {

namespace kafka = log::kafka;

// Late repeats of relays that were replaced stand behind the highest event; more of them than this and the new one
// begins earlier than it had to, which consumers drop.
constexpr int64_t kLook = 2000;
constexpr absl::Duration kReadAgain = absl::Milliseconds(500);

std::string_view Header(const rd_kafka_headers_t& headers, std::string_view name) {
  const void* value = nullptr;
  size_t size = 0;
  if (rd_kafka_header_get_last(&headers, std::string(name).c_str(), &value, &size) != RD_KAFKA_RESP_ERR_NO_ERROR)
    return {};
  return {static_cast<const char*>(value), size};
}

std::optional<Outlet::Found> FoundIn(const rd_kafka_message_t& message) {
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return std::nullopt;
  const auto position = ParseSequence(Header(*headers, kSequenceHeader));
  if (!position) return std::nullopt;
  return Outlet::Found{*position, std::string(Header(*headers, kIdHeader))};
}

bool Below(const event::v1::Position& a, const event::v1::Position& b) {
  return std::pair(a.offset(), a.index()) < std::pair(b.offset(), b.index());
}

}  // namespace

absl::StatusOr<std::unique_ptr<KafkaOutlet>> KafkaOutlet::Open(log::kafka::Options options) {
  options.message_timeout = absl::ZeroDuration();  // For ever.
  std::unique_ptr<KafkaOutlet> outlet(new KafkaOutlet(std::move(options)));
  auto reading = kafka::Client::Make(RD_KAFKA_CONSUMER, outlet->options_,
                                     {{"enable.auto.commit", "false"},
                                      {"enable.auto.offset.store", "false"},
                                      {"auto.offset.reset", "error"},
                                      {"check.crcs", "true"},
                                      {"fetch.wait.max.ms", "50"},
                                      {"fetch.error.backoff.ms", "50"}});
  if (!reading.ok()) return reading.status();
  outlet->reading_ = *std::move(reading);
  return outlet;
}

KafkaOutlet::~KafkaOutlet() = default;

std::string KafkaOutlet::TopicOf(const std::string& service) const {
  return kafka::PublicTopic(options_, service).name;
}

absl::StatusOr<std::optional<Outlet::Found>> KafkaOutlet::Highest(const std::string& service, int partition) {
  const std::string topic = TopicOf(service);
  producers_.Warm(topic);
  if (auto producer = producers_.Take(); !producer.ok()) return producer.status();  // Soon something is sent.
  const auto range = reading_->QueryRange(topic, partition, options_.patience);
  if (!range.ok()) return range.status();
  // Back until an event of ours is found: somebody else may have written here.
  for (int64_t end = range->end; end > range->begin;) {
    const int64_t begin = std::max(range->begin, end - kLook);
    auto found = HighestIn(topic, partition, begin, end);
    if (!found.ok() || found->has_value()) return found;
    end = begin;
  }
  return std::optional<Found>();
}

absl::StatusOr<std::optional<Outlet::Found>> KafkaOutlet::HighestIn(const std::string& topic, int partition,
                                                                    int64_t begin, int64_t end) {
  const kafka::TopicHandle handle(rd_kafka_topic_new(reading_->handle(), topic.c_str(), nullptr));
  const kafka::QueueHandle queue(rd_kafka_queue_new(reading_->handle()));
  const std::string place = Cat(topic, " partition ", partition);
  if (rd_kafka_consume_start_queue(handle.get(), partition, begin, queue.get()) != 0)
    return kafka::FromKafka(rd_kafka_last_error(), place);
  std::optional<Found> highest;
  absl::Status status;
  absl::Time give_up = absl::Now() + options_.patience;
  for (int64_t next = begin; next < end && status.ok();) {
    const kafka::MessageHandle message(rd_kafka_consume_queue(queue.get(), 100));
    if (!message) {
      if (absl::Now() < give_up) continue;
      status = RetryLater(absl::StatusCode::kUnavailable, "LOG_READ_FAILED",
                          Cat(place, ": the brokers do not give what stands there"), kReadAgain);
    } else if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      status = kafka::FromKafka(message->err, place);
    } else {
      next = message->offset + 1;
      give_up = absl::Now() + options_.patience;
      auto found = FoundIn(*message);
      if (found && (!highest || Below(highest->position, found->position))) highest = std::move(found);
    }
  }
  rd_kafka_consume_stop(handle.get(), partition);
  if (!status.ok()) return status;
  return highest;
}

void KafkaOutlet::Send(const std::string& service, int partition, std::vector<Message> messages,
                       std::function<void(absl::Status)> done) {
  const auto producer = producers_.Take();
  if (!producer.ok()) return done(producer.status());
  std::vector<std::string> values;
  std::vector<kafka::Envelope> envelopes;
  for (Message& message : messages) {
    values.push_back(std::move(message.value));
    envelopes.push_back({std::move(message.key), std::move(message.headers)});
  }
  (*producer)->Send(
      TopicOf(service), partition, std::move(values),
      [done = std::move(done)](std::vector<log::Report> reports) {
        absl::Status status;
        for (const log::Report& report : reports) status.Update(report.status);
        done(status);
      },
      std::move(envelopes));
}

}  // namespace trialog::relay
