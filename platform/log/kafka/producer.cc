#include "platform/log/kafka/producer.h"

#include "platform/errors/errors.h"
#include "platform/text/text.h"

namespace trialog::log::kafka {
namespace {

// Null when the record has no headers. The library's once it took the record.
using HeadersHandle = std::unique_ptr<rd_kafka_headers_t, Destroyer<rd_kafka_headers_destroy>>;
HeadersHandle HeadersOf(const Envelope& envelope) {
  if (envelope.headers.empty()) return nullptr;
  HeadersHandle headers(rd_kafka_headers_new(envelope.headers.size()));
  for (const auto& [name, value] : envelope.headers) {
    rd_kafka_header_add(headers.get(), name.data(), static_cast<ssize_t>(name.size()), value.data(),
                        static_cast<ssize_t>(value.size()));
  }
  return headers;
}

absl::Status Failed(rd_kafka_resp_err_t error) {
  return RetryLater(absl::StatusCode::kUnavailable, "LOG_WRITE_FAILED",
                    Cat("the log could not be written: ", rd_kafka_err2str(error)), absl::Seconds(1));
}

}  // namespace

// Lives until the last of its records is reported.
struct Producer::Group {
  struct Slot {
    Group* group;
    size_t index;
  };
  std::vector<std::string> records;  // The library reads them where they are.
  std::vector<Envelope> envelopes;
  std::vector<Slot> slots;
  std::vector<Report> reports;
  std::atomic<size_t> waiting;
  std::function<void(std::vector<Report>)> done;
  std::shared_ptr<std::atomic<bool>> broken;

  void Note(size_t index, Report report) {
    if (!report.status.ok()) *broken = true;
    reports[index] = std::move(report);
    if (waiting.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
    const std::unique_ptr<Group> self(this);
    done(std::move(reports));
  }
};

absl::StatusOr<std::unique_ptr<Producer>> Producer::Make(const Options& options) {
  auto client =
      Client::Make(RD_KAFKA_PRODUCER, options,
                   {{"enable.idempotence", "true"},
                    {"acks", "all"},
                    {"linger.ms", "0"},
                    // To all brokers at once, not to each with the first record for it.
                    {"enable.sparse.connections", "false"},
                    {"compression.codec", "lz4"},
                    // The owner has one group in flight a partition; those of other partitions need not wait for it.
                    {"max.in.flight.requests.per.connection", "5"},
                    {"message.timeout.ms", Cat(absl::ToInt64Milliseconds(options.message_timeout))},
                    {"message.max.bytes", Cat(2 * kMaxRecordBytes)},
                    {"queue.buffering.max.kbytes", Cat(64 << 10)}},
                   {.on_delivery = &Producer::OnDelivery});
  if (!client.ok()) return client.status();
  return std::unique_ptr<Producer>(new Producer(*std::move(client)));
}

void Producer::OnDelivery(const rd_kafka_message_t& message) {
  auto* slot = static_cast<Group::Slot*>(message._private);
  if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR) return slot->group->Note(slot->index, {Failed(message.err), -1});
  slot->group->Note(slot->index, {absl::OkStatus(), message.offset >= 0 ? message.offset : -1});
}

void Producer::Send(const std::string& topic, int partition, std::vector<std::string> records,
                    std::function<void(std::vector<Report>)> done, std::vector<Envelope> envelopes) {
  if (records.empty()) return done({});
  auto* group = new Group;
  const size_t count = records.size();
  group->records = std::move(records);
  group->envelopes = std::move(envelopes);
  group->reports.resize(count);
  group->waiting = count;
  group->done = std::move(done);
  group->broken = broken_;
  group->slots.reserve(count);
  for (size_t i = 0; i < count; ++i) group->slots.push_back({group, i});
  rd_kafka_resp_err_t refused = RD_KAFKA_RESP_ERR_NO_ERROR;
  for (size_t i = 0; i < count; ++i) {
    // One that was refused refuses those behind it: they would only be a gap in the log.
    if (refused == RD_KAFKA_RESP_ERR_NO_ERROR) {
      static const Envelope kNone;
      std::string& record = group->records[i];
      const Envelope& envelope = group->envelopes.empty() ? kNone : group->envelopes[i];
      HeadersHandle headers = HeadersOf(envelope);
      refused = rd_kafka_producev(
          client_->handle(), RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(partition), RD_KAFKA_V_MSGFLAGS(0),
          RD_KAFKA_V_VALUE(envelope.deletes ? nullptr : record.data(), record.size()),
          RD_KAFKA_V_KEY(envelope.key.empty() ? nullptr : envelope.key.data(), envelope.key.size()),
          RD_KAFKA_V_HEADERS(headers.get()), RD_KAFKA_V_OPAQUE(&group->slots[i]), RD_KAFKA_V_END);
      if (refused == RD_KAFKA_RESP_ERR_NO_ERROR) (void)headers.release();
    }
    // After the last Note the group is gone, but then i was the last too.
    if (refused != RD_KAFKA_RESP_ERR_NO_ERROR) group->Note(i, {Failed(refused), -1});
  }
}

void Producer::Warm(const std::string& topic) {
  absl::MutexLock lock(&mutex_);
  TopicHandle& warmed = warmed_[topic];
  if (!warmed) warmed.reset(rd_kafka_topic_new(client_->handle(), topic.c_str(), nullptr));
}

absl::StatusOr<std::shared_ptr<Producer>> Producers::Take() {
  std::shared_ptr<Producer> broken;  // Ends after the lock: that takes a while.
  absl::MutexLock lock(&mutex_);
  if (producer_ && producer_->Broken()) {
    former_ += producer_->figures().Sums();
    broken = std::move(producer_);
  }
  if (!producer_) {
    auto made = Producer::Make(options_);
    if (!made.ok()) return made.status();
    producer_ = *std::move(made);
    for (const std::string& topic : topics_) producer_->Warm(topic);
  }
  return producer_;
}

void Producers::Warm(const std::string& topic) {
  absl::MutexLock lock(&mutex_);
  if (topics_.insert(topic).second && producer_) producer_->Warm(topic);
}

Figures Producers::figures() const {
  absl::MutexLock lock(&mutex_);
  Figures figures = former_;
  if (producer_) figures += producer_->figures();
  return figures;
}

bool Producer::Broken() const {
  char why[1];
  return *broken_ || rd_kafka_fatal_error(client_->handle(), why, sizeof why) != RD_KAFKA_RESP_ERR_NO_ERROR;
}

}  // namespace trialog::log::kafka
