// The topic of keys on Kafka, `<prefix>keys`.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "platform/log/kafka/producer.h"
#include "platform/log/kafka/reader.h"
#include "platform/log/kafka/topics.h"
#include "platform/log/wakers.h"
#include "platform/sealing/key_journal.h"

namespace trialog::sealing {

// Waits for the brokers as long as Options::patience says. Thread safe.
class KafkaKeyJournal final : public KeyJournal {
 public:
  // Does not wait for the brokers. INVALID_ARGUMENT when the options are not understood.
  static absl::StatusOr<std::unique_ptr<KafkaKeyJournal>> Open(log::kafka::Options options);
  // What Follow gave is gone.
  ~KafkaKeyJournal() override;

  absl::StatusOr<int64_t> Append(std::vector<Entry> entries) override;
  absl::StatusOr<std::vector<log::StoredRecord>> Read(int64_t from, size_t max_bytes) override;
  absl::Duration lets_go_after() const override { return log::kafka::kKeysSegment; }
  absl::StatusOr<std::string> First() override;
  absl::StatusOr<int64_t> End() override;
  int64_t KnownEnd() override;
  std::unique_ptr<log::Tail> Follow(std::function<void()> wake) override;

 private:
  explicit KafkaKeyJournal(log::kafka::Options options) : options_(std::move(options)), producers_(options_) {}

  const log::kafka::Options options_;
  log::Wakers wakers_;
  std::unique_ptr<log::kafka::Client> reading_;
  std::unique_ptr<log::kafka::Client> asking_;
  std::unique_ptr<log::kafka::Reader> reader_;  // After the clients: it goes before them.
  log::kafka::Producers producers_;
};

}  // namespace trialog::sealing
