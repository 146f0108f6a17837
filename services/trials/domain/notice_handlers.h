// How the notices of one kind of public event are found: what the handlers of all kinds share. Only for notices*.cc.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "services/trials/domain/notices.h"

namespace trialog::trials {

// Gathers the notices of one cause, or a page of them.
class Notices {
 public:
  Notices(const event::v1::PublicEvent& cause, const view::State& state, std::string_view after)
      : state(state), after(after), cause(cause) {}

  // `thread` only for messages. Leaves out who did it, who muted the kind, and everyone outside the organization.
  void Tell(std::string_view user, v1::NotificationKind kind, std::string_view resource, std::string_view thread = {});
  void TellPatient(std::string_view patient, v1::NotificationKind kind, std::string_view resource);
  // Everyone of them, sorted; goes over at most kMaxNotices in one page.
  void TellAll(const std::vector<std::string>& users, v1::NotificationKind kind, std::string_view resource);

  const view::State& state;
  const std::string_view after;
  const event::v1::PublicEvent& cause;
  NoticePage page;
};

using NoticeHandler = void (*)(const std::string& payload, Notices& notices);
using NoticeHandlers = std::map<std::string_view, NoticeHandler>;

template <typename Kind, void (*On)(const Kind&, Notices&)>
std::pair<const std::string_view, NoticeHandler> HandlerOf() {
  return {Kind::descriptor()->full_name(), [](const std::string& payload, Notices& notices) {
            Kind event;
            if (event.ParseFromString(payload)) On(event, notices);
          }};
}

// Those of inventory's and analytics' events.
const NoticeHandlers& ForeignNoticeHandlers();

}  // namespace trialog::trials
