#include "platform/log/kafka/client.h"

#include "absl/time/clock.h"
#include "platform/errors/errors.h"
#include "platform/telemetry/event_log.h"
#include "platform/text/text.h"

namespace trialog::log::kafka {
namespace {

constexpr int kPollMilliseconds = 100;
constexpr absl::Duration kAskAgain = absl::Milliseconds(20);
// Longest wait for one broker's answer before others are asked who it should be.
constexpr absl::Duration kOneQuestion = absl::Seconds(1);
constexpr absl::Duration kRetryAfter = absl::Milliseconds(500);

std::vector<Setting> CommonSettings(const Options& options) {
  std::vector<Setting> settings = {
      {"bootstrap.servers", options.brokers},
      {"client.id", "trialog"},
      {"socket.nagle.disable", "true"},
      {"socket.keepalive.enable", "true"},
      {"reconnect.backoff.ms", "50"},
      {"reconnect.backoff.max.ms", "1000"},
      {"topic.metadata.refresh.fast.interval.ms", "100"},
      {"allow.auto.create.topics", "false"},
      {"log.connection.close", "false"},
      {"statistics.interval.ms", "5000"},
  };
  const Security& security = options.security;
  const bool tls = !security.roots.empty(), sasl = !security.user.empty();
  settings.emplace_back("security.protocol",
                        tls ? (sasl ? "sasl_ssl" : "ssl") : (sasl ? "sasl_plaintext" : "plaintext"));
  if (tls) settings.emplace_back("ssl.ca.location", security.roots);
  if (!security.certificate.empty()) {
    settings.emplace_back("ssl.certificate.location", security.certificate);
    settings.emplace_back("ssl.key.location", security.key);
  }
  if (sasl) {
    settings.emplace_back("sasl.mechanism", "SCRAM-SHA-512");
    settings.emplace_back("sasl.username", security.user);
    settings.emplace_back("sasl.password", security.password);
  }
  return settings;
}

int InMilliseconds(absl::Duration time) { return static_cast<int>(absl::ToInt64Milliseconds(time)); }

absl::Status BadSetting(std::string_view why) {
  return Refuse(absl::StatusCode::kInvalidArgument, "KAFKA_SETTING", why);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Client>> Client::Make(rd_kafka_type_t type, const Options& options,
                                                     const std::vector<Setting>& settings, ClientHooks hooks) {
  std::unique_ptr<Client> client(new Client(std::move(hooks)));
  char error[512] = "";
  std::unique_ptr<rd_kafka_conf_t, Destroyer<rd_kafka_conf_destroy>> conf(rd_kafka_conf_new());
  for (const auto& list : {CommonSettings(options), settings}) {
    for (const auto& [name, value] : list) {
      if (rd_kafka_conf_set(conf.get(), name, value.c_str(), error, sizeof error) != RD_KAFKA_CONF_OK)
        return BadSetting(error);
    }
  }
  rd_kafka_conf_set_opaque(conf.get(), client.get());
  rd_kafka_conf_set_log_cb(conf.get(), &Client::OnLog);
  rd_kafka_conf_set_stats_cb(conf.get(), &Client::OnStatistics);
  if (client->hooks_.on_delivery != nullptr) rd_kafka_conf_set_dr_msg_cb(conf.get(), &Client::OnDelivery);
  if (client->hooks_.on_assigned) rd_kafka_conf_set_rebalance_cb(conf.get(), &Client::OnRebalance);
  client->handle_ = rd_kafka_new(type, conf.get(), error, sizeof error);
  if (client->handle_ == nullptr) return BadSetting(error);
  (void)conf.release();  // The instance's now.
  if (client->hooks_.on_assigned) rd_kafka_poll_set_consumer(client->handle_);
  client->thread_ = std::thread([self = client.get()] {
    while (!self->stop_) self->Poll(kPollMilliseconds);
  });
  return client;
}

Client::~Client() {
  if (handle_ == nullptr) return;
  stop_ = true;
  if (thread_.joinable()) thread_.join();
  if (hooks_.on_assigned) rd_kafka_consumer_close(handle_);
  if (hooks_.on_delivery != nullptr) {
    rd_kafka_purge(handle_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    while (rd_kafka_outq_len(handle_) > 0) rd_kafka_poll(handle_, kPollMilliseconds);
  }
  rd_kafka_destroy(handle_);
}

void Client::Poll(int milliseconds) {
  if (!hooks_.on_assigned) {
    rd_kafka_poll(handle_, milliseconds);
    return;
  }
  const MessageHandle told(rd_kafka_consumer_poll(handle_, milliseconds));  // Errors only: nothing is read.
  if (!told) return;
  static telemetry::LineLimit limit(1);
  if (limit.Pass()) telemetry::Warning("kafka_group", {{"text", rd_kafka_message_errstr(told.get())}});
}

// What is taken away is not told: the next assignment says what is left, and until then all goes on as it was.
void Client::OnRebalance(rd_kafka_t* handle, rd_kafka_resp_err_t error, rd_kafka_topic_partition_list_t* partitions,
                         void* client) {
  auto* self = static_cast<Client*>(client);
  if (error != RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    rd_kafka_assign(handle, nullptr);
    return;
  }
  // None of them is read; but that must be said with a list, or the member stays in the rebalance.
  const std::unique_ptr<rd_kafka_topic_partition_list_t, Destroyer<rd_kafka_topic_partition_list_destroy>> nothing(
      rd_kafka_topic_partition_list_new(0));
  rd_kafka_assign(handle, nothing.get());
  if (!self->stop_) self->hooks_.on_assigned(*partitions);
}

void Client::OnDelivery(rd_kafka_t*, const rd_kafka_message_t* message, void* client) {
  static_cast<Client*>(client)->hooks_.on_delivery(*message);
}

int Client::OnStatistics(rd_kafka_t*, char* json, size_t size, void* client) {
  auto* self = static_cast<Client*>(client);
  absl::MutexLock lock(&self->mutex_);
  self->statistics_.assign(json, size);
  return 0;  // The library's to free.
}

Figures Client::figures() const {
  std::string statistics;
  {
    absl::MutexLock lock(&mutex_);
    statistics = statistics_;
  }
  return ParseStatistics(statistics);
}

bool Client::fatal() const { return rd_kafka_fatal_error(handle_, nullptr, 0) != RD_KAFKA_RESP_ERR_NO_ERROR; }

// Brokers that come and go are the library's to deal with; what it warns of is for the operator.
void Client::OnLog(const rd_kafka_t*, int level, const char* facility, const char* text) {
  constexpr int kError = 3;
  static telemetry::LineLimit limit(5);
  const auto left_out = limit.Pass();
  if (!left_out) return;
  const auto say = level <= kError ? telemetry::Error : telemetry::Warning;
  say("kafka_client", {{"facility", facility}, {"text", text}, {"left_out", *left_out > 0 ? Cat(*left_out) : ""}});
}

void Client::LookForLeaders(const std::string& topic) const {
  const TopicHandle known(rd_kafka_topic_new(handle_, topic.c_str(), nullptr));
  const struct rd_kafka_metadata* metadata = nullptr;
  if (rd_kafka_metadata(handle_, 0, known.get(), &metadata, InMilliseconds(kOneQuestion)) == RD_KAFKA_RESP_ERR_NO_ERROR)
    rd_kafka_metadata_destroy(metadata);
}

absl::StatusOr<Client::Range> Client::QueryRange(const std::string& topic, int partition,
                                                 absl::Duration patience) const {
  const absl::Time give_up = absl::Now() + patience;
  while (true) {
    const absl::Duration left = std::max(give_up - absl::Now(), absl::Milliseconds(1));
    Range range{};
    const rd_kafka_resp_err_t error = rd_kafka_query_watermark_offsets(
        handle_, topic.c_str(), partition, &range.begin, &range.end, InMilliseconds(std::min(left, kOneQuestion)));
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return range;
    absl::Status status = FromKafka(error, Cat(topic, " partition ", partition));
    if (!absl::IsUnavailable(status) || left <= kAskAgain) return status;
    // The library does not try again by itself while the leader changes, and may go on asking the former one, which
    // does not answer any more.
    LookForLeaders(topic);
    absl::SleepFor(kAskAgain);
  }
}

absl::Status FromKafka(rd_kafka_resp_err_t error, std::string_view what) {
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return absl::OkStatus();
  const std::string text = Cat(what, ": ", rd_kafka_err2str(error));
  switch (error) {
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
      return RetryLater(absl::StatusCode::kUnavailable, "KAFKA_REFUSES", text, kRetryAfter);
    default:
      return RetryLater(absl::StatusCode::kUnavailable, "LOG_UNAVAILABLE", text, kRetryAfter);
  }
}

}  // namespace trialog::log::kafka
