// A log in front of another one: what differs is overridden, the rest is the other's.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "platform/log/log.h"

namespace trialog::log {

// Thread safe as far as `target` is, which outlives it.
class WrappedLog : public Log {
 public:
  explicit WrappedLog(Log& target) : target_(target) {}

  std::unique_ptr<Appender> NewAppender(const std::string& topic, int partition) override {
    return target_.NewAppender(topic, partition);
  }
  absl::StatusOr<std::vector<StoredRecord>> Read(const std::string& topic, int partition, int64_t from,
                                                 size_t max_bytes) override {
    return target_.Read(topic, partition, from, max_bytes);
  }
  absl::StatusOr<int64_t> EndOffset(const std::string& topic, int partition) override {
    return target_.EndOffset(topic, partition);
  }
  int64_t KnownEnd(const std::string& topic, int partition) override { return target_.KnownEnd(topic, partition); }
  std::unique_ptr<Tail> Follow(const std::string& topic, int partition, std::function<void()> wake) override {
    return target_.Follow(topic, partition, std::move(wake));
  }
  void Collect(telemetry::Metrics& metrics) const override { target_.Collect(metrics); }

 protected:
  Log& target_;
};

}  // namespace trialog::log
