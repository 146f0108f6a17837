#include "services/trials/domain/appointment.h"

#include <random>
#include <vector>

#include "services/trials/domain/access_care.h"
#include "services/trials/domain/care_testing.h"

namespace trialog::trials {
namespace {

using v1::Appointment;

class Scheduling : public CareTest {
 protected:
  absl::StatusOr<Decision> Book(Principal principal, int64_t start, int64_t end, const std::string& id,
                                const std::string& patient = kPatient, const std::string& provider = kProvider) {
    v1::BookAppointmentRequest request;
    request.set_parent(std::string(kOrganization));
    request.set_appointment_id(id);
    request.mutable_appointment()->set_patient(patient);
    request.mutable_appointment()->set_provider(provider);
    *request.mutable_appointment()->mutable_start_time() = At(start);
    *request.mutable_appointment()->mutable_end_time() = At(end);
    return BookAppointment(state_, By(principal), request,
                           Sealed({Appointment::kReasonFieldNumber, Appointment::kStateReasonFieldNumber}));
  }
  absl::StatusOr<Decision> Reschedule(Principal principal, const std::string& name, int64_t start, int64_t end,
                                      const std::string& etag) {
    v1::RescheduleAppointmentRequest request;
    request.set_name(name);
    request.set_etag(etag);
    *request.mutable_start_time() = At(start);
    *request.mutable_end_time() = At(end);
    return RescheduleAppointment(state_, By(principal), request, {});
  }
  template <typename Request>
  static Request Named(const std::string& name) {
    Request request;
    request.set_name(name);
    return request;
  }
  absl::StatusOr<Decision> Cancel(Principal principal, const std::string& name) {
    return CancelAppointment(state_, By(principal), Named<v1::CancelAppointmentRequest>(name), {});
  }
  absl::StatusOr<Decision> CheckIn(const std::string& name) {
    return CheckInAppointment(state_, By(Provider()), Named<v1::CheckInAppointmentRequest>(name));
  }
  absl::StatusOr<Decision> Complete(const std::string& name) {
    return CompleteAppointment(state_, By(Provider()), Named<v1::CompleteAppointmentRequest>(name));
  }
  absl::StatusOr<Decision> NoShow(const std::string& name) {
    return MarkNoShowAppointment(state_, By(Provider()), Named<v1::MarkNoShowAppointmentRequest>(name));
  }
  Appointment::State StateNow(const std::string& name) { return state_.Get<Appointment>(kAppointments, name)->state(); }
};

TEST(AppointmentMoves, AreThoseOfTheTableAndNoOthers) {
  const std::string legal =
      " PROPOSED>PENDING PENDING>BOOKED BOOKED>ARRIVED ARRIVED>FULFILLED BOOKED>CANCELLED BOOKED>NOSHOW HELD>BOOKED "
      "HELD>EXPIRED ";
  for (int from = 0; from < Appointment::State_ARRAYSIZE; ++from) {
    for (int to = 0; to < Appointment::State_ARRAYSIZE; ++to) {
      const auto a = static_cast<Appointment::State>(from), b = static_cast<Appointment::State>(to);
      const std::string move =
          Cat(" ", Appointment::State_Name(a).substr(6), ">", Appointment::State_Name(b).substr(6));
      EXPECT_EQ(MayMove(a, b), legal.find(Cat(move, " ")) != std::string::npos) << move;
    }
  }
}

TEST_F(Scheduling, OverlapIsRefusedAndTouchingIsNot) {
  Do(Book(Provider(), 1000, 2000, "a"));
  EXPECT_THAT(Book(Provider(), 1500, 2500, "b"), Refuses("PROVIDER_BUSY"));
  EXPECT_THAT(Book(Provider(), 1200, 1300, "b"), Refuses("PROVIDER_BUSY")) << "inside";
  EXPECT_THAT(Book(Provider(), 500, 3000, "b"), Refuses("PROVIDER_BUSY")) << "around";
  EXPECT_THAT(Book(Provider(), 1000, 2000, "b"), Refuses("PROVIDER_BUSY")) << "the same";
  Do(Book(Provider(), 2000, 2500, "after"));
  Do(Book(Provider(), 500, 1000, "before"));
}

TEST_F(Scheduling, PatientIsNotBookedTwiceEvenWithAnotherProvider) {
  Do(Book(Provider(), 1000, 2000, "a"));
  EXPECT_THAT(Book(Provider(), 1999, 2500, "b", kPatient, kSecondProvider), Refuses("PATIENT_BUSY"));
}

TEST_F(Scheduling, BookingKeepsLocationAndReasonAlone) {
  const std::string name = Do(Book(Coordinator(), 1000, 2000, "a"));
  const auto row = state_.Find(kAppointments, name);
  ASSERT_EQ(row->sealed.fields_size(), 1);
  EXPECT_EQ(row->sealed.fields(0).number(), Appointment::kReasonFieldNumber);
  EXPECT_EQ(StateNow(name), Appointment::STATE_BOOKED);
}

TEST_F(Scheduling, IsForStaffOfThePatientWithAnAssignedProvider) {
  EXPECT_EQ(Book(Stranger(), 0, 10, "a").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Book(Foreigner(), 0, 10, "a").status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(Book(Patient(), 0, 10, "a"), Refuses("NOT_CARE_STAFF"));
  EXPECT_THAT(Book(Researcher(), 0, 10, "a"), Refuses("NOT_CARE_STAFF"));
  EXPECT_THAT(Book(Provider(), 0, 10, "a", kPatient, kStranger), Refuses("PROVIDER_NOT_ASSIGNED"));
  EXPECT_THAT(Book(Provider(), 0, 10, "a", "organizations/x/patients/p"), Refuses("BAD_NAME"));
}

TEST_F(Scheduling, NothingNewIsBookedForAnInactivePatientWhoseAppointmentsAreStillMovedAndCancelled) {
  const std::string name = Do(Book(Provider(), 1000, 2000, "a"));
  GivenInactivePatient();
  EXPECT_THAT(Book(Provider(), 3000, 4000, "b"), Refuses("PATIENT_INACTIVE"));
  EXPECT_EQ(Book(Stranger(), 3000, 4000, "b").status().code(), absl::StatusCode::kNotFound);
  Do(Reschedule(Provider(), name, 3000, 4000, "\"1\""));
  Do(Cancel(Provider(), name));
}

TEST_F(Scheduling, IntervalIsPositiveAndAtMostADay) {
  EXPECT_THAT(Book(Provider(), 10, 10, "a"), Refuses("BAD_INTERVAL"));
  EXPECT_THAT(Book(Provider(), 10, 9, "a"), Refuses("BAD_INTERVAL"));
  EXPECT_THAT(Book(Provider(), 0, kMaxAppointmentSeconds + 1, "a"), Refuses("BAD_INTERVAL"));
  EXPECT_THAT(Book(Provider(), 0, int64_t{1} << 50, "a"), Refuses("BAD_TIME"));
  EXPECT_THAT(Book(Provider(), 0, 10, "not legal"), Refuses("BAD_ID"));
  Do(Book(Provider(), 0, kMaxAppointmentSeconds, "a"));
  EXPECT_THAT(Book(Provider(), kMaxAppointmentSeconds, kMaxAppointmentSeconds + 10, "a"), Refuses("NAME_TAKEN"));
}

TEST_F(Scheduling, ReschedulingNeedsTheEtagAndAFreeTimeButNotFreeOfItself) {
  const std::string name = Do(Book(Provider(), 1000, 2000, "a"));
  Do(Book(Provider(), 3000, 4000, "b"));
  EXPECT_THAT(Reschedule(Provider(), name, 1500, 2500, ""), Refuses("ETAG_REQUIRED"));
  EXPECT_THAT(Reschedule(Provider(), name, 1500, 2500, "\"9\""), Refuses("ETAG_MISMATCH"));
  EXPECT_THAT(Reschedule(Provider(), name, 2500, 3001, "\"1\""), Refuses("PROVIDER_BUSY"));
  EXPECT_THAT(Reschedule(Provider(), name, 1500, 3500, "\"1\""), Refuses("PROVIDER_BUSY")) << "over itself and another";
  EXPECT_THAT(Reschedule(Patient(), name, 1500, 2500, "\"1\""), Refuses("NOT_CARE_STAFF"));
  EXPECT_TRUE(Reschedule(Provider(), name, 1000, 2000, "\"1\"")->events.empty());
  Do(Reschedule(Provider(), name, 1500, 2500, "\"1\""));
  Do(Book(Provider(), 1000, 1500, "c"));
  Do(Cancel(Provider(), name));
  EXPECT_THAT(Reschedule(Provider(), name, 9000, 9500, EtagOfRow(kAppointments, name)), Refuses("APPOINTMENT_STATE"));
}

TEST_F(Scheduling, CancelledOrMissedTimeIsFreeAndDoneTimeIsNot) {
  const std::string cancelled = Do(Book(Provider(), 1000, 2000, "a"));
  Do(Cancel(Coordinator(), cancelled));
  EXPECT_TRUE(Cancel(Coordinator(), cancelled)->events.empty());
  const std::string missed = Do(Book(Provider(), 1000, 2000, "b"));
  Do(NoShow(missed));
  const std::string done = Do(Book(Provider(), 1000, 2000, "c"));
  Do(CheckIn(done));
  EXPECT_TRUE(state_.Get<Appointment>(kAppointments, done)->has_arrival_time());
  Do(Complete(done));
  EXPECT_EQ(StateNow(done), Appointment::STATE_FULFILLED);
  EXPECT_THAT(Book(Provider(), 1000, 2000, "d"), Refuses("PROVIDER_BUSY"));
  EXPECT_THAT(Cancel(Provider(), done), Refuses("APPOINTMENT_STATE"));
  EXPECT_THAT(Complete(missed), Refuses("APPOINTMENT_STATE"));
  EXPECT_THAT(Cancel(Patient(), done), Refuses("NOT_CARE_STAFF"));
  EXPECT_EQ(Cancel(Stranger(), done).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(Scheduling, IsSeenByThePatientAndStaffAlone) {
  const std::string name = Do(Book(Provider(), 1000, 2000, "a"));
  const auto sees = [&](const Principal& principal) {
    return MaySeeCare(principal, state_, kAppointments, name, *state_.Find(kAppointments, name));
  };
  for (const auto& principal : {Patient(), Provider(), SecondProvider(), Coordinator()}) EXPECT_TRUE(sees(principal));
  for (const auto& principal : {OtherPatient(), Stranger(), Researcher(), Analyst(), Foreigner()}) {
    EXPECT_FALSE(sees(principal)) << principal.user();
  }
}

// Random bookings, moves and cancellations against a list that is searched whole.
TEST_F(Scheduling, NeverBooksTwiceWhateverTheOrder) {
  struct Taken {
    int64_t start, end;
    std::string patient, provider, name;
  };
  const unsigned seed = 20231114;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  AddPatient("organizations/o/patients/r", "organizations/o/users/rob", {kProvider, kSecondProvider});
  const std::string patients[] = {kPatient, "organizations/o/patients/r"};
  const std::string providers[] = {kProvider, kSecondProvider};
  std::vector<Taken> taken;
  const auto overlaps = [&](const Taken& asked) {
    return std::any_of(taken.begin(), taken.end(), [&](const Taken& t) {
      return t.name != asked.name && t.start < asked.end && asked.start < t.end &&
             (t.patient == asked.patient || t.provider == asked.provider);
    });
  };
  int booked = 0, refused = 0, moved = 0;
  for (int i = 0; i < 3000; ++i) {
    const int64_t start = static_cast<int64_t>(random() % 2000);
    Taken asked{start, start + 1 + static_cast<int64_t>(random() % 60), patients[random() % 2], providers[random() % 2],
                ""};
    const unsigned action = random() % 10;
    if (action < 6 || taken.empty()) {
      const auto decision = Book(Provider(), asked.start, asked.end, Cat("a", i), asked.patient, asked.provider);
      ASSERT_EQ(decision.ok(), !overlaps(asked)) << i;
      if (!decision.ok()) {
        ++refused;
        continue;
      }
      asked.name = Do(decision);
      taken.push_back(asked);
      ++booked;
      continue;
    }
    Taken& chosen = taken[random() % taken.size()];
    if (action < 8) {
      Do(Cancel(Provider(), chosen.name));
      chosen = taken.back();
      taken.pop_back();
      continue;
    }
    Taken next = chosen;
    next.start = asked.start;
    next.end = asked.end;
    const auto decision =
        Reschedule(Provider(), chosen.name, next.start, next.end, EtagOfRow(kAppointments, chosen.name));
    ASSERT_EQ(decision.ok(), !overlaps(next)) << i;
    if (!decision.ok()) continue;
    Do(decision);
    chosen = next;
    ++moved;
  }
  EXPECT_GT(booked, 100);
  EXPECT_GT(refused, 100);
  EXPECT_GT(moved, 10);
}

}  // namespace
}  // namespace trialog::trials
