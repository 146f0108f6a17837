// How a process reaches its Kafka.
#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace trialog::log::kafka {

// TLS and who we are. All paths are of PEM files. Without `roots` the brokers are reached in the clear.
struct Security {
  std::string roots;        // Whom the brokers' certificates are verified against.
  std::string certificate;  // Ours, with its chain, and its key: for brokers that ask for one.
  std::string key;
  std::string user;  // SASL/SCRAM-SHA-512; empty: none.
  std::string password;
};

// What is asked of the topics beside what no flag changes: delete policy, retention without end, no unclean election,
// the broker's time on each record, and room for the longest one.
struct Durability {
  int replicas = 3;
  int in_sync = 2;  // min.insync.replicas, at least.
};

struct Options {
  std::string brokers;                    // "host:port,…": where to begin.
  std::string topic_prefix = "trialog.";  // The topic of "auth" is <prefix>auth.log.
  Security security;
  Durability durability;
  // How long the client library tries to deliver a record before it reports it as failed.
  absl::Duration message_timeout = absl::Seconds(60);
  // How long a question to the brokers, or a read of what is known to be there, may take.
  absl::Duration patience = absl::Seconds(5);
  // Asked before each group is written: why nothing may be; null: always. Thread safe.
  std::function<absl::Status()> may_append = nullptr;
  // Connections to each broker for writing. A broker answers what comes on one connection one after the other.
  int producers = 4;
};

}  // namespace trialog::log::kafka
