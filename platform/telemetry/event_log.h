// What operators read: one JSON object a line on standard error. Names and numbers of the system only; nothing a caller
// sent, nothing personal.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace trialog::telemetry {

using Field = std::pair<std::string_view, std::string>;

// `what` is a stable event name in snake_case. Thread safe.
void Info(std::string_view what, std::initializer_list<Field> fields = {});
void Warning(std::string_view what, std::initializer_list<Field> fields = {});
void Error(std::string_view what, std::initializer_list<Field> fields = {});

}  // namespace trialog::telemetry
