// How a method that changes something runs. Internal to platform/service.
#pragma once

#include "platform/service/backend.h"

namespace trialog::service {

struct Backend::CommandSpec {
  std::string method;
  const ResourceType* type;
  Aim aim;
  DecideRequest decide;
  Answer answer;    // Null: the record.
  Refused refused;  // Null: the status.
};

}  // namespace trialog::service
