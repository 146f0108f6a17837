// librdkafka's C API with owners: what every part of the Kafka log stands on.
#pragma once

#include <librdkafka/rdkafka.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "platform/log/kafka/figures.h"
#include "platform/log/kafka/options.h"

namespace trialog::log::kafka {

template <auto Destroy>
struct Destroyer {
  template <typename T>
  void operator()(T* handle) const {
    Destroy(handle);
  }
};
using TopicHandle = std::unique_ptr<rd_kafka_topic_t, Destroyer<rd_kafka_topic_destroy>>;
using QueueHandle = std::unique_ptr<rd_kafka_queue_t, Destroyer<rd_kafka_queue_destroy>>;
using MessageHandle = std::unique_ptr<rd_kafka_message_t, Destroyer<rd_kafka_message_destroy>>;
using EventHandle = std::unique_ptr<rd_kafka_event_t, Destroyer<rd_kafka_event_destroy>>;

// Name and value, as in librdkafka's CONFIGURATION.md.
using Setting = std::pair<const char*, std::string>;

// What a client tells; on its own thread.
struct ClientHooks {
  void (*on_delivery)(const rd_kafka_message_t&) = nullptr;  // Of a producer: once a record.
  // Of a member of a group: it now has these partitions, which it need not read.
  std::function<void(const rd_kafka_topic_partition_list_t&)> on_assigned = nullptr;
};

// One client instance and the thread that serves its events (delivery reports, errors, logs). Thread safe.
class Client {
 public:
  // INVALID_ARGUMENT, reason KAFKA_SETTING, when the library does not take a setting.
  static absl::StatusOr<std::unique_ptr<Client>> Make(rd_kafka_type_t type, const Options& options,
                                                      const std::vector<Setting>& settings, ClientHooks hooks = {});
  // Leaves its group. Waits for the library's threads; every record not yet reported is reported as purged first.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  rd_kafka_t* handle() const { return handle_; }

  // Lowest offset and end of a partition, asked of its leader. UNAVAILABLE, reason LOG_UNAVAILABLE, after `patience`.
  struct Range {
    int64_t begin;
    int64_t end;
  };
  absl::StatusOr<Range> QueryRange(const std::string& topic, int partition, absl::Duration patience) const;

  // As of a few seconds ago; zero before the library told them first.
  Figures figures() const;
  // Whether it is of no more use: what the library calls a fatal error. Thread safe.
  bool fatal() const;

 private:
  explicit Client(ClientHooks hooks) : hooks_(std::move(hooks)) {}
  void Poll(int milliseconds);
  // Asks any broker who leads the topic's partitions.
  void LookForLeaders(const std::string& topic) const;
  static void OnRebalance(rd_kafka_t* handle, rd_kafka_resp_err_t error, rd_kafka_topic_partition_list_t* partitions,
                          void* client);
  static void OnDelivery(rd_kafka_t*, const rd_kafka_message_t* message, void* client);
  static int OnStatistics(rd_kafka_t*, char* json, size_t size, void* client);
  static void OnLog(const rd_kafka_t*, int level, const char* facility, const char* text);

  const ClientHooks hooks_;
  rd_kafka_t* handle_ = nullptr;
  std::atomic<bool> stop_ = false;
  mutable absl::Mutex mutex_;
  std::string statistics_ ABSL_GUARDED_BY(mutex_);  // JSON; read when somebody asks.
  std::thread thread_;
};

// What the library says of `what` ("inventory partition 3"), as a status: UNAVAILABLE, reason LOG_UNAVAILABLE, or
// KAFKA_REFUSES for what an operator must mend: rights, passwords. That passes too, when it is mended.
absl::Status FromKafka(rd_kafka_resp_err_t error, std::string_view what);

}  // namespace trialog::log::kafka
