// Scene D: a participant's captures, the clinician's finalized one and its alert, a trial event of the researcher.
#include "platform/text/text.h"
#include "services/trialogctl/demo/services.h"
#include "services/trialogctl/demo/world.h"
#include "trialog/trials/v1/data_capture.pb.h"
#include "trialog/trials/v1/messaging.pb.h"
#include "trialog/trials/v1/notification.pb.h"
#include "trialog/trials/v1/patient.pb.h"
#include "trialog/trials/v1/trial.pb.h"

namespace trialog::ctl::demo {
namespace {

using Notices = Watch<trials::v1::WatchNotificationsResponse>;

// The participant: the first who is still followed, else the first of all.
size_t Participant(const World& world) {
  for (size_t row = 0; row < world.rows.size(); ++row) {
    if (!world.rows[row].died) return row;
  }
  return 0;
}

void ReadCapturesAndTrials(const World& world, Steps& steps, const Person& participant) {
  trials::v1::GetMyProfileRequest mine;
  mine.set_parent(world.organization);
  steps.Call<trials::v1::GetMyProfileResponse>(participant, "trialog.trials.v1.PatientService/GetMyProfile",
                                               std::move(mine));
  if (steps.ok()) Say("  the participant reads their profile");
  trials::v1::ListDataCapturesRequest captures;
  captures.set_parent(Cat(world.organization, "/trials/-"));
  const auto listed = steps.Call<trials::v1::ListDataCapturesResponse>(participant, Cat(kCaptures, "ListDataCaptures"),
                                                                       std::move(captures));
  if (steps.ok()) Say(Cat("  the participant lists captures, latest first: ", listed.data_captures_size()));
  trials::v1::ListTrialsRequest list;
  list.set_parent(world.organization);
  const auto active =
      steps.Call<trials::v1::ListTrialsResponse>(participant, Cat(kTrials, "ListTrials"), std::move(list));
  for (const auto& trial : active.trials()) Say(Cat("  an active trial: ", trial.title()));
}

void MessageResearcher(const World& world, Steps& steps, const Person& participant) {
  const Person& researcher = world.Who("researcher");
  trials::v1::WatchMessagesRequest watch;
  watch.set_parent(Cat(world.organization, "/threads/-"));
  Watch<trials::v1::WatchMessagesResponse> live(steps, researcher, "trialog.trials.v1.MessagingService/WatchMessages",
                                                watch);
  trials::v1::SendMessageRequest send;
  send.set_parent(Cat(world.organization, "/threads/demo-trial"));
  send.add_recipients(researcher.name);
  send.mutable_message()->set_body("made-up: when is the next visit?");
  send.mutable_message()->set_context(world.Trial());
  const auto sent =
      steps.Call<trials::v1::Message>(participant, "trialog.trials.v1.MessagingService/SendMessage", std::move(send));
  live.Until([&](const auto& change) { return change.message().name() == sent.name(); });
  if (steps.ok()) Say("  the participant messages the researcher, whose watch shows it");
}

// A capture of the clinician, final; the participant sees it live, is alerted and acknowledges.
void FinalizeAndAcknowledge(const World& world, Steps& steps, const Person& participant, size_t row, Notices& notices) {
  const Person& clinician = world.Provider(row);
  trials::v1::WatchDataCapturesRequest watch;
  watch.set_parent(world.Trial());
  Watch<trials::v1::WatchDataCapturesResponse> live(steps, participant, Cat(kCaptures, "WatchDataCaptures"), watch);
  trials::v1::CreateDataCaptureRequest create;
  create.set_parent(world.Trial());
  create.set_data_capture_id("scene-note");
  create.mutable_data_capture()->set_subject(world.Subject(row));
  auto& item = *create.mutable_data_capture()->add_data_value();
  item.set_name("visit_note");
  item.mutable_value()->set_text("made-up: felt well");
  // Seen at enrolment: it must not move the last contact.
  create.mutable_data_capture()->mutable_occur_time()->set_seconds(1'325'419'200);
  create.set_submit(true);
  const auto made =
      steps.Call<trials::v1::DataCapture>(clinician, Cat(kCaptures, "CreateDataCapture"), std::move(create));
  live.Until([&](const auto& change) { return change.data_capture().name() == made.name(); });
  if (steps.ok()) Say("  the clinician enters a capture; the participant's watch shows it");
  trials::v1::FinalizeDataCaptureRequest finalize;
  finalize.set_name(made.name());
  steps.Call<trials::v1::DataCapture>(clinician, Cat(kCaptures, "FinalizeDataCapture"), std::move(finalize));
  const auto alert = notices.Until([&](const auto& seen) { return seen.notification().resource() == made.name(); });
  if (steps.ok()) {
    Say(Cat("  the clinician finalizes it; the participant is alerted: ",
            trials::v1::NotificationKind_Name(alert.notification().kind())));
  }
  trials::v1::AcknowledgeDataCaptureRequest acknowledge;
  acknowledge.set_name(made.name());
  steps.Call<trials::v1::DataCapture>(participant, Cat(kCaptures, "AcknowledgeDataCapture"), std::move(acknowledge));
  if (steps.ok()) Say("  the participant acknowledges it");
}

// Who is still followed is alerted and acknowledges.
void PublishEvent(const World& world, Steps& steps, const Person& participant, size_t row, Notices& notices) {
  trials::v1::PublishTrialEventRequest publish;
  publish.set_parent(world.Trial());
  publish.set_trial_event_id("scene-event");
  publish.mutable_trial_event()->set_title("First figures");
  publish.mutable_trial_event()->set_body("made-up: the first figures are released");
  const auto event = steps.Call<trials::v1::TrialEvent>(world.Who("researcher"), Cat(kTrials, "PublishTrialEvent"),
                                                        std::move(publish));
  if (world.rows[row].died) {
    if (steps.ok()) Say("  the researcher publishes a trial event; no participant is followed any more to be alerted");
  } else {
    const auto alert = notices.Until([&](const auto& seen) { return seen.notification().resource() == event.name(); });
    if (steps.ok()) {
      Say(Cat("  the researcher publishes a trial event; the participant is alerted: ",
              trials::v1::NotificationKind_Name(alert.notification().kind())));
    }
    trials::v1::AcknowledgeTrialEventRequest acknowledge;
    acknowledge.set_name(event.name());
    steps.Call<trials::v1::TrialEvent>(participant, Cat(kTrials, "AcknowledgeTrialEvent"), std::move(acknowledge));
    if (steps.ok()) Say("  the participant acknowledges it");
  }
  trials::v1::GetLatestDataCaptureRequest latest;
  latest.set_parent(world.Trial());
  const auto found = steps.Call<trials::v1::GetLatestDataCaptureResponse>(
      world.Who("researcher"), Cat(kCaptures, "GetLatestDataCapture"), std::move(latest));
  if (steps.ok()) {
    Say(Cat("  the latest capture with its researchers in one query: ", found.researchers_size(), " researcher"));
  }
}

}  // namespace

absl::Status SceneTrial(const World& world) {
  Steps steps(world.client, /*told=*/true);
  Say("scene D, trial data capture");
  const size_t row = Participant(world);
  const Person participant = steps.SignIn(world.PatientPerson(row));
  if (steps.ok()) Say("  the participant signs in");
  trials::v1::WatchNotificationsRequest watch;
  watch.set_parent(participant.name);
  Notices notices(steps, participant, "trialog.trials.v1.NotificationService/WatchNotifications", watch);
  if (steps.ok()) Say("  the participant watches their notices");
  ReadCapturesAndTrials(world, steps, participant);
  MessageResearcher(world, steps, participant);
  FinalizeAndAcknowledge(world, steps, participant, row, notices);
  PublishEvent(world, steps, participant, row, notices);

  trials::v1::GetDataCaptureRequest another;
  another.set_name(world.Capture(row == 1 ? 0 : 1, "baseline"));
  ShowRefusal(
      world, steps, participant, "the participant reads another patient's capture",
      "trialog.trials.v1.DataCaptureService/GetDataCapture",
      steps.Refused<trials::v1::DataCapture>(participant, Cat(kCaptures, "GetDataCapture"), std::move(another)));
  return steps.status();
}

}  // namespace trialog::ctl::demo
