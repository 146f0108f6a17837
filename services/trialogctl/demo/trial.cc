// The trial: drafted, approved by a second researcher, active; its patients and what was captured about them.
#include "platform/text/text.h"
#include "services/trialogctl/demo/made_up.h"
#include "services/trialogctl/demo/services.h"
#include "services/trialogctl/demo/world.h"
#include "trialog/trials/v1/data_capture.pb.h"
#include "trialog/trials/v1/enrollment.pb.h"
#include "trialog/trials/v1/patient.pb.h"
#include "trialog/trials/v1/researcher.pb.h"
#include "trialog/trials/v1/trial.pb.h"

namespace trialog::ctl::demo {
namespace {

using event::v1::Value;

// How far off the follow-up that is typed wrong is: the year, one key beside the right one.
constexpr int kYearsTypedWrong = 3;

Value Text(std::string_view text) {
  Value value;
  value.set_text(std::string(text));
  return value;
}

Value Number(const std::optional<int>& number) {
  Value value;
  number ? value.set_integer(*number) : value.set_missing(event::v1::MISSING_CODE_NO_INFORMATION);
  return value;
}

void Add(trials::v1::DataCapture& capture, std::string_view name, Value value) {
  auto& item = *capture.add_data_value();
  item.set_name(std::string(name));
  *item.mutable_value() = std::move(value);
}

trials::v1::DataCapture Baseline(const PatientRow& row) {
  trials::v1::DataCapture capture;
  Add(capture, "sex", Text(row.male ? "male" : "female"));
  Add(capture, "age", Number(row.age));
  Value none;
  none.set_missing(event::v1::MISSING_CODE_NO_INFORMATION);
  Add(capture, "institution", row.institution ? Text(Cat("institution ", *row.institution)) : none);
  Add(capture, "ph_ecog", Number(row.ecog));
  Add(capture, "ph_karno", Number(row.karnofsky_by_physician));
  return capture;
}

trials::v1::DataCapture FollowUp(const PatientRow& row) {
  trials::v1::DataCapture capture;
  Add(capture, "vital_status", Text(row.died ? "dead" : "alive"));
  return capture;
}

trials::v1::DataCapture Reported(const PatientRow& row) {
  trials::v1::DataCapture capture;
  Add(capture, "pat_karno", Number(row.karnofsky_by_patient));
  Add(capture, "meal_cal", Number(row.calories));
  Add(capture, "wt_loss", Number(row.weight_loss));
  return capture;
}

// Enters a capture as seen at noon of `day`, and has the clinician finalize it.
void Enter(const World& world, Steps& steps, size_t row, const Person& by, std::string_view kind,
           trials::v1::DataCapture capture, const google::type::Date& day) {
  trials::v1::CreateDataCaptureRequest create;
  create.set_parent(world.Trial());
  create.set_data_capture_id(World::CaptureId(row, kind));
  capture.set_subject(world.Subject(row));
  capture.mutable_occur_time()->set_seconds(NoonOf(day));
  *create.mutable_data_capture() = std::move(capture);
  create.set_submit(true);
  steps.Call<trials::v1::DataCapture>(by, Cat(kCaptures, "CreateDataCapture"), std::move(create));
  trials::v1::FinalizeDataCaptureRequest finalize;
  finalize.set_name(world.Capture(row, kind));
  steps.Call<trials::v1::DataCapture>(world.Provider(row), Cat(kCaptures, "FinalizeDataCapture"), std::move(finalize));
}

google::type::Date LastContact(const PatientRow& row) { return DaysAfter(EnrollDateOf(row), row.days); }

template <typename Request>
Request Named(std::string name) {
  Request request;
  request.set_name(std::move(name));
  return request;
}

}  // namespace

absl::Status SetUpTrial(const World& world) {
  Steps steps(world.client);
  const Person& researcher = world.Who("researcher");
  trials::v1::CreateResearcherRequest profile;
  profile.set_parent(world.organization);
  profile.set_researcher_id("researcher");
  profile.mutable_researcher()->set_user(researcher.name);
  profile.mutable_researcher()->set_expertise("Oncology");
  profile.mutable_researcher()->set_institution("Made-up clinic");
  profile.mutable_researcher()->set_contact("made-up: room 12");
  steps.Call<trials::v1::Researcher>(researcher, "trialog.trials.v1.ResearcherService/CreateResearcher",
                                     std::move(profile));

  trials::v1::CreateTrialRequest create;
  create.set_parent(world.organization);
  create.set_trial_id("lung");
  auto& trial = *create.mutable_trial();
  trial.set_title("Survival with advanced lung cancer");
  trial.set_description("Survival, performance scores and nutrition, as entered by clinicians and patients");
  trial.set_study_type(trials::v1::STUDY_TYPE_OBSERVATIONAL);
  trial.mutable_start_date()->set_year(2012);
  trial.mutable_start_date()->set_month(1);
  trial.mutable_start_date()->set_day(1);
  steps.Call<trials::v1::Trial>(researcher, Cat(kTrials, "CreateTrial"), std::move(create));
  steps.Call<trials::v1::Trial>(researcher, Cat(kTrials, "SubmitTrial"),
                                Named<trials::v1::SubmitTrialRequest>(world.Trial()));
  steps.Call<trials::v1::Trial>(world.Who("second-researcher"), Cat(kTrials, "ApproveTrial"),
                                Named<trials::v1::ApproveTrialRequest>(world.Trial()));
  steps.Call<trials::v1::Trial>(researcher, Cat(kTrials, "ActivateTrial"),
                                Named<trials::v1::ActivateTrialRequest>(world.Trial()));
  if (steps.ok()) Say("trial drafted, approved by a second researcher, active");
  return steps.status();
}

absl::Status EnrollPatients(const World& world) {
  return ForEachRow("patients enrolled with consent", world.rows.size(), [&](size_t i) {
    Steps steps(world.client);
    const PatientRow& row = world.rows[i];
    trials::v1::CreatePatientRequest create;
    create.set_parent(world.organization);
    create.set_patient_id(World::PatientId(i));
    auto& patient = *create.mutable_patient();
    patient.set_user(Cat(world.organization, "/users/", World::PatientId(i)));
    patient.set_medical_record_number(MadeUpRecordNumber(row.number));
    patient.set_display_name(MadeUpName(row.number, row.male));
    *patient.mutable_date_of_birth() = BirthDateOf(row);
    steps.Call<trials::v1::Patient>(world.Provider(i), "trialog.trials.v1.PatientService/CreatePatient",
                                    std::move(create));
    trials::v1::EnrollSubjectRequest enroll;
    enroll.set_parent(world.Trial());
    enroll.set_subject_id(Cat("s-", World::PatientId(i)));
    auto& subject = *enroll.mutable_subject();
    subject.set_patient(world.Patient(i));
    *subject.mutable_enroll_date() = EnrollDateOf(row);
    subject.mutable_consent()->set_state(trials::v1::CONSENT_STATE_GIVEN);
    subject.mutable_consent()->set_form_version("1.0");
    steps.Call<trials::v1::Subject>(world.Provider(i), "trialog.trials.v1.EnrollmentService/EnrollSubject",
                                    std::move(enroll));
    return steps.status();
  });
}

absl::Status EnterCaptures(const World& world) {
  const size_t wrong = world.WronglyTyped();
  return ForEachRow("patients' captures entered and finalized", world.rows.size(), [&](size_t i) {
    Steps steps(world.client);
    const PatientRow& row = world.rows[i];
    const Person& provider = world.Provider(i);
    Enter(world, steps, i, provider, "baseline", Baseline(row), EnrollDateOf(row));
    Enter(world, steps, i, world.PatientPerson(i), "reported", Reported(row), EnrollDateOf(row));
    google::type::Date last = LastContact(row);
    if (i == wrong) last = DaysAfter(last, kYearsTypedWrong * 365);
    Enter(world, steps, i, provider, "follow-up", FollowUp(row), last);
    if (row.died) {
      trials::v1::TransitionSubjectRequest died;
      died.set_name(world.Subject(i));
      died.set_state(trials::v1::SUBJECT_STATE_DECEASED);
      died.set_state_reason("made-up: reported by the clinic");
      steps.Call<trials::v1::Subject>(provider, "trialog.trials.v1.EnrollmentService/TransitionSubject",
                                      std::move(died));
    }
    return steps.status();
  });
}

absl::Status CorrectFollowUp(const World& world) {
  Steps steps(world.client);
  const size_t row = world.WronglyTyped();
  const Person& provider = world.Provider(row);
  const std::string name = world.Capture(row, "follow-up");
  auto capture = steps.Call<trials::v1::DataCapture>(provider, Cat(kCaptures, "GetDataCapture"),
                                                     Named<trials::v1::GetDataCaptureRequest>(name));
  if (steps.ok() && capture.version() == 1) {
    trials::v1::AmendDataCaptureRequest amend;
    capture.mutable_occur_time()->set_seconds(NoonOf(LastContact(world.rows[row])));
    capture.set_amend_reason("typing error: the year");
    *amend.mutable_data_capture() = std::move(capture);
    amend.mutable_update_mask()->add_paths("occur_time");
    steps.Call<trials::v1::DataCapture>(provider, Cat(kCaptures, "AmendDataCapture"), std::move(amend));
  }
  const auto final =
      steps.Call<trials::v1::DataCapture>(provider, Cat(kCaptures, "FinalizeDataCapture"),
                                          Named<trials::v1::FinalizeDataCaptureRequest>(name), "after the amendment");
  if (steps.ok()) Say(Cat("follow-up typed wrong: amended with reason, version ", final.version(), ", final again"));
  return steps.status();
}

}  // namespace trialog::ctl::demo
