// The services whose logs go into the tree, besides audit's own.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "google/protobuf/message.h"

namespace trialog::audit {

// In the order in which a round of sequencing takes them.
const std::vector<std::string>& Sources();

// The event message of a source's log, audit's own included; null when this build does not know the service. An entry's
// type is the kind's name, so a build that lacked a service's messages would make other leaves.
const google::protobuf::Message* SourceEvent(std::string_view source);

}  // namespace trialog::audit
