// A user's notices and how the user wants to be told.
#include "platform/view/times.h"
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

bool IsOver(const v1::Notification& notice, absl::Time now) {
  return notice.has_acknowledge_time() || FromProto(notice.expire_time()) <= now;
}

// By the notice and not by the person: a notifier learns where somebody is reached when there is something to tell.
void ResolveContact(Backend& backend, const std::shared_ptr<rpc::Call>& call) {
  const std::string name = call->Request<v1::ResolveContactRequest>().name();
  if (!NameMatches(kNotifications.pattern, name)) {
    return call->Finish(BadField("name", "BAD_NAME", Cat("must have the form ", kNotifications.pattern)));
  }
  backend.WhenReadable(call, name, [&backend, call, name](std::shared_ptr<const Principal> principal) {
    const view::State& state = backend.store().partition(backend.PartitionOf(OrganizationOf(name)));
    const view::RowPtr notice = state.Find(kNotifications, name);
    const std::string user(ParentOf(name)), preferences = Cat(user, "/notificationPreferences");
    const view::RowPtr row = state.Find(kNotificationPreferences, preferences);
    if (absl::Status health = backend.store().Health(); !health.ok()) return call->Finish(health);
    if (!notice || !principal->Has(ROLE_NOTIFIER, user)) return call->Finish(NotVisible(notice != nullptr, "notice"));
    if (IsOver(notice->As<v1::Notification>(), backend.runtime().Now())) {
      return call->Finish(Refuse(absl::StatusCode::kFailedPrecondition, "NOTICE_OVER",
                                 "the notice was acknowledged or has expired; send nothing"));
    }
    if (!row) return call->Finish(v1::ResolveContactResponse());
    backend.Render(principal, *call, true, {{&kPreferencesType, preferences, row}}, [call](auto resources) {
      if (!resources.ok()) return call->Finish(resources.status());
      const auto& shown = static_cast<const Preferences&>(*resources->front());
      v1::ResolveContactResponse response;
      *response.mutable_contacts() = shown.contacts();
      response.set_language(shown.language());
      call->Finish(response);
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
  backend.Unary(service + "ResolveContact",
                [&backend](std::shared_ptr<rpc::Call> call) { ResolveContact(backend, call); });
  backend.Unary(service + "GetPreferences",
                [&backend](std::shared_ptr<rpc::Call> call) { GetPreferences(backend, call); });
  backend.CommandMethod(service + "UpdatePreferences", kPreferencesType, AimAtPreferences(), Typed(UpdatePreferences));
}

}  // namespace trialog::trials
