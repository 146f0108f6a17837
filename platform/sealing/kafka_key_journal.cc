#include "platform/sealing/kafka_key_journal.h"

#include <algorithm>
#include <future>

#include "platform/errors/errors.h"
#include "platform/log/kafka/topics.h"
#include "platform/text/text.h"

namespace trialog::sealing {

namespace kafka = log::kafka;

absl::StatusOr<std::unique_ptr<KafkaKeyJournal>> KafkaKeyJournal::Open(kafka::Options options) {
  options.message_timeout = options.patience;  // A caller waits.
  std::unique_ptr<KafkaKeyJournal> journal(new KafkaKeyJournal(std::move(options)));
  const kafka::Options& all = journal->options_;
  std::vector<kafka::Setting> settings = kafka::ReadingSettings();
  settings.emplace_back("fetch.min.bytes", "1");  // Whoever makes a key waits until it is read again.
  auto reading = kafka::Client::Make(RD_KAFKA_CONSUMER, all, settings);
  if (!reading.ok()) return reading.status();
  journal->reading_ = *std::move(reading);
  auto asking = kafka::Client::Make(RD_KAFKA_PRODUCER, all, {});
  if (!asking.ok()) return asking.status();
  journal->asking_ = *std::move(asking);
  const std::string topic = kafka::KeysTopic(all).name;
  journal->reader_ = std::make_unique<kafka::Reader>(*journal->reading_, *journal->asking_, topic, 0, all.patience,
                                                     [wakers = &journal->wakers_] { wakers->Wake("keys", 0); });
  journal->producers_.Warm(topic);
  if (auto producer = journal->producers_.Take(); !producer.ok()) return producer.status();
  return journal;
}

KafkaKeyJournal::~KafkaKeyJournal() = default;

absl::StatusOr<int64_t> KafkaKeyJournal::Append(std::vector<Entry> entries) {
  const auto producer = producers_.Take();
  if (!producer.ok()) return producer.status();
  std::vector<std::string> values;
  std::vector<kafka::Envelope> envelopes;
  for (Entry& entry : entries) {
    envelopes.push_back({.key = std::move(entry.key), .headers = {}, .deletes = entry.value.empty()});
    values.push_back(std::move(entry.value));
  }
  std::promise<std::vector<log::Report>> promise;
  (*producer)->Send(
      kafka::KeysTopic(options_).name, 0, std::move(values),
      [&](std::vector<log::Report> reports) { promise.set_value(std::move(reports)); }, std::move(envelopes));
  int64_t end = 0;
  bool placed = true;
  for (const log::Report& report : promise.get_future().get()) {
    if (!report.status.ok()) {
      return RetryLater(absl::StatusCode::kUnavailable, "KEYS_NOT_WRITTEN",
                        Cat("the topic of keys: ", FromAbsl(report.status.message())), absl::Seconds(1));
    }
    placed = placed && report.offset >= 0;
    end = std::max(end, report.offset + 1);
  }
  if (!placed) return End();
  reader_->NoteEnd(end);
  return end;
}

absl::StatusOr<std::vector<log::StoredRecord>> KafkaKeyJournal::Read(int64_t from, size_t max_bytes) {
  return reader_->Read(from, max_bytes);
}

// By a reader of its own: the other goes on where it is.
absl::StatusOr<std::string> KafkaKeyJournal::First() {
  auto client = kafka::Client::Make(RD_KAFKA_CONSUMER, options_, kafka::ReadingSettings());
  if (!client.ok()) return client.status();
  kafka::Reader reader(**client, *asking_, kafka::KeysTopic(options_).name, 0, options_.patience, [] {});
  const auto read = reader.Read(0, 1);
  if (!read.ok()) return read.status();
  return read->empty() ? std::string() : read->front().bytes;
}

absl::StatusOr<int64_t> KafkaKeyJournal::End() { return reader_->AskEnd(); }

int64_t KafkaKeyJournal::KnownEnd() { return reader_->KnownEnd(); }

std::unique_ptr<log::Tail> KafkaKeyJournal::Follow(std::function<void()> wake) {
  reader_->Follow();
  return wakers_.Add("keys", 0, std::move(wake));
}

}  // namespace trialog::sealing
