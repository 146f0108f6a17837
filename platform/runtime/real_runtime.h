// The production Runtime: system clocks, OpenSSL's generator, one thread an executor.
#pragma once

#include "platform/runtime/runtime.h"

namespace trialog {

// Never destroyed; safe from any thread.
Runtime& RealRuntime();

}  // namespace trialog
