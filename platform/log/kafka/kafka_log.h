// The log on Apache Kafka, by librdkafka: one topic a service, offsets as the brokers give them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "platform/log/kafka/producer.h"
#include "platform/log/kafka/reader.h"
#include "platform/log/log.h"
#include "platform/log/wakers.h"

namespace trialog::log {

// Thread safe. Readers of one process share what is fetched. Threads of its own: one for each client instance (two for
// reading, the producers) and those of the library behind them.
class KafkaLog final : public Log {
 public:
  // Does not wait for the brokers. INVALID_ARGUMENT when the options are not understood.
  static absl::StatusOr<std::unique_ptr<KafkaLog>> Open(kafka::Options options);
  // Appenders and tails are gone.
  ~KafkaLog() override;

  std::unique_ptr<Appender> NewAppender(const std::string& topic, int partition) override;
  absl::StatusOr<std::vector<StoredRecord>> Read(const std::string& topic, int partition, int64_t from,
                                                 size_t max_bytes) override;
  absl::StatusOr<int64_t> EndOffset(const std::string& topic, int partition) override;
  int64_t KnownEnd(const std::string& topic, int partition) override;
  std::unique_ptr<Tail> Follow(const std::string& topic, int partition, std::function<void()> wake) override;

  // Of the clients as of a few seconds ago.
  void Collect(telemetry::Metrics& metrics) const override;

  const kafka::Options& options() const { return options_; }

 private:
  class GroupAppender;
  struct Partition;
  using Place = std::pair<std::string, int>;

  explicit KafkaLog(kafka::Options options);
  Partition& PartitionFor(const std::string& topic, int number);
  kafka::Reader& HistoryOf(Partition& partition);
  absl::StatusOr<std::shared_ptr<kafka::Producer>> ProducerFor(const Partition& partition);
  std::string TopicOf(const std::string& topic) const;

  const kafka::Options options_;
  Wakers wakers_;
  std::unique_ptr<kafka::Client> asking_;   // Asks for ends.
  std::unique_ptr<kafka::Client> tail_;     // Reads where the log grows …
  std::unique_ptr<kafka::Client> history_;  // … and what is far behind.

  absl::Mutex mutex_;
  std::map<Place, std::unique_ptr<Partition>> partitions_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<kafka::Producers>> producers_;  // Partitions share them.
};

}  // namespace trialog::log
