#include "services/trials/domain/notification.h"

#include <algorithm>
#include <set>

#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/trials/domain/access_care.h"
#include "services/trials/domain/command_parts.h"
#include "services/trials/domain/etag.h"
#include "services/trials/domain/tables_care.h"
#include "trialog/trials/v1/care_events.pb.h"
#include "trialog/trials/v1/events.pb.h"

namespace trialog::trials {
namespace {

using Preferences = v1::NotificationPreferences;

constexpr std::string_view kFirstEtag = "\"0\"";

absl::Status CheckPreferencesEtag(const view::RowPtr& row, const Preferences& preferences) {
  if (row) return RequireEtag(preferences.name(), *row, preferences.etag(), "preferences.etag");
  if (preferences.etag().empty()) {
    return BadField("preferences.etag", "ETAG_REQUIRED", "is required; send the etag of what you have read");
  }
  return preferences.etag() == kFirstEtag ? absl::OkStatus() : StaleEtag(preferences.name());
}

bool AreKinds(const Preferences& preferences) {
  return std::all_of(preferences.muted_kinds().begin(), preferences.muted_kinds().end(), [](int kind) {
    return kind != v1::NOTIFICATION_KIND_UNSPECIFIED && v1::NotificationKind_IsValid(kind);
  });
}

}  // namespace

absl::StatusOr<Decision> AcknowledgeNotification(const view::State& state, const Context& context,
                                                 const v1::AcknowledgeNotificationRequest& request) {
  auto row = FindForCommand(state, context.principal, kNotifications, request.name(), "notification");
  if (!row.ok()) return row.status();
  const auto& notification = (*row)->As<v1::Notification>();
  if (notification.recipient() != context.principal.user()) {
    return Denied("NOT_RECIPIENT", "only the recipient may acknowledge a notice");
  }
  if (notification.has_acknowledge_time()) return Answering(request.name());
  v1::NotificationAcknowledged acknowledged;
  acknowledged.set_name(request.name());
  return OneEvent(request.name(), &v1::TrialsEvent::mutable_notification_acknowledged, std::move(acknowledged));
}

absl::StatusOr<Decision> UpdatePreferences(const view::State& state, const Context& context,
                                           const v1::UpdatePreferencesRequest& request,
                                           const event::v1::SealedPart& sealed) {
  const Preferences& asked = request.preferences();
  const std::string& name = asked.name();
  if (context.principal.user().empty() || name != Cat(context.principal.user(), "/notificationPreferences") ||
      !NameMatches(kNotificationPreferences.pattern, name)) {
    return NotVisible(true, "notification preferences");
  }
  const view::RowPtr row = state.Find(kNotificationPreferences, name);
  if (auto s = CheckPreferencesEtag(row, asked); !s.ok()) return s;
  if (auto s = CheckMask(request.update_mask(), {"muted_kinds", "contacts", "language"}); !s.ok()) return s;
  if (!AreKinds(asked)) return BadField("preferences.muted_kinds", "BAD_KIND", "names an unknown kind");

  v1::NotificationPreferencesUpdated updated;
  Preferences& preferences = *updated.mutable_preferences();
  if (row) preferences = row->As<Preferences>();
  preferences.set_name(name);
  if (InMask(request.update_mask(), "muted_kinds")) {
    preferences.clear_muted_kinds();
    for (const int kind : std::set<int>(asked.muted_kinds().begin(), asked.muted_kinds().end())) {
      preferences.add_muted_kinds(static_cast<v1::NotificationKind>(kind));
    }
  }
  *updated.mutable_sealed() = ReplacingSealed(sealed, *Preferences::descriptor(), request.update_mask());
  return OneEvent(name, &v1::TrialsEvent::mutable_notification_preferences_updated, std::move(updated));
}

}  // namespace trialog::trials
