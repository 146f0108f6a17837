// What operators read: one JSON object a line on standard error. Names and numbers of the system only; nothing a caller
// sent, nothing personal.
#pragma once

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace trialog::telemetry {

using Field = std::pair<std::string_view, std::string>;

// `what` is a stable event name in snake_case. Fields without a value are left out. Thread safe.
void Info(std::string_view what, std::initializer_list<Field> fields = {});
void Warning(std::string_view what, std::initializer_list<Field> fields = {});
void Error(std::string_view what, std::initializer_list<Field> fields = {});

// Lets so many lines a second through, for what callers can cause at will. Thread safe.
class LineLimit {
 public:
  explicit LineLimit(int64_t per_second) : per_second_(per_second) {}
  // Nothing: leave this line out. Else how many were left out since the last one that passed.
  std::optional<int64_t> Pass();

 private:
  const int64_t per_second_;
  std::atomic<int64_t> second_ = 0;  // Of the monotonic clock.
  std::atomic<int64_t> passed_ = 0;  // In that second; nearly, when threads meet at its beginning.
  std::atomic<int64_t> left_out_ = 0;
};

}  // namespace trialog::telemetry
