#include "platform/telemetry/event_log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <nlohmann/json.hpp>

namespace trialog::telemetry {
namespace {

spdlog::logger& Logger() {
  static auto* const logger = [] {
    auto* made = new spdlog::logger("trialog", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})", spdlog::pattern_time_type::utc);
    made->flush_on(spdlog::level::info);
    return made;
  }();
  return *logger;
}

void Log(spdlog::level::level_enum level, std::string_view what, std::initializer_list<Field> fields) {
  nlohmann::ordered_json json;
  json["event"] = what;
  for (const auto& [name, value] : fields) {
    if (!value.empty()) json[std::string(name)] = value;
  }
  const std::string text = json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  Logger().log(level, "{}", text.substr(1, text.size() - 2));
}

}  // namespace

void Info(std::string_view what, std::initializer_list<Field> fields) { Log(spdlog::level::info, what, fields); }
void Warning(std::string_view what, std::initializer_list<Field> fields) { Log(spdlog::level::warn, what, fields); }
void Error(std::string_view what, std::initializer_list<Field> fields) { Log(spdlog::level::err, what, fields); }

std::optional<int64_t> LineLimit::Pass() {
  const int64_t now =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
  if (second_.exchange(now, std::memory_order_relaxed) != now) passed_.store(0, std::memory_order_relaxed);
  if (passed_.fetch_add(1, std::memory_order_relaxed) < per_second_) return left_out_.exchange(0);
  left_out_.fetch_add(1, std::memory_order_relaxed);
  return std::nullopt;
}

}  // namespace trialog::telemetry
