// What must never happen: another's record shown, a personal text at rest, two winners of one race.
#include <algorithm>
#include <thread>

#include "gmock/gmock.h"
#include "services/trials/app/trials_server.h"

namespace trialog::trials {
namespace {

class Refusals : public TrialsServer {
 protected:
  template <typename Response, typename Request>
  absl::StatusCode Getting(std::string_view who, std::string_view method, std::string_view name) {
    Request request;
    request.set_name(std::string(name));
    return Try<Response>(who, method, request).status().code();
  }
};

TEST_F(Refusals, AnotherPatientsRecordIsNotThereInGetListAndWatch) {
  GivenSubject();
  const auto capture = Do<v1::DataCapture>("provider", "DataCaptureService/CreateDataCapture", NewCapture("d", "x"));
  for (std::string_view stranger : {"other-patient", "second-provider", "foreign-provider"}) {
    EXPECT_EQ((Getting<v1::Patient, v1::GetPatientRequest>(stranger, "PatientService/GetPatient", patient)),
              absl::StatusCode::kNotFound)
        << stranger;
    EXPECT_EQ((Getting<v1::DataCapture, v1::GetDataCaptureRequest>(stranger, "DataCaptureService/GetDataCapture",
                                                                   capture.name())),
              absl::StatusCode::kNotFound);
    EXPECT_EQ((Getting<v1::DataCapture, v1::SubmitDataCaptureRequest>(stranger, "DataCaptureService/SubmitDataCapture",
                                                                      capture.name())),
              absl::StatusCode::kNotFound);
  }
  const auto patients =
      Below<v1::ListPatientsResponse, v1::ListPatientsRequest>("other-patient", "PatientService/ListPatients", kOrg);
  ASSERT_EQ(patients.patients_size(), 1);
  EXPECT_EQ(patients.patients(0).name(), other_patient);
  for (std::string_view stranger : {"other-patient", "second-provider"}) {
    const auto captures = Below<v1::ListDataCapturesResponse, v1::ListDataCapturesRequest>(
        stranger, "DataCaptureService/ListDataCaptures", trial);
    EXPECT_EQ(captures.data_captures_size(), 0) << stranger;
    const auto distributions = Below<v1::ListMedicationDistributionsResponse, v1::ListMedicationDistributionsRequest>(
        stranger, "MedicationService/ListMedicationDistributions", patient);
    EXPECT_EQ(distributions.medication_distributions_size(), 0);
  }
  auto watched =
      Watch<v1::WatchPatientsResponse, v1::WatchPatientsRequest>("other-patient", "PatientService/WatchPatients", kOrg);
  EXPECT_EQ(watched.Initial(), 1);
  // A change of the other's record, then one of the own: only the latter is told.
  for (const auto& [who, name] : {std::pair("provider", patient), std::pair("second-provider", other_patient)}) {
    v1::UpdatePatientRequest update;
    update.mutable_patient()->set_name(name);
    update.mutable_patient()->set_etag(
        Name<v1::Patient, v1::GetPatientRequest>(who, "PatientService/GetPatient", name).etag());
    update.mutable_patient()->set_contact("by letter");
    update.mutable_update_mask()->add_paths("contact");
    Do<v1::Patient>(who, "PatientService/UpdatePatient", update);
  }
  EXPECT_EQ(watched.Next().name(), other_patient);
}

TEST_F(Refusals, AnotherOrganizationsNamesAreNotFoundInAnyCommand) {
  GivenPatients();
  v1::AssignProviderRequest assign;
  assign.set_name(patient);
  assign.mutable_provider()->set_user(User("foreign-provider", "organizations/elsewhere"));
  auto create = NewPatient("x", "", "MRN-1");
  v1::CreateMedicationOrderRequest order;
  order.set_parent(patient);
  order.mutable_medication_order()->set_medication_name("Carboplatin");
  order.mutable_medication_order()->set_dose("1 mg");
  order.mutable_medication_order()->set_frequency("daily");
  order.mutable_medication_order()->set_instructions("none");
  const std::string_view who = "foreign-provider";
  EXPECT_TRUE(absl::IsNotFound(Try<v1::Patient>(who, "PatientService/AssignProvider", assign).status()));
  EXPECT_TRUE(absl::IsNotFound(Try<v1::Patient>(who, "PatientService/CreatePatient", create).status()));
  EXPECT_TRUE(
      absl::IsNotFound(Try<v1::MedicationOrder>(who, "MedicationService/CreateMedicationOrder", order).status()));
  v1::ListPatientsRequest list;
  list.set_parent(kOrg);
  EXPECT_TRUE(absl::IsNotFound(Try<v1::ListPatientsResponse>(who, "PatientService/ListPatients", list).status()));
}

TEST_F(Refusals, WithoutATokenNobodyIsAnswered) {
  v1::GetPatientRequest request;
  request.set_name(patient);
  EXPECT_TRUE(absl::IsUnauthenticated(Try<v1::Patient>("", "PatientService/GetPatient", request).status()));
}

TEST_F(Refusals, NoPersonalTextStandsInAnyFile) {
  GivenSubject();
  Do<v1::DataCapture>("provider", "DataCaptureService/CreateDataCapture", NewCapture("d", "zirconium tremor"));
  v1::SendMessageRequest send;
  send.set_parent(Cat(kOrg, "/threads/th"));
  send.add_recipients(User("provider"));
  send.mutable_message()->set_body("walnut allergy question");
  Do<v1::Message>("patient", "MessagingService/SendMessage", send);
  v1::CreateMedicationOrderRequest order;
  order.set_parent(patient);
  order.mutable_medication_order()->set_medication_name("PLANTED-CONTROL");
  order.mutable_medication_order()->set_dose("1 mg");
  order.mutable_medication_order()->set_frequency("daily");
  order.mutable_medication_order()->set_instructions("under the violet lamp");
  Do<v1::MedicationOrder>("provider", "MedicationService/CreateMedicationOrder", order);
  Close();

  std::map<std::string, int> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    for (const char* text :
         {"Marbleworth", "MRN-4711-Q", "zirconium tremor", "walnut allergy", "violet lamp", "PLANTED-CONTROL"}) {
      if (bytes.find(text) != std::string::npos) ++found[text];
    }
  }
  EXPECT_GE(found["PLANTED-CONTROL"], 2) << "the search finds what is not sealed, in the log and in the store";
  found.erase("PLANTED-CONTROL");
  EXPECT_TRUE(found.empty()) << found.begin()->first;
}

// How many of `count` calls at once succeed; the others' reasons are checked.
template <typename CallOne>
int Race(int count, std::string_view reason, CallOne call) {
  std::atomic<int> won = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      const absl::Status status = call(i);
      if (status.ok()) {
        ++won;
      } else {
        EXPECT_EQ(ReasonOf(status), reason) << status;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  return won;
}

TEST_F(Refusals, OneOf64WinsTheRaceForOneMedicalRecordNumber) {
  const int won = Race(64, "MRN_TAKEN", [&](int i) {
    return Try<v1::Patient>("provider", "PatientService/CreatePatient", NewPatient(Cat("p", i), "", "MRN-RACE"))
        .status();
  });
  EXPECT_EQ(won, 1);
  const auto list =
      Below<v1::ListPatientsResponse, v1::ListPatientsRequest>("provider", "PatientService/ListPatients", kOrg);
  EXPECT_EQ(list.patients_size(), 1);
}

TEST_F(Refusals, OneOf64WinsTheRaceForOneSlot) {
  GivenPatients();
  const int won = Race(64, "PROVIDER_BUSY", [&](int i) {
    v1::BookAppointmentRequest request;
    request.set_parent(kOrg);
    request.set_appointment_id(Cat("a", i));
    auto& appointment = *request.mutable_appointment();
    appointment.set_patient(patient);
    appointment.set_provider(User("provider"));
    appointment.set_reason("control");
    appointment.mutable_start_time()->set_seconds(1'900'000'000 + i);  // Each overlaps each.
    appointment.mutable_end_time()->set_seconds(1'900'000'000 + 1800 + i);
    return Try<v1::Appointment>("provider", "SchedulingService/BookAppointment", request).status();
  });
  EXPECT_EQ(won, 1);
  const auto list = Below<v1::ListAppointmentsResponse, v1::ListAppointmentsRequest>(
      "patient", "SchedulingService/ListAppointments", kOrg);
  ASSERT_EQ(list.appointments_size(), 1);
  EXPECT_EQ(list.appointments(0).reason(), "control");
}

TEST_F(Refusals, TheSameRequestIdHasOneEffectAndAnotherContentIsRefused) {
  auto request = NewPatient("p", "", "MRN-1");
  request.set_request_id("018f4e7c-0000-7000-8000-000000000001");
  const auto first = Do<v1::Patient>("provider", "PatientService/CreatePatient", request);
  EXPECT_EQ(Do<v1::Patient>("provider", "PatientService/CreatePatient", request).uid(), first.uid());
  Close();
  Open();
  EXPECT_EQ(Do<v1::Patient>("provider", "PatientService/CreatePatient", request).uid(), first.uid());
  request.mutable_patient()->set_display_name("Someone Else");
  EXPECT_EQ(ReasonOf(Try<v1::Patient>("provider", "PatientService/CreatePatient", request).status()),
            "REQUEST_ID_REUSED");
}

}  // namespace
}  // namespace trialog::trials
