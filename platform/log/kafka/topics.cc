#include "platform/log/kafka/topics.h"

#include <algorithm>
#include <map>

#include "absl/time/clock.h"
#include "platform/errors/errors.h"
#include "platform/text/text.h"

namespace trialog::log::kafka {
namespace {

using NewTopicHandle = std::unique_ptr<rd_kafka_NewTopic_t, Destroyer<rd_kafka_NewTopic_destroy>>;
using ResourceHandle = std::unique_ptr<rd_kafka_ConfigResource_t, Destroyer<rd_kafka_ConfigResource_destroy>>;
using AdminOptionsHandle = std::unique_ptr<rd_kafka_AdminOptions_t, Destroyer<rd_kafka_AdminOptions_destroy>>;
using Metadata = const struct rd_kafka_metadata;

// Settings of a topic as it is made; `min.insync.replicas` beside them.
const std::vector<std::pair<std::string, std::string>>& FixedSettings(const Topic& topic) {
  using List = std::vector<std::pair<std::string, std::string>>;
  static const List kept = {
      {"cleanup.policy", "delete"},
      {"retention.ms", "-1"},
      {"retention.bytes", "-1"},
      {"unclean.leader.election.enable", "false"},
      {"message.timestamp.type", "LogAppendTime"},
      {"max.message.bytes", "1048588"},
  };
  // What was destroyed is gone from the brokers' disks within about an hour.
  static const List compacted = {
      {"cleanup.policy", "compact"},
      {"max.compaction.lag.ms", Cat(absl::ToInt64Milliseconds(kKeysSegment))},
      {"segment.ms", Cat(absl::ToInt64Milliseconds(kKeysSegment))},
      {"unclean.leader.election.enable", "false"},
      {"message.timestamp.type", "LogAppendTime"},
      {"max.message.bytes", "1048588"},
  };
  return topic.compacted ? compacted : kept;
}

// Whether a setting is as good as the one wanted.
bool IsRight(const std::string& name, const std::string& is, const std::string& wanted) {
  if (is.empty()) return false;
  if (name == "max.message.bytes") return atoll(is.c_str()) >= atoll(wanted.c_str());
  if (name == "max.compaction.lag.ms" || name == "segment.ms") return atoll(is.c_str()) <= atoll(wanted.c_str());
  return is == wanted;
}

int Milliseconds(const Options& options) { return static_cast<int>(absl::ToInt64Milliseconds(options.patience)); }

absl::Status NoAnswer(const Options& options, std::string_view why) {
  return RetryLater(absl::StatusCode::kUnavailable, "LOG_UNAVAILABLE",
                    Cat("the brokers ", options.brokers, " do not answer: ", why), absl::Seconds(1));
}

// The event of one admin operation, or the error of the whole of it.
absl::StatusOr<EventHandle> Result(const Options& options, rd_kafka_queue_t* queue) {
  EventHandle event(rd_kafka_queue_poll(queue, 2 * Milliseconds(options)));
  if (!event) return NoAnswer(options, "no result in time");
  if (rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR)
    return NoAnswer(options, rd_kafka_event_error_string(event.get()));
  return event;
}

AdminOptionsHandle Patience(const Client& client, const Options& options, rd_kafka_admin_op_t operation) {
  AdminOptionsHandle made(rd_kafka_AdminOptions_new(client.handle(), operation));
  char error[256];
  rd_kafka_AdminOptions_set_request_timeout(made.get(), Milliseconds(options), error, sizeof error);
  if (operation == RD_KAFKA_ADMIN_OP_CREATETOPICS)
    rd_kafka_AdminOptions_set_operation_timeout(made.get(), Milliseconds(options), error, sizeof error);
  return made;
}

struct Layout {
  int partitions = 0;
  int replicas = 0;  // The fewest of a partition.
};

absl::StatusOr<std::map<std::string, Layout>> Layouts(const Client& client, const Options& options) {
  Metadata* raw = nullptr;
  const rd_kafka_resp_err_t error = rd_kafka_metadata(client.handle(), 1, nullptr, &raw, Milliseconds(options));
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return NoAnswer(options, rd_kafka_err2str(error));
  const std::unique_ptr<Metadata, Destroyer<rd_kafka_metadata_destroy>> metadata(raw);
  std::map<std::string, Layout> layouts;
  for (int t = 0; t < metadata->topic_cnt; ++t) {
    const rd_kafka_metadata_topic& topic = metadata->topics[t];
    if (topic.err != RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    Layout& layout = layouts[topic.topic];
    layout.partitions = topic.partition_cnt;
    for (int p = 0; p < topic.partition_cnt; ++p) {
      const int replicas = topic.partitions[p].replica_cnt;
      layout.replicas = p == 0 ? replicas : std::min(layout.replicas, replicas);
    }
  }
  return layouts;
}

// A broker tells of a topic only a moment after it was made: whoever makes one and starts at once would not find it.
absl::Status AwaitShown(const Client& client, const Options& options, const std::vector<Topic>& topics) {
  const absl::Time give_up = absl::Now() + options.patience;
  while (true) {
    const auto layouts = Layouts(client, options);
    if (!layouts.ok()) return layouts.status();
    const auto hidden = std::find_if(topics.begin(), topics.end(), [&](const Topic& topic) {
      const auto found = layouts->find(topic.name);
      return found == layouts->end() || found->second.partitions == 0;
    });
    if (hidden == topics.end()) return absl::OkStatus();
    if (absl::Now() >= give_up) return NoAnswer(options, Cat(hidden->name, " was made, and is not shown"));
    absl::SleepFor(absl::Milliseconds(20));
  }
}

using Settings = std::map<std::string, std::string>;

absl::StatusOr<std::map<std::string, Settings>> SettingsOf(const Client& client, const Options& options,
                                                           const std::vector<Topic>& topics) {
  std::vector<ResourceHandle> resources;
  std::vector<rd_kafka_ConfigResource_t*> pointers;
  for (const Topic& topic : topics) {
    resources.emplace_back(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.name.c_str()));
    pointers.push_back(resources.back().get());
  }
  const QueueHandle queue(rd_kafka_queue_new(client.handle()));
  const AdminOptionsHandle patience = Patience(client, options, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
  rd_kafka_DescribeConfigs(client.handle(), pointers.data(), pointers.size(), patience.get(), queue.get());
  const auto event = Result(options, queue.get());
  if (!event.ok()) return event.status();
  size_t count = 0;
  const rd_kafka_ConfigResource_t** described =
      rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event->get()), &count);
  std::map<std::string, Settings> all;
  for (size_t i = 0; i < count; ++i) {
    size_t entries = 0;
    const rd_kafka_ConfigEntry_t** entry = rd_kafka_ConfigResource_configs(described[i], &entries);
    Settings& settings = all[rd_kafka_ConfigResource_name(described[i])];
    for (size_t e = 0; e < entries; ++e) {
      const char* value = rd_kafka_ConfigEntry_value(entry[e]);
      settings[rd_kafka_ConfigEntry_name(entry[e])] = value ? value : "";
    }
  }
  return all;
}

// What is wrong with a topic's settings, a line each.
void CheckSettings(const Topic& topic, const Settings& settings, const Durability& durability, std::string& faults) {
  const auto value = [&](const std::string& name) {
    const auto found = settings.find(name);
    return found == settings.end() ? std::string() : found->second;
  };
  for (const auto& [name, wanted] : FixedSettings(topic)) {
    const std::string is = value(name);
    if (!IsRight(name, is, wanted)) Append(faults, "\n", topic.name, ": ", name, " is ", is, ", must be ", wanted);
  }
  const std::string in_sync = value("min.insync.replicas");
  if (atoi(in_sync.c_str()) < durability.in_sync) {
    Append(faults, "\n", topic.name, ": min.insync.replicas is ", in_sync, ", must be at least ", durability.in_sync);
  }
}

}  // namespace

