// Short hands for tests of logs that report before Append returns.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "platform/log/log.h"

namespace trialog::testing {

// Appends and gives back the reports. The log reports before Append returns.
inline std::vector<log::Report> AppendNow(log::Appender& appender, std::vector<std::string> records) {
  std::vector<log::Report> reports;
  appender.Append(std::move(records), [&](std::vector<log::Report> got) { reports = std::move(got); });
  return reports;
}

// All records of a partition, or the first error.
inline absl::StatusOr<std::vector<log::StoredRecord>> ReadWhole(log::Log& log, const std::string& topic, int partition,
                                                                size_t max_bytes = 1 << 20) {
  std::vector<log::StoredRecord> all;
  for (int64_t next = 0;;) {
    auto some = log.Read(topic, partition, next, max_bytes);
    if (!some.ok()) return some.status();
    if (some->empty()) return all;
    next = some->back().offset + 1;
    std::move(some->begin(), some->end(), std::back_inserter(all));
  }
}

}  // namespace trialog::testing
