// Messages and their threads.
#include "services/trials/app/handlers.h"
#include "services/trials/app/record_types.h"
#include "services/trials/domain/message.h"
#include "services/trials/domain/tables_care.h"

namespace trialog::trials {
namespace {

using service::Backend;
using service::ListSource;
using service::Typed;

// The caller's own, the one with the latest message first.
absl::StatusOr<ListSource> ThreadsOf(const Principal& principal, std::string_view parent,
                                     const google::protobuf::Message&) {
  if (!NameMatches("organizations/*", parent)) {
    return BadField("parent", "BAD_NAME", "must have the form organizations/*");
  }
  return ListSource{&kThreadsByMember, view::GroupPrefix(principal.user())};
}

// Latest first; threads/- for all of the caller's.
absl::StatusOr<ListSource> MessagesOf(const Principal& principal, std::string_view parent,
                                      const google::protobuf::Message&) {
  if (absl::Status checked = CheckParentOrAll(kMessages, parent); !checked.ok()) return checked;
  if (IdOf(parent) == "-") return ListSource{&kMessagesByMember, view::GroupPrefix(principal.user())};
  return ListSource{&kMessagesByThread, view::GroupPrefix(parent)};
}

}  // namespace

void AddMessaging(Backend& backend) {
  const std::string service = "trialog.trials.v1.MessagingService/";
  backend.Create(service + "SendMessage", kMessageType, Typed(SendMessage));
  backend.Update(service + "EditMessage", kMessageType, Typed(EditMessage));
  backend.List(service + "ListThreads", kThreadType, ThreadsOf);
  backend.List(service + "ListMessages", kMessageType, MessagesOf);
  backend.Act(service + "MarkDelivered", kMessageType, Typed(MarkDelivered));
  backend.Act(service + "MarkRead", kMessageType, Typed(MarkRead));
  backend.Watch(service + "WatchMessages", kMessageType, MessagesOf);
}

}  // namespace trialog::trials
