// The public topics on Kafka, `<prefix><service>.events`.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "platform/log/kafka/producer.h"
#include "platform/relay/outlet.h"

namespace trialog::relay {

// Thread safe. An idempotent producer whose records never expire here: one that is lost takes with it all that are
// behind it, so that the topic has no holes (spec, rules `relay-window2` and `relay-window2-no-holes`).
class KafkaOutlet final : public Outlet {
 public:
  // Does not wait for the brokers. INVALID_ARGUMENT when the options are not understood.
  static absl::StatusOr<std::unique_ptr<KafkaOutlet>> Open(log::kafka::Options options);
  ~KafkaOutlet() override;

  absl::StatusOr<std::optional<Found>> Highest(const std::string& service, int partition) override;
  void Send(const std::string& service, int partition, std::vector<Message> messages,
            std::function<void(absl::Status)> done) override;

 private:
  explicit KafkaOutlet(log::kafka::Options options) : options_(std::move(options)), producers_(options_) {}
  std::string TopicOf(const std::string& service) const;
  absl::StatusOr<std::optional<Found>> HighestIn(const std::string& topic, int partition, int64_t begin, int64_t end);

  const log::kafka::Options options_;
  std::unique_ptr<log::kafka::Client> reading_;
  log::kafka::Producers producers_;
};

}  // namespace trialog::relay
