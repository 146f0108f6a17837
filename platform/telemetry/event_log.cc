#include "platform/telemetry/event_log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

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
  for (const auto& [name, value] : fields) json[std::string(name)] = value;
  const std::string text = json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  Logger().log(level, "{}", text.substr(1, text.size() - 2));
}

}  // namespace

void Info(std::string_view what, std::initializer_list<Field> fields) { Log(spdlog::level::info, what, fields); }
void Warning(std::string_view what, std::initializer_list<Field> fields) { Log(spdlog::level::warn, what, fields); }
void Error(std::string_view what, std::initializer_list<Field> fields) { Log(spdlog::level::err, what, fields); }

}  // namespace trialog::telemetry
