// W3C Trace Context, level 1: the one header that goes from a caller through the event to whoever reads the event.
#pragma once

#include <string>
#include <string_view>

namespace trialog::telemetry {

// The header in the form of version 00, "00-<32 hex digits>-<16 hex digits>-<2 hex digits>"; empty when it has no valid
// form, and then the trace is dropped, as the standard says. So nothing but hex digits gets from here into the log.
std::string NormalTraceparent(std::string_view header);

// The 32 hex digits that name the trace in `traceparent`, a value of NormalTraceparent; empty for an empty one.
std::string_view TraceIdOf(std::string_view traceparent);

}  // namespace trialog::telemetry
