#include "services/trials/app/trials_app.h"

#include "services/trials/app/handlers.h"
#include "services/trials/domain/evolve.h"
#include "services/trials/domain/notices.h"
#include "trialog/trials/v1/care_events.pb.h"
#include "trialog/trials/v1/data_capture.pb.h"
#include "trialog/trials/v1/enrollment.pb.h"
#include "trialog/trials/v1/medication.pb.h"
#include "trialog/trials/v1/messaging.pb.h"
#include "trialog/trials/v1/notification.pb.h"
#include "trialog/trials/v1/patient.pb.h"
#include "trialog/trials/v1/researcher.pb.h"
#include "trialog/trials/v1/scheduling.pb.h"
#include "trialog/trials/v1/trial.pb.h"

namespace trialog::trials {
namespace {

// How long events of other services wait for those behind them: stock moves by the thousand.
constexpr absl::Duration kGather = absl::Milliseconds(20);

// The kinds of `source` that have notices.
std::vector<std::string> CausesOf(std::string_view source) {
  std::vector<std::string> causes;
  for (std::string_view type : NoticeCauses()) {
    if (HasPrefix(type, Cat("trialog.", source, ".v1."))) causes.emplace_back(type);
  }
  return causes;
}

reaction::Step NoticesOf(const view::State& state, const Context& context, const event::v1::PublicEvent& cause,
                         std::string_view after) {
  NoticesDecision notices = CreateNotices(state, context, cause, after);
  return {std::move(notices.decision), std::move(notices.next)};
}

// Notices are what a notifier reads, each within a grant's scope, and nothing else is.
bool MaySeeEvent(const Principal& principal, const event::v1::PublicEvent& event) {
  const bool notice = event.type() == v1::NotificationCreated::descriptor()->full_name() ||
                      event.type() == v1::NotificationAcknowledged::descriptor()->full_name();
  return notice && principal.Has(ROLE_NOTIFIER, event.subject());
}

}  // namespace

service::Definition TrialsDefinition(const TrialsParts& parts) {
  service::Definition definition;
  definition.domain = &TrialsDomain();
  for (const auto* file :
       {v1::Patient::descriptor()->file(), v1::Researcher::descriptor()->file(), v1::Trial::descriptor()->file(),
        v1::Subject::descriptor()->file(), v1::DataCapture::descriptor()->file(),
        v1::MedicationOrder::descriptor()->file(), v1::Message::descriptor()->file(),
        v1::Appointment::descriptor()->file(), v1::Notification::descriptor()->file()}) {
    for (int i = 0; i < file->service_count(); ++i) definition.services.push_back(file->service(i));
  }
  definition.add_handlers = [](service::Backend& backend) {
    AddPatients(backend);
    AddTrials(backend);
    AddCaptures(backend);
    AddCaptureExport(backend);
    AddMedication(backend);
    AddMessaging(backend);
    AddScheduling(backend);
    AddNotifications(backend);
  };
  definition.may_see_event = MaySeeEvent;
  for (const std::string& source : parts.notice_sources) {
    auto causes = CausesOf(source);
    if (causes.empty()) continue;
    const bool own = source == TrialsDomain().service;
    definition.reactions.push_back(
        {source, std::move(causes), "trials.notices", NoticesOf, own ? absl::ZeroDuration() : kGather});
  }
  return definition;
}

}  // namespace trialog::trials
