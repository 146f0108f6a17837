// The real broker that ctest starts for the tests that need one (tests/kafka/CMakeLists.txt).
#pragma once

#include <string>

#include "platform/log/kafka/options.h"

namespace trialog::testing {

// Options that reach it, with topics of nobody else's that have one copy. Aborts when there is no broker.
log::kafka::Options FreshKafka();

}  // namespace trialog::testing
