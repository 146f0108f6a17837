// Public events as reactions get them, and who is told of them, for the tests of notices.
#pragma once

#include <string>
#include <vector>

#include "services/trials/domain/care_testing.h"
#include "services/trials/domain/notices.h"

namespace trialog::trials {

class NoticesWorld : public CareTest {
 protected:
  template <typename Kind>
  static event::v1::PublicEvent Public(const Kind& kind, const std::string& by = "") {
    event::v1::PublicEvent cause;
    cause.set_event_id("fedcba9876543210");
    cause.set_type(Kind::descriptor()->full_name());
    cause.set_payload(kind.SerializeAsString());
    cause.set_organization("o");
    *cause.mutable_record_time() = At(kNow);
    cause.mutable_caller()->set_name(by);
    return cause;
  }
  // "recipient kind" of each notice.
  std::vector<std::string> Told(const event::v1::PublicEvent& cause) {
    std::vector<std::string> told;
    for (const auto& notice : NoticesFor(cause, state_).notices) {
      told.push_back(notice.recipient() + " " + v1::NotificationKind_Name(notice.kind()).substr(18));
    }
    return told;
  }
  // What a reaction decides in; it has no caller.
  Context Reacting() {
    Context context = By(Principal());
    context.organization = "o";
    return context;
  }
};

}  // namespace trialog::trials