std::vector<Topic> PrivateTopics(const Options& options, const std::vector<std::string>& services) {
  std::vector<Topic> topics;
  for (const std::string& service : services) {
    topics.push_back({Cat(options.topic_prefix, service, ".log"), service == "audit" ? 1 : kPartitions});
  }
  return topics;
}

Topic PublicTopic(const Options& options, std::string_view service) {
  return {Cat(options.topic_prefix, service, ".events"), kPartitions};
}

std::vector<Topic> PublicTopics(const Options& options, const std::vector<std::string>& services) {
  std::vector<Topic> topics;
  for (const std::string& service : services) {
    if (service != "audit") topics.push_back(PublicTopic(options, service));
  }
  return topics;
}

Topic KeysTopic(const Options& options) {
  return {Cat(options.topic_prefix, "keys"), /*partitions=*/1, /*compacted=*/true};
}

std::vector<Topic> AllTopics(const Options& options, const std::vector<std::string>& services) {
  std::vector<Topic> topics = PrivateTopics(options, services);
  for (Topic& topic : PublicTopics(options, services)) topics.push_back(std::move(topic));
  if (std::count(services.begin(), services.end(), "auth") > 0) topics.push_back(KeysTopic(options));
  return topics;
}

absl::Status CreateTopics(const Options& options, const std::vector<Topic>& topics) {
  const Durability& durability = options.durability;
  auto client = Client::Make(RD_KAFKA_PRODUCER, options, {});
  if (!client.ok()) return client.status();
  std::vector<NewTopicHandle> made;
  std::vector<rd_kafka_NewTopic_t*> pointers;
  for (const Topic& topic : topics) {
    char error[256] = "";
    made.emplace_back(
        rd_kafka_NewTopic_new(topic.name.c_str(), topic.partitions, durability.replicas, error, sizeof error));
    if (!made.back()) return Refuse(absl::StatusCode::kInvalidArgument, "TOPIC_SETTINGS", Cat(topic.name, ": ", error));
    for (const auto& [name, value] : FixedSettings(topic))
      rd_kafka_NewTopic_set_config(made.back().get(), name.c_str(), value.c_str());
    rd_kafka_NewTopic_set_config(made.back().get(), "min.insync.replicas", Cat(durability.in_sync).c_str());
    pointers.push_back(made.back().get());
  }
  const QueueHandle queue(rd_kafka_queue_new((*client)->handle()));
  const AdminOptionsHandle patience = Patience(**client, options, RD_KAFKA_ADMIN_OP_CREATETOPICS);
  rd_kafka_CreateTopics((*client)->handle(), pointers.data(), pointers.size(), patience.get(), queue.get());
  const auto event = Result(options, queue.get());
  if (!event.ok()) return event.status();
  size_t count = 0;
  const rd_kafka_topic_result_t** results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event->get()), &count);
  std::string faults;
  for (size_t i = 0; i < count; ++i) {
    const rd_kafka_resp_err_t error = rd_kafka_topic_result_error(results[i]);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR || error == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) continue;
    const char* why = rd_kafka_topic_result_error_string(results[i]);
    Append(faults, "\n", rd_kafka_topic_result_name(results[i]), ": ", why ? why : rd_kafka_err2str(error));
  }
  if (faults.empty()) return AwaitShown(**client, options, topics);
  return Refuse(absl::StatusCode::kFailedPrecondition, "TOPIC_SETTINGS", Cat("topics could not be made:", faults));
}

