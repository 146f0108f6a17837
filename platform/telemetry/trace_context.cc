#include "platform/telemetry/trace_context.h"

namespace trialog::telemetry {
namespace {

constexpr size_t kLength = 55;  // Of version 00.
constexpr size_t kTraceId = 3;  // Where the ids and the flags begin.
constexpr size_t kTraceIdLength = 32;
constexpr size_t kParentId = 36;
constexpr size_t kParentIdLength = 16;
constexpr size_t kFlags = 53;

// Lower case only: upper case is not valid in this header.
bool IsHex(std::string_view text) { return text.find_first_not_of("0123456789abcdef") == std::string_view::npos; }
bool IsZero(std::string_view text) { return text.find_first_not_of('0') == std::string_view::npos; }

}  // namespace

std::string NormalTraceparent(std::string_view header) {
  if (header.size() < kLength) return {};
  const std::string_view version = header.substr(0, 2), trace = header.substr(kTraceId, kTraceIdLength),
                         parent = header.substr(kParentId, kParentIdLength), flags = header.substr(kFlags, 2);
  if (header[2] != '-' || header[kParentId - 1] != '-' || header[kFlags - 1] != '-') return {};
  if (!IsHex(version) || !IsHex(trace) || !IsHex(parent) || !IsHex(flags)) return {};
  if (version == "ff" || IsZero(trace) || IsZero(parent)) return {};
  // A later version may say more behind another dash; what comes before has the meaning of version 00.
  if (header.size() > kLength && (version == "00" || header[kLength] != '-')) return {};
  std::string normal(header.substr(0, kLength));
  normal[0] = normal[1] = '0';
  return normal;
}

std::string_view TraceIdOf(std::string_view traceparent) {
  return traceparent.empty() ? std::string_view() : traceparent.substr(kTraceId, kTraceIdLength);
}

}  // namespace trialog::telemetry
