// The topics of the five services: made once by an operator, checked at each start.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "platform/log/kafka/client.h"
#include "platform/log/log.h"

namespace trialog::log::kafka {

struct Topic {
  std::string name;  // As Kafka knows it.
  int partitions = kPartitions;
  bool compacted = false;  // Keeps of each key the last record, and that for ever.
};

// The private topics of `services`, in order; audit's has one partition.
std::vector<Topic> PrivateTopics(const Options& options, const std::vector<std::string>& services);

// The public topic of one of them; audit has none.
Topic PublicTopic(const Options& options, std::string_view service);
std::vector<Topic> PublicTopics(const Options& options, const std::vector<std::string>& services);

// That of auth's wrapped keys. What is deleted there is gone when the brokers compact, which they do with what is older
// than this, once something newer is written.
inline constexpr absl::Duration kKeysSegment = absl::Hours(1);
Topic KeysTopic(const Options& options);

// All topics of `services`.
std::vector<Topic> AllTopics(const Options& options, const std::vector<std::string>& services);

// Makes the topics that are missing, with the settings that CheckTopics asks for, and waits until they are shown.
// Others stay as they are.
absl::Status CreateTopics(const Options& options, const std::vector<Topic>& topics);

// FAILED_PRECONDITION, reason TOPIC_SETTINGS: which topic is missing or would lose acknowledged records or order, and
// which setting to change; all of them, one a line. UNAVAILABLE when the brokers do not answer.
absl::Status CheckTopics(const Options& options, const std::vector<Topic>& topics);

}  // namespace trialog::log::kafka