absl::Status CheckTopics(const Options& options, const std::vector<Topic>& topics) {
  const Durability& durability = options.durability;
  auto client = Client::Make(RD_KAFKA_PRODUCER, options, {});
  if (!client.ok()) return client.status();
  const auto layouts = Layouts(**client, options);
  if (!layouts.ok()) return layouts.status();
  std::string faults;
  std::vector<Topic> present;
  for (const Topic& topic : topics) {
    const auto found = layouts->find(topic.name);
    if (found == layouts->end()) {
      Append(faults, "\n", topic.name, " is missing; `trialogctl topics create` makes it");
      continue;
    }
    present.push_back(topic);
    const Layout& layout = found->second;
    if (layout.partitions != topic.partitions)
      Append(faults, "\n", topic.name, " has ", layout.partitions, " partitions, must have ", topic.partitions);
    if (layout.replicas < durability.replicas)
      Append(faults, "\n", topic.name, " has ", layout.replicas, " replicas, must have at least ", durability.replicas);
  }
  if (!present.empty()) {
    const auto settings = SettingsOf(**client, options, present);
    if (!settings.ok()) return settings.status();
    for (const Topic& topic : present) {
      const auto found = settings->find(topic.name);
      CheckSettings(topic, found == settings->end() ? Settings() : found->second, durability, faults);
    }
  }
  if (faults.empty()) return absl::OkStatus();
  return Refuse(absl::StatusCode::kFailedPrecondition, "TOPIC_SETTINGS",
                Cat("topics that would not keep what is written to them:", faults));
}

}  // namespace trialog::log::kafka
