// Groups of records on their way into one partition, through a client that several partitions share.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "platform/log/kafka/client.h"
#include "platform/log/log.h"

namespace trialog::log::kafka {

// What stands beside the bytes of a record; nothing beside those of a private log.
struct Envelope {
  std::string key;
  std::vector<std::pair<std::string, std::string>> headers;
  bool deletes = false;  // Of a compacted topic: the record is none, and what has its key goes.
};

// An idempotent producer. Thread safe. Once it reported a failure it is good for nothing new: Broken says so, and
// whoever claims next takes another.
class Producer {
 public:
  static absl::StatusOr<std::unique_ptr<Producer>> Make(const Options& options);

  // Appends each record for itself. `done` is called once, with a report a record, on the client's thread; or in this
  // one when nothing could be sent. `envelopes`: one a record, or none at all.
  void Send(const std::string& topic, int partition, std::vector<std::string> records,
            std::function<void(std::vector<Report>)> done, std::vector<Envelope> envelopes = {});
  // Has the library look for the topic and connect to who leads it: else the first record for it waits about a second
  // (librdkafka 2.0.2, measured). Does not wait for that.
  void Warm(const std::string& topic);
  bool Broken() const;
  Figures figures() const { return client_->figures(); }

 private:
  explicit Producer(std::unique_ptr<Client> client) : client_(std::move(client)) {}
  struct Group;
  static void OnDelivery(const rd_kafka_message_t& message);

  // Shared with the groups in flight, whose reports may come while this is destroyed.
  const std::shared_ptr<std::atomic<bool>> broken_ = std::make_shared<std::atomic<bool>>(false);
  const std::unique_ptr<Client> client_;
  absl::Mutex mutex_;
  std::map<std::string, TopicHandle> warmed_ ABSL_GUARDED_BY(mutex_);  // Known as long as they are held.
};

// A producer for many who write; a broken one is replaced. Thread safe.
class Producers {
 public:
  explicit Producers(Options options) : options_(std::move(options)) {}
  // One that is good. The broken one goes when the last that uses it is gone: not on a thread of its own.
  absl::StatusOr<std::shared_ptr<Producer>> Take();
  // The producer there is, and each that comes after it, is warm for this topic.
  void Warm(const std::string& topic);
  // Of the one there is, with what those before it sent.
  Figures figures() const;

 private:
  const Options options_;
  mutable absl::Mutex mutex_;
  std::shared_ptr<Producer> producer_ ABSL_GUARDED_BY(mutex_);
  Figures former_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> topics_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace trialog::log::kafka
