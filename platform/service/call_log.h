// Lines of the event log about calls: method, code, reason, time and the caller's trace id; never who called, nor
// anything that was sent.
#pragma once

#include <string_view>

#include "platform/rpc/frame.h"

namespace trialog::service {

enum class CallLog {
  kFaults,  // Calls that ended with a fault of ours, with its cause.
  kErrors,  // Every call that did not end OK.
  kAll,
};

// "faults", "errors" or "all"; false for anything else.
bool ParseCallLog(std::string_view text, CallLog& level);

// Hooks that write them. Faults and errors are limited to a few hundred lines a second, since callers can cause them;
// the next line says how many were left out.
rpc::FrameHooks LogHooks(CallLog level);

}  // namespace trialog::service
