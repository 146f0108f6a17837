// A user's notices and how the user wants to be told.
#include "services/trials/app/handlers.h"
#include "services/trials/app/record_types.h"
#include "services/trials/domain/notification.h"
#include "services/trials/domain/tables_care.h"
#include "trialog/trials/v1/notification.pb.h"

namespace trialog::trials {
namespace {

using google::protobuf::Message;
using service::Aim;
using service::Backend;
using service::Target;
using service::Typed;
using Preferences = v1::NotificationPreferences;

std::string PreferencesOf(const Principal& principal) { return Cat(principal.user(), "/notificationPreferences"); }

// Everybody has preferences; before they are first set they are empty, at version 0.
void GetPreferences(Backend& backend, const std::shared_ptr<rpc::Call>& call) {
  const std::string name = call->Request<v1::GetPreferencesRequest>().name();
  if (!NameMatches(kNotificationPreferences.pattern, name)) {
    return call->Finish(BadField("name", "BAD_NAME", Cat("must have the form ", kNotificationPreferences.pattern)));
  }
  backend.WhenReadable(call, name, [&backend, call, name](std::shared_ptr<const Principal> principal) {
    const int partition = backend.PartitionOf(OrganizationOf(name));
    const int64_t offset = backend.AsOf(partition, call->request());
    const view::RowPtr row = backend.store().FindAt(partition, kNotificationPreferences, name, offset);
    if (absl::Status health = backend.store().Health(); !health.ok()) return call->Finish(health);
    if (name != PreferencesOf(*principal)) return call->Finish(NotVisible(true, "notification preferences"));
    if (!row) {
      Preferences unset;
      unset.set_name(name);
      unset.set_etag("\"0\"");
      return call->Finish(unset);
    }
    backend.Render(principal, *call, true, {{&kPreferencesType, name, row}}, [call](auto resources) {
      if (!resources.ok()) return call->Finish(resources.status());
      call->Finish(*resources->front());
    });
  });
}

// An update of what may not stand yet: the key is the user's, known from the name.
Aim AimAtPreferences() {
  return [](Message& request, const Principal&) -> absl::StatusOr<Target> {
    const auto& asked = static_cast<const v1::UpdatePreferencesRequest&>(request);
    const std::string& name = asked.preferences().name();
    if (!NameMatches(kNotificationPreferences.pattern, name)) {
      return BadField("preferences.name", "BAD_NAME", Cat("must have the form ", kNotificationPreferences.pattern));
    }
    Target target{std::string(OrganizationOf(name)), name, nullptr, name.substr(0, name.rfind('/'))};
    for (const std::string& path : asked.update_mask().paths()) {
      if (path == "contacts") target.patched.push_back(Preferences::kContactsFieldNumber);
      if (path == "language") target.patched.push_back(Preferences::kLanguageFieldNumber);
    }
    if (!target.patched.empty()) target.personal = std::make_unique<Preferences>(asked.preferences());
    return target;
  };
}

}  // namespace

void AddNotifications(Backend& backend) {
  const std::string service = "trialog.trials.v1.NotificationService/";
  backend.List(service + "ListNotifications", kNotificationType, ByParent<kNotifications, kNotificationsByRecipient>);
  backend.Watch(service + "WatchNotifications", kNotificationType, ByParent<kNotifications, kNotificationsByRecipient>);
  backend.Act(service + "AcknowledgeNotification", kNotificationType, Typed(AcknowledgeNotification));
  backend.Unary(service + "GetPreferences",
                [&backend](std::shared_ptr<rpc::Call> call) { GetPreferences(backend, call); });
  backend.CommandMethod(service + "UpdatePreferences", kPreferencesType, AimAtPreferences(), Typed(UpdatePreferences));
}

}  // namespace trialog::trials
