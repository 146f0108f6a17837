#include "services/process/kafka_flags.h"

#include <fstream>

#include "absl/flags/flag.h"
#include "platform/errors/errors.h"
#include "platform/text/text.h"

ABSL_FLAG(std::string, kafka_brokers, "",
          "host:port,…: the log is on this Kafka; empty: it is embedded, in the data folder");
ABSL_FLAG(std::string, kafka_topic_prefix, "trialog.", "What our topics' names begin with: <prefix>auth.log and so on");
ABSL_FLAG(
    int32_t, kafka_replicas, 3,
    "Copies that each topic has at least; one fewer must have a record before it counts. 1: for development only");
ABSL_FLAG(absl::Duration, kafka_message_timeout, absl::Seconds(60),
          "How long a record is tried to be written before its writer gives the partition up");
ABSL_FLAG(std::string, kafka_roots, "", "PEM file with roots that the brokers' certificates are verified against");
ABSL_FLAG(std::string, kafka_certificate, "", "PEM file with our own certificate and its chain, if brokers ask for it");
ABSL_FLAG(std::string, kafka_key, "", "PEM file with that certificate's private key");
ABSL_FLAG(std::string, kafka_user, "", "User for SASL/SCRAM-SHA-512; empty: none");
ABSL_FLAG(std::string, kafka_password_file, "", "File with that user's password");

namespace trialog::process {
namespace {

std::string FirstLine(const std::string& path) {
  std::string line;
  std::ifstream file(path);
  std::getline(file, line);
  return line;
}

}  // namespace

absl::StatusOr<std::optional<log::kafka::Options>> ReadKafkaFlags() {
  log::kafka::Options options;
  std::string faults;
  const auto fault = [&](std::string_view flag, std::string_view value, std::string_view why) {
    Append(faults, faults.empty() ? "" : "\n", "--", flag, "=", value, ": ", why);
  };
  options.brokers = absl::GetFlag(FLAGS_kafka_brokers);
  options.topic_prefix = absl::GetFlag(FLAGS_kafka_topic_prefix);
  options.message_timeout = absl::GetFlag(FLAGS_kafka_message_timeout);
  if (options.message_timeout < absl::Milliseconds(100) || options.message_timeout > absl::Hours(1)) {
    fault("kafka_message_timeout", absl::FormatDuration(options.message_timeout), "must be from 100ms to 1h");
  }
  const int replicas = absl::GetFlag(FLAGS_kafka_replicas);
  if (replicas < 1) fault("kafka_replicas", Cat(replicas), "must be at least 1");
  options.durability = {.replicas = replicas, .in_sync = std::max(1, replicas - 1)};
  log::kafka::Security& security = options.security;
  security.roots = absl::GetFlag(FLAGS_kafka_roots);
  security.certificate = absl::GetFlag(FLAGS_kafka_certificate);
  security.key = absl::GetFlag(FLAGS_kafka_key);
  if (security.certificate.empty() != security.key.empty()) {
    fault("kafka_certificate", security.certificate, "certificate and key are given both or not at all");
  }
  security.user = absl::GetFlag(FLAGS_kafka_user);
  const std::string password = absl::GetFlag(FLAGS_kafka_password_file);
  if (security.user.empty() != password.empty()) {
    fault("kafka_user", security.user, "a user and --kafka_password_file are given both or not at all");
  } else if (!password.empty()) {
    security.password = FirstLine(password);
    if (security.password.empty()) fault("kafka_password_file", password, "cannot be read, or is empty");
  }
  if (security.roots.empty() && !(security.certificate.empty() && security.user.empty())) {
    fault("kafka_roots", "", "whoever shows a certificate or a password must know whom: give the brokers' roots");
  }
  if (!faults.empty()) return Refuse(absl::StatusCode::kInvalidArgument, "BAD_CONFIGURATION", faults);
  if (options.brokers.empty()) return std::optional<log::kafka::Options>();
  return std::optional(std::move(options));
}

}  // namespace trialog::process
