#include "services/audit/views/sources.h"

#include <map>

#include "trialog/analytics/v1/events.pb.h"
#include "trialog/audit/v1/events.pb.h"
#include "trialog/auth/v1/events.pb.h"
#include "trialog/inventory/v1/events.pb.h"
#include "trialog/trials/v1/events.pb.h"

namespace trialog::audit {

const std::vector<std::string>& Sources() {
  static const auto& sources = *new std::vector<std::string>{"auth", "inventory", "trials", "analytics"};
  return sources;
}

// Named one by one rather than found by name: a linker leaves out messages that nothing refers to.
const google::protobuf::Message* SourceEvent(std::string_view source) {
  static const auto& events = *new std::map<std::string_view, const google::protobuf::Message*>{
      {"auth", &auth::v1::AuthEvent::default_instance()},
      {"inventory", &inventory::v1::InventoryEvent::default_instance()},
      {"trials", &trials::v1::TrialsEvent::default_instance()},
      {"analytics", &analytics::v1::AnalyticsEvent::default_instance()},
      {"audit", &v1::AuditEvent::default_instance()},
  };
  const auto found = events.find(source);
  return found == events.end() ? nullptr : found->second;
}

}  // namespace trialog::audit
