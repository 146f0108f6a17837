#include "platform/log/log.h"

#include "platform/errors/errors.h"

namespace trialog::log {

bool IsDamaged(const absl::Status& status) { return absl::IsDataLoss(status) && ReasonOf(status) == kDamaged; }

}  // namespace trialog::log
