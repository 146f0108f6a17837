// How fast audit folds what stands in a log of inventory into its tree, with all indexes.
#pragma once

#include <string>

#include "platform/log/embedded/embedded_log.h"
#include "tests/bench/report.h"

namespace trialog::bench {

// Gives all records of the organisation's partition their places, as audit does, and folds them into a new store below
// `folder`, `times` over; the median counts.
Line AuditFoldLine(log::EmbeddedLog& log, const std::string& organization, const std::string& folder, int times);

}  // namespace trialog::bench
