// Passing over a record that stops a partition: an operator's decision, which is an event of that partition.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "platform/log/log.h"
#include "platform/runtime/runtime.h"

namespace trialog::ctl {

struct SkipOptions {
  std::string service;
  int partition = -1;
  int64_t offset = -1;
  std::string ticket;  // Where the reason is written down: 1 to 64 letters, digits and any of "._/#-".
};

// Claims the partition, appends the Skip, and gives the partition up; prints what the record is, as far as it can be
// read. OK, with nothing written, when it is skipped already. Refused, with nothing skipped: NO_SUCH_SERVICE,
// NO_SUCH_RECORD, BAD_TICKET; RECORD_IS_FOLDED when this build can read and knows all of it, so that only what stops a
// fold is ever skipped; RECORDS_FOLLOW when records that count only with it would be lost; CLOCK_WRONG when this
// machine's clock is not the log's; ABORTED, reason OWNER_CHANGED, when somebody else claimed the partition meanwhile.
absl::Status Skip(const SkipOptions& options, log::Log& log, Runtime& runtime);

}  // namespace trialog::ctl
