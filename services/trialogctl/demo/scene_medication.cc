// Scene C: a patient and a clinician, medication, adherence, messages, alerts.
#include "platform/text/text.h"
#include "services/trialogctl/demo/made_up.h"
#include "services/trialogctl/demo/services.h"
#include "services/trialogctl/demo/world.h"
#include "trialog/auth/v1/auth.pb.h"
#include "trialog/trials/v1/medication.pb.h"
#include "trialog/trials/v1/messaging.pb.h"
#include "trialog/trials/v1/notification.pb.h"
#include "trialog/trials/v1/patient.pb.h"

namespace trialog::ctl::demo {
namespace {

using trials::v1::AdherenceLog;
using trials::v1::MedicationDistribution;
using trials::v1::MedicationOrder;
using Notices = Watch<trials::v1::WatchNotificationsResponse>;

constexpr size_t kPatient = 0;

google::type::Date SupplyDate() {
  google::type::Date date;
  date.set_year(2015), date.set_month(1), date.set_day(5);
  return date;
}

// A distribution, finalized by the clinician; its name.
std::string Distribute(const World& world, Steps& steps, const std::string& id, const std::string& medication) {
  trials::v1::CreateMedicationDistributionRequest create;
  create.set_parent(world.Patient(kPatient));
  create.set_medication_distribution_id(id);
  auto& distribution = *create.mutable_medication_distribution();
  distribution.set_medication_name(medication);
  distribution.set_dose("450 mg");
  *distribution.mutable_distribution_date() = SupplyDate();
  const auto made = steps.Call<MedicationDistribution>(
      world.Provider(kPatient), Cat(kMedication, "CreateMedicationDistribution"), std::move(create));
  trials::v1::FinalizeMedicationDistributionRequest finalize;
  finalize.set_name(made.name());
  steps.Call<MedicationDistribution>(world.Provider(kPatient), Cat(kMedication, "FinalizeMedicationDistribution"),
                                     std::move(finalize));
  return made.name();
}

void ReadOwnRecords(const World& world, Steps& steps, const Person& patient) {
  const auto who =
      steps.Call<auth::v1::WhoAmIResponse>(patient, "trialog.auth.v1.AuthService/WhoAmI", auth::v1::WhoAmIRequest());
  if (steps.ok()) Say(Cat("  the patient asks who they are: ", who.identity().user().name()));
  trials::v1::GetMyProfileRequest mine;
  mine.set_parent(world.organization);
  const auto profile = steps.Call<trials::v1::GetMyProfileResponse>(
      patient, "trialog.trials.v1.PatientService/GetMyProfile", std::move(mine));
  if (steps.ok()) Say(Cat("  the patient reads their profile: ", profile.patient().display_name(), " (made up)"));
  trials::v1::ListMedicationOrdersRequest orders;
  orders.set_parent(world.Patient(kPatient));
  const auto ordered = steps.Call<trials::v1::ListMedicationOrdersResponse>(
      patient, Cat(kMedication, "ListMedicationOrders"), std::move(orders));
  if (steps.ok()) Say(Cat("  the patient lists orders, latest first: ", ordered.medication_orders_size()));
  trials::v1::ListMedicationDistributionsRequest list;
  list.set_parent(world.Patient(kPatient));
  const auto listed = steps.Call<trials::v1::ListMedicationDistributionsResponse>(
      patient, Cat(kMedication, "ListMedicationDistributions"), std::move(list));
  if (steps.ok()) {
    Say(Cat("  the patient lists distributions, latest first: ", listed.medication_distributions_size()));
  }
}

void LogDoses(const World& world, Steps& steps, const Person& patient, const std::string& distribution) {
  trials::v1::LogAdherenceRequest log;
  log.set_parent(world.Patient(kPatient));
  log.set_adherence_log_id("scene-dose");
  log.mutable_adherence_log()->set_distribution(distribution);
  log.mutable_adherence_log()->mutable_planned_time()->set_seconds(NoonOf(DaysAfter(SupplyDate(), 1)));
  log.mutable_adherence_log()->mutable_track_time()->set_seconds(NoonOf(DaysAfter(SupplyDate(), 1)) + 600);
  const auto logged = steps.Call<AdherenceLog>(patient, Cat(kMedication, "LogAdherence"), std::move(log));
  if (steps.ok()) {
    Say(Cat("  the patient logs a dose: ", AdherenceLog::AdherenceState_Name(logged.adherence_state())));
  }
  trials::v1::ListAdherenceLogsRequest list;
  list.set_parent(world.Patient(kPatient));
  const auto listed = steps.Call<trials::v1::ListAdherenceLogsResponse>(patient, Cat(kMedication, "ListAdherenceLogs"),
                                                                        std::move(list));
  if (steps.ok()) Say(Cat("  the patient lists the doses logged: ", listed.adherence_logs_size()));
  trials::v1::RecordProtocolAdherenceRequest protocol;
  protocol.set_parent(world.Patient(kPatient));
  protocol.set_protocol_id("diet");
  protocol.set_adherence_state(trials::v1::ProtocolAdherence::ADHERENCE_STATE_ADHERENT);
  steps.Call<trials::v1::ProtocolAdherence>(patient, Cat(kMedication, "RecordProtocolAdherence"), std::move(protocol));
  if (steps.ok()) Say("  the patient updates adherence to the protocol");
}

void MessageClinician(const World& world, Steps& steps, const Person& patient) {
  trials::v1::WatchMessagesRequest watch;
  watch.set_parent(Cat(world.organization, "/threads/-"));
  Watch<trials::v1::WatchMessagesResponse> live(steps, world.Provider(kPatient), Cat(kMessages, "WatchMessages"),
                                                watch);
  trials::v1::SendMessageRequest send;
  send.set_parent(Cat(world.organization, "/threads/demo-medication"));
  send.add_recipients(world.Provider(kPatient).name);
  send.mutable_message()->set_body("made-up: may I take it with milk?");
  const auto sent = steps.Call<trials::v1::Message>(patient, Cat(kMessages, "SendMessage"), std::move(send));
  live.Until([&](const auto& change) { return change.message().name() == sent.name(); });
  if (steps.ok()) Say("  the patient messages the clinician, whose watch shows it");
}

void AlertedTo(Steps& steps, Notices& notices, const std::string& resource, std::string_view what) {
  const auto change = notices.Until([&](const auto& seen) { return seen.notification().resource() == resource; });
  if (!steps.ok()) return;
  Say(Cat("  ", what, "; the patient is alerted: ", trials::v1::NotificationKind_Name(change.notification().kind())));
}

// An order, published by the clinician; its name.
std::string Order(const World& world, Steps& steps, const std::string& id, const std::string& medication) {
  const Person& clinician = world.Provider(kPatient);
  trials::v1::CreateMedicationOrderRequest create;
  create.set_parent(world.Patient(kPatient));
  create.set_medication_order_id(id);
  auto& order = *create.mutable_medication_order();
  order.set_medication_name(medication);
  order.set_dose("450 mg");
  order.set_frequency("once a day");
  order.set_instructions("made-up: with water");
  const auto made =
      steps.Call<MedicationOrder>(clinician, Cat(kMedication, "CreateMedicationOrder"), std::move(create));
  trials::v1::ActivateMedicationOrderRequest activate;
  activate.set_name(made.name());
  steps.Call<MedicationOrder>(clinician, Cat(kMedication, "ActivateMedicationOrder"), std::move(activate));
  return made.name();
}

void PublishOrder(const World& world, Steps& steps, const Person& patient, Notices& notices) {
  const std::string order = Order(world, steps, "scene-order", "Carboplatin");
  AlertedTo(steps, notices, order, "the clinician publishes an order");
  trials::v1::AddFeedbackRequest feedback;
  feedback.set_name(order);
  feedback.set_feedback("made-up: in the morning");
  steps.Call<trials::v1::AddFeedbackResponse>(world.Provider(kPatient), Cat(kMedication, "AddFeedback"),
                                              std::move(feedback));
  trials::v1::AcknowledgeMedicationOrderRequest acknowledge;
  acknowledge.set_name(order);
  steps.Call<MedicationOrder>(patient, Cat(kMedication, "AcknowledgeMedicationOrder"), std::move(acknowledge));
  if (steps.ok()) Say("  the clinician adds feedback; the patient acknowledges the order");
}

}  // namespace

absl::Status SceneMedication(const World& world) {
  Steps steps(world.client, /*told=*/true);
  Say("scene C, trial medication");
  const Person patient = steps.SignIn(world.PatientPerson(kPatient));
  if (steps.ok()) Say("  the patient signs in");
  trials::v1::WatchNotificationsRequest watch;
  watch.set_parent(patient.name);
  Notices notices(steps, patient, "trialog.trials.v1.NotificationService/WatchNotifications", watch);
  if (steps.ok()) Say("  the patient watches their notices");
  Order(world, steps, "scene-earlier-order", "Metoprolol");
  const std::string earlier = Distribute(world, steps, "scene-earlier", "Metoprolol");
  AlertedTo(steps, notices, earlier, "the clinician has ordered and distributed before");
  ReadOwnRecords(world, steps, patient);
  LogDoses(world, steps, patient, earlier);
  MessageClinician(world, steps, patient);
  const std::string available = Distribute(world, steps, "scene-available", "Carboplatin");
  AlertedTo(steps, notices, available, "the clinician finalizes a distribution");
  trials::v1::AcknowledgeMedicationDistributionRequest acknowledge;
  acknowledge.set_name(available);
  steps.Call<MedicationDistribution>(patient, Cat(kMedication, "AcknowledgeMedicationDistribution"),
                                     std::move(acknowledge));
  if (steps.ok()) Say("  the patient acknowledges it");
  PublishOrder(world, steps, patient, notices);

  trials::v1::GetPatientRequest another;
  another.set_name(world.Patient(1));
  ShowRefusal(
      world, steps, patient, "the patient reads another patient's record",
      "trialog.trials.v1.PatientService/GetPatient",
      steps.Refused<trials::v1::Patient>(patient, "trialog.trials.v1.PatientService/GetPatient", std::move(another)));
  return steps.status();
}

}  // namespace trialog::ctl::demo
