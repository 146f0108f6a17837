// Trials as a service: which method serves which resource, which decision answers which command, and which public
// events become notices.
#pragma once

#include <string>
#include <vector>

#include "platform/service/host.h"

namespace trialog::trials {

// What a deployment chooses.
struct TrialsParts {
  // Services whose public events may become notices; those without a kind that does are not followed.
  std::vector<std::string> notice_sources = {"trials", "inventory", "analytics", "auth"};
};

service::Definition TrialsDefinition(const TrialsParts& parts = {});

}  // namespace trialog::trials
