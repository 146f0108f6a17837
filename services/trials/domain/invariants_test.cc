#include "services/trials/domain/invariants.h"

#include <gmock/gmock.h>

#include "services/trials/domain/clinical_world.h"
#include "services/trials/domain/tables_care.h"
#include "trialog/trials/v1/scheduling.pb.h"

namespace trialog::trials {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Finds what no decision would lead to: it is written past them.
class InvariantsTest : public ClinicalWorld {
 protected:
  void SetUp() override {
    GivenCapture();
    EXPECT_THAT(CheckInvariants(state), IsEmpty());
  }
  template <typename Resource>
  void Write(const view::Table& table, const Resource& resource, event::v1::SealedPart sealed = {}) {
    state.Put(table, resource.name(), std::make_shared<const Resource>(resource), std::move(sealed));
  }
  v1::Appointment Appointment(std::string_view id, int64_t start, int64_t end, std::string_view of_patient) {
    v1::Appointment appointment;
    appointment.set_name(Cat(kOrg, "/appointments/", id));
    appointment.set_patient(Cat(kOrg, "/patients/", of_patient));
    appointment.set_provider(User("provider"));
    appointment.mutable_start_time()->set_seconds(start);
    appointment.mutable_end_time()->set_seconds(end);
    appointment.set_state(v1::Appointment::STATE_BOOKED);
    return appointment;
  }
};

TEST_F(InvariantsTest, TwoPatientsOfOneRecordNumberOrAccountAreFound) {
  v1::Patient second = Now<v1::Patient>(kPatients, patient);
  second.set_name(Cat(kOrg, "/patients/second"));
  Write(kPatients, second, PatientPart("mac p"));
  EXPECT_THAT(CheckInvariants(state), ElementsAre(patient + ": not the one found by its medical record number",
                                                  patient + ": not the one found by its account"));
}

TEST_F(InvariantsTest, APatientTwiceInATrialIsFound) {
  v1::Subject second = Now<v1::Subject>(kSubjects, subject);
  second.set_name(trial + "/subjects/second");
  Write(kSubjects, second);
  EXPECT_THAT(CheckInvariants(state), ElementsAre(subject + ": not the one found by its patient in the trial",
                                                  subject + ": not the one found by its subject key"));
}

TEST_F(InvariantsTest, ACaptureOfAnotherPatientOrOfNoSubjectIsFound) {
  v1::DataCapture other = Now<v1::DataCapture>(kDataCaptures, capture);
  other.set_name(trial + "/dataCaptures/other");
  other.set_patient(Cat(kOrg, "/patients/other"));
  Write(kDataCaptures, other);
  EXPECT_THAT(CheckInvariants(state), ElementsAre(other.name() + ": of another patient than its subject"));
  other.set_subject(Cat(kOrg, "/trials/other/subjects/s"));
  Write(kDataCaptures, other);
  EXPECT_THAT(CheckInvariants(state), ElementsAre(other.name() + ": its subject is not there"));
}

TEST_F(InvariantsTest, DoubleBookingIsFoundAndTouchingIsNone) {
  Write(kAppointments, Appointment("early", 100, 200, "p"));
  Write(kAppointments, Appointment("touching", 200, 300, "p"));
  auto cancelled = Appointment("cancelled", 100, 300, "p");
  cancelled.set_state(v1::Appointment::STATE_CANCELLED);
  Write(kAppointments, cancelled);
  EXPECT_THAT(CheckInvariants(state), IsEmpty());
  const auto late = Appointment("late", 250, 400, "other");
  Write(kAppointments, late);
  EXPECT_THAT(CheckInvariants(state),
              ElementsAre(Cat(kOrg, "/appointments/touching: overlaps with ", late.name(), " of the same provider")));
}

TEST_F(InvariantsTest, NoMoreIsSaidThanAsked) {
  Write(kAppointments, Appointment("a", 100, 400, "p"));
  Write(kAppointments, Appointment("b", 200, 400, "p"));
  EXPECT_EQ(CheckInvariants(state).size(), 2u);
  EXPECT_EQ(CheckInvariants(state, 1).size(), 1u);
}

}  // namespace
}  // namespace trialog::trials
