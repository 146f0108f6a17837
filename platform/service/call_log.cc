#include "platform/service/call_log.h"

#include "platform/errors/errors.h"
#include "platform/telemetry/event_log.h"
#include "platform/telemetry/trace_context.h"
#include "platform/text/text.h"

namespace trialog::service {
namespace {

constexpr int64_t kLinesPerSecond = 200;

std::string TraceOf(const rpc::CallInfo& call) { return std::string(telemetry::TraceIdOf(call.traceparent())); }

std::string LeftOut(int64_t count) { return count == 0 ? std::string() : Cat(count); }

std::string CodeOf(const absl::Status& status) { return absl::StatusCodeToString(status.code()); }

void LogFault(const rpc::CallInfo& call, const absl::Status& cause) {
  static auto& limit = *new telemetry::LineLimit(kLinesPerSecond);
  const auto left_out = limit.Pass();
  if (!left_out) return;
  telemetry::Error("fault", {{"method", std::string(call.method_name())},
                             {"code", CodeOf(cause)},
                             {"reason", ReasonOf(cause)},
                             {"cause", std::string(FromAbsl(cause.message()))},
                             {"trace", TraceOf(call)},
                             {"left_out", LeftOut(*left_out)}});
}

void LogEnd(const rpc::CallInfo& call, const absl::Status& answer, absl::Duration after, int64_t left_out) {
  telemetry::Info("call", {{"method", std::string(call.method_name())},
                           {"code", CodeOf(answer)},
                           {"reason", ReasonOf(answer)},
                           {"micros", Cat(absl::ToInt64Microseconds(after))},
                           {"trace", TraceOf(call)},
                           {"left_out", LeftOut(left_out)}});
}

}  // namespace

bool ParseCallLog(std::string_view text, CallLog& level) {
  if (text == "faults") return level = CallLog::kFaults, true;
  if (text == "errors") return level = CallLog::kErrors, true;
  if (text == "all") return level = CallLog::kAll, true;
  return false;
}

rpc::FrameHooks LogHooks(CallLog level) {
  rpc::FrameHooks hooks;
  hooks.fault = LogFault;
  if (level == CallLog::kErrors) {
    hooks.ended = [](const rpc::CallInfo& call, const absl::Status& answer, absl::Duration after) {
      static auto& limit = *new telemetry::LineLimit(kLinesPerSecond);
      if (answer.ok()) return;
      if (const auto left_out = limit.Pass()) LogEnd(call, answer, after, *left_out);
    };
  }
  if (level == CallLog::kAll) {
    hooks.ended = [](const rpc::CallInfo& call, const absl::Status& answer, absl::Duration after) {
      LogEnd(call, answer, after, 0);
    };
  }
  return hooks;
}

}  // namespace trialog::service
