#include "services/trials/domain/access_care.h"
#include "services/trials/domain/adherence.h"
#include "services/trials/domain/adherence_summary.h"
#include "services/trials/domain/care_testing.h"
#include "services/trials/domain/checks.h"
#include "services/trials/domain/medication_distribution.h"
#include "services/trials/domain/medication_order.h"

namespace trialog::trials {
namespace {

using Order = v1::MedicationOrder;
using Distribution = v1::MedicationDistribution;
using Dose = v1::AdherenceLog;

class Medication : public CareTest {
 protected:
  absl::StatusOr<Decision> Create(Principal principal, const std::string& patient = kPatient,
                                  const std::string& id = "m") {
    v1::CreateMedicationOrderRequest request;
    request.set_parent(patient);
    request.set_medication_order_id(id);
    request.mutable_medication_order()->set_medication_name("Aspirin");
    request.mutable_medication_order()->set_dose("100 mg");
    request.mutable_medication_order()->set_frequency("daily");
    return CreateMedicationOrder(state_, By(principal), request,
                                 Sealed({Order::kInstructionsFieldNumber, Order::kFeedbackFieldNumber}));
  }
  template <typename Request>
  static Request Named(const std::string& name, const std::string& etag = "") {
    Request request;
    request.set_name(name);
    request.set_etag(etag);
    return request;
  }
  absl::StatusOr<Decision> Activate(Principal principal, const std::string& name, const std::string& etag = "") {
    return ActivateMedicationOrder(state_, By(principal), Named<v1::ActivateMedicationOrderRequest>(name, etag), {});
  }
  absl::StatusOr<Decision> Hold(Principal principal, const std::string& name) {
    return HoldMedicationOrder(state_, By(principal), Named<v1::HoldMedicationOrderRequest>(name),
                               Sealed({Order::kStateReasonFieldNumber}));
  }
  absl::StatusOr<Decision> Stop(Principal principal, const std::string& name, const event::v1::SealedPart& sealed) {
    return StopMedicationOrder(state_, By(principal), Named<v1::StopMedicationOrderRequest>(name), sealed);
  }
  absl::StatusOr<Decision> Acknowledge(Principal principal, const std::string& name) {
    return AcknowledgeMedicationOrder(state_, By(principal), Named<v1::AcknowledgeMedicationOrderRequest>(name));
  }
  std::shared_ptr<const Order> TheOrder() { return state_.Get<Order>(kMedicationOrders, order_); }
  std::string ActiveOrder() { return order_ = Do(Create(Provider())), Do(Activate(Provider(), order_)); }

  v1::CreateMedicationDistributionRequest PrepareRequest(const std::string& id = "d") {
    v1::CreateMedicationDistributionRequest request;
    request.set_parent(kPatient);
    request.set_medication_distribution_id(id);
    auto& distribution = *request.mutable_medication_distribution();
    distribution.set_medication_name("Aspirin");
    distribution.mutable_distribution_date()->set_year(2023);
    distribution.mutable_distribution_date()->set_month(11);
    distribution.mutable_distribution_date()->set_day(14);
    distribution.mutable_quantity()->set_units(30);
    distribution.mutable_quantity()->set_unit("{tbl}");
    distribution.mutable_units_per_dose()->set_units(1);
    distribution.set_doses_per_day(1);
    return request;
  }
  absl::StatusOr<Decision> Prepare(Principal principal, const v1::CreateMedicationDistributionRequest& request) {
    return CreateMedicationDistribution(state_, By(principal), request, {});
  }
  absl::StatusOr<Decision> Finalize(Principal principal, const std::string& name) {
    return FinalizeMedicationDistribution(state_, By(principal),
                                          Named<v1::FinalizeMedicationDistributionRequest>(name));
  }
  absl::StatusOr<Decision> AcknowledgeDistribution(Principal principal, const std::string& name) {
    return AcknowledgeMedicationDistribution(state_, By(principal),
                                             Named<v1::AcknowledgeMedicationDistributionRequest>(name));
  }
  absl::StatusOr<Decision> Return(Principal principal, const std::string& name, int64_t units,
                                  const std::string& unit = "{tbl}") {
    auto request = Named<v1::ReturnMedicationDistributionRequest>(name);
    request.mutable_returned_quantity()->set_units(units);
    request.mutable_returned_quantity()->set_unit(unit);
    return ReturnMedicationDistribution(state_, By(principal), request, {});
  }
  std::string Finalized() { return Do(Finalize(Provider(), Do(Prepare(Provider(), PrepareRequest())))); }
  Distribution::State StateOfDistribution(const std::string& name) {
    return state_.Get<Distribution>(kMedicationDistributions, name)->state();
  }

  v1::LogAdherenceRequest DoseRequest(const std::string& distribution, const std::string& id = "a") {
    v1::LogAdherenceRequest request;
    request.set_parent(kPatient);
    request.set_adherence_log_id(id);
    request.mutable_adherence_log()->set_distribution(distribution);
    *request.mutable_adherence_log()->mutable_planned_time() = At(kNow - 7200);
    *request.mutable_adherence_log()->mutable_track_time() = At(kNow - 7200 + 600);
    return request;
  }
  absl::StatusOr<Decision> Log(Principal principal, const v1::LogAdherenceRequest& request) {
    return LogAdherence(state_, By(principal), request, {});
  }

  std::string order_;
};

TEST_F(Medication, OrderIsWrittenAsADraftWithItsInstructionsAlone) {
  order_ = Do(Create(Provider()));
  EXPECT_EQ(order_, "organizations/o/patients/p/medicationOrders/m");
  EXPECT_EQ(TheOrder()->state(), Order::STATE_DRAFT);
  EXPECT_EQ(TheOrder()->prescriber(), kProvider);
  const auto row = state_.Find(kMedicationOrders, order_);
  ASSERT_EQ(row->sealed.fields_size(), 1);
  EXPECT_EQ(row->sealed.fields(0).number(), Order::kInstructionsFieldNumber);
}

TEST_F(Medication, OrderIsWrittenOnlyByAnAssignedProvider) {
  EXPECT_EQ(Create(Stranger()).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Create(Foreigner()).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Create(Provider(), "organizations/o/patients/none").status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(Create(Patient()), Refuses("NOT_ASSIGNED_PROVIDER"));
  EXPECT_THAT(Create(Researcher()), Refuses("NOT_ASSIGNED_PROVIDER"));
}

TEST_F(Medication, OrderNeedsALegalFreeIdAndContent) {
  EXPECT_THAT(Create(Provider(), kPatient, "a b"), Refuses("BAD_ID"));
  Do(Create(Provider()));
  EXPECT_THAT(Create(Provider()), Refuses("NAME_TAKEN"));
  v1::CreateMedicationOrderRequest empty;
  empty.set_parent(kPatient);
  empty.set_medication_order_id("n");
  EXPECT_THAT(CreateMedicationOrder(state_, By(Provider()), empty, {}), Refuses("REQUIRED"));
  empty.mutable_medication_order()->set_medication_name(std::string(201, 'x'));
  EXPECT_THAT(CreateMedicationOrder(state_, By(Provider()), empty, {}), Refuses("TOO_LONG"));
}

TEST_F(Medication, NothingNewIsOrderedOrPreparedForAnInactivePatient) {
  GivenInactivePatient();
  EXPECT_THAT(Create(Provider()), Refuses("PATIENT_INACTIVE"));
  EXPECT_THAT(Prepare(Provider(), PrepareRequest()), Refuses("PATIENT_INACTIVE"));
}

TEST_F(Medication, OrderIsActivatedHeldResumedAndStopped) {
  ActiveOrder();
  EXPECT_EQ(TheOrder()->state(), Order::STATE_ACTIVE);
  EXPECT_EQ(TheOrder()->activate_time().seconds(), kNow);
  now_ += 60;
  Do(Hold(Provider(), order_));
  EXPECT_EQ(TheOrder()->state(), Order::STATE_ON_HOLD);
  Do(Activate(Provider(), order_));
  EXPECT_EQ(TheOrder()->activate_time().seconds(), kNow) << "the first activation counts";
  Do(Stop(Provider(), order_, Sealed({Order::kStateReasonFieldNumber})));
  EXPECT_EQ(TheOrder()->state(), Order::STATE_STOPPED);
  EXPECT_THAT(Activate(Provider(), order_), Refuses("MEDICATION_ORDER_STATE"));
}

TEST_F(Medication, ReasonOfAMoveDoesNotStayForTheNext) {
  ActiveOrder();
  Do(Hold(Provider(), order_));
  EXPECT_EQ(state_.Find(kMedicationOrders, order_)->sealed.fields_size(), 2);
  Do(Activate(Provider(), order_));
  EXPECT_EQ(state_.Find(kMedicationOrders, order_)->sealed.fields_size(), 1) << "only the instructions";
}

TEST_F(Medication, MoveToWhereTheOrderStandsDecidesNothing) {
  ActiveOrder();
  EXPECT_TRUE(Activate(Provider(), order_)->events.empty());
  EXPECT_EQ(Activate(Provider(), order_)->names.front(), order_);
}

TEST_F(Medication, StopNeedsAReason) {
  ActiveOrder();
  EXPECT_THAT(Stop(Provider(), order_, {}), Refuses("REQUIRED"));
}

TEST_F(Medication, StaleEtagIsRefused) {
  order_ = Do(Create(Provider()));
  EXPECT_THAT(Activate(Provider(), order_, "\"7\""), Refuses("ETAG_MISMATCH"));
  Do(Activate(Provider(), order_, "\"1\""));
}

TEST_F(Medication, OrderIsMovedOnlyByItsProvider) {
  ActiveOrder();
  EXPECT_THAT(Hold(Patient(), order_), Refuses("NOT_ASSIGNED_PROVIDER"));
  EXPECT_EQ(Hold(Stranger(), order_).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Hold(Provider(), order_ + "x").status().code(), absl::StatusCode::kNotFound);
  const absl::Status hidden = Hold(Stranger(), order_).status(), none = Hold(Stranger(), order_ + "x").status();
  EXPECT_TRUE(IsRefusal(hidden) && !IsRefusal(none));
  EXPECT_EQ(WithoutMark(hidden), none) << "no hint of existence";
}

TEST_F(Medication, OrderIsAcknowledgedOnceAndByThePatientAlone) {
  order_ = Do(Create(Provider()));
  EXPECT_EQ(Acknowledge(Patient(), order_).status().code(), absl::StatusCode::kNotFound) << "a draft is not shown";
  Do(Activate(Provider(), order_));
  EXPECT_THAT(Acknowledge(Provider(), order_), Refuses("NOT_THE_PATIENT"));
  EXPECT_EQ(Acknowledge(OtherPatient(), order_).status().code(), absl::StatusCode::kNotFound);
  now_ += 5;
  Do(Acknowledge(Patient(), order_));
  EXPECT_EQ(TheOrder()->acknowledge_time().seconds(), kNow + 5);
  EXPECT_EQ(TheOrder()->state(), Order::STATE_ACTIVE);
  EXPECT_TRUE(Acknowledge(Patient(), order_)->events.empty());
}

TEST_F(Medication, StoppedOrderIsNotAcknowledged) {
  ActiveOrder();
  Do(Stop(Provider(), order_, Sealed({Order::kStateReasonFieldNumber})));
  EXPECT_THAT(Acknowledge(Patient(), order_), Refuses("MEDICATION_ORDER_STATE"));
}

TEST_F(Medication, LatestOrderComesFirst) {
  Do(Create(Provider(), kPatient, "first"));
  now_ += 1;
  Do(Create(Provider(), kPatient, "second"));
  const auto found = state_.Scan(kMedicationOrdersByPatient, view::GroupPrefix(kPatient), 1);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(IdOf(found[0].name), "second");
}

TEST(MedicationOrderMoves, AreThoseOfTheTableAndNoOthers) {
  const std::string legal =
      "DRAFT>ACTIVE DRAFT>CANCELLED ACTIVE>ON_HOLD ON_HOLD>ACTIVE ACTIVE>COMPLETED ACTIVE>STOPPED ON_HOLD>COMPLETED "
      "ON_HOLD>STOPPED DRAFT>ENTERED_IN_ERROR ACTIVE>ENTERED_IN_ERROR ON_HOLD>ENTERED_IN_ERROR "
      "COMPLETED>ENTERED_IN_ERROR STOPPED>ENTERED_IN_ERROR CANCELLED>ENTERED_IN_ERROR ";
  for (int from = 0; from < Order::State_ARRAYSIZE; ++from) {
    for (int to = 0; to < Order::State_ARRAYSIZE; ++to) {
      const auto a = static_cast<Order::State>(from), b = static_cast<Order::State>(to);
      const std::string move = Cat(Order::State_Name(a).substr(6), ">", Order::State_Name(b).substr(6), " ");
      EXPECT_EQ(MayMove(a, b), Cat(" ", legal).find(Cat(" ", move)) != std::string::npos) << move;
    }
  }
}

TEST(MedicationDistributionMoves, AreThoseOfTheTableAndNoOthers) {
  const std::string legal =
      " PREPARED>FINALIZED PREPARED>CANCELLED FINALIZED>ACKNOWLEDGED FINALIZED>RETURNED ACKNOWLEDGED>RETURNED ";
  for (int from = 0; from < Distribution::State_ARRAYSIZE; ++from) {
    for (int to = 0; to < Distribution::State_ARRAYSIZE; ++to) {
      const auto a = static_cast<Distribution::State>(from), b = static_cast<Distribution::State>(to);
      const std::string move =
          Cat(" ", Distribution::State_Name(a).substr(6), ">", Distribution::State_Name(b).substr(6));
      EXPECT_EQ(MayMove(a, b), legal.find(Cat(move, " ")) != std::string::npos) << move;
    }
  }
}

TEST_F(Medication, DistributionIsPreparedFinalizedAcknowledgedAndReturned) {
  const std::string name = Finalized();
  EXPECT_EQ(StateOfDistribution(name), Distribution::STATE_FINALIZED);
  EXPECT_TRUE(Finalize(Provider(), name)->events.empty());
  Do(AcknowledgeDistribution(Patient(), name));
  EXPECT_EQ(StateOfDistribution(name), Distribution::STATE_ACKNOWLEDGED);
  EXPECT_TRUE(AcknowledgeDistribution(Patient(), name)->events.empty());
  Do(Return(Provider(), name, 4));
  EXPECT_EQ(StateOfDistribution(name), Distribution::STATE_RETURNED);
  EXPECT_THAT(AcknowledgeDistribution(Patient(), name), Refuses("MEDICATION_DISTRIBUTION_STATE"));
}

TEST_F(Medication, DistributionIsPreparedAndFinalizedOnlyByAProviderAndAcknowledgedOnlyByThePatient) {
  EXPECT_EQ(Prepare(Stranger(), PrepareRequest()).status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(Prepare(Patient(), PrepareRequest()), Refuses("NOT_ASSIGNED_PROVIDER"));
  const std::string name = Do(Prepare(Provider(), PrepareRequest()));
  EXPECT_EQ(AcknowledgeDistribution(Patient(), name).status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(AcknowledgeDistribution(Provider(), name), Refuses("NOT_THE_PATIENT"));
  Do(Finalize(SecondProvider(), name));
  EXPECT_THAT(Finalize(Patient(), name), Refuses("NOT_ASSIGNED_PROVIDER"));
  EXPECT_THAT(Return(Patient(), name, 1), Refuses("NOT_ASSIGNED_PROVIDER"));
}

TEST_F(Medication, DistributionServesAnActiveOrderOfThePatient) {
  auto request = PrepareRequest();
  request.mutable_medication_distribution()->set_medication_order("organizations/o/patients/p/medicationOrders/none");
  EXPECT_THAT(Prepare(Provider(), request), Refuses("BAD_ORDER"));
  order_ = Do(Create(Provider()));
  request.mutable_medication_distribution()->set_medication_order(order_);
  const std::string name = Do(Prepare(Provider(), request));
  EXPECT_THAT(Finalize(Provider(), name), Refuses("MEDICATION_ORDER_STATE"));
  Do(Activate(Provider(), order_));
  Do(Finalize(Provider(), name));
}

TEST_F(Medication, DistributionWithAnImpossiblePlanIsRefused) {
  const auto refused = [&](auto change, const char* reason) {
    auto request = PrepareRequest();
    change(*request.mutable_medication_distribution());
    EXPECT_THAT(Prepare(Provider(), request), Refuses(reason));
  };
  refused([](Distribution& d) { d.clear_medication_name(); }, "REQUIRED");
  refused([](Distribution& d) { d.mutable_distribution_date()->set_day(31); }, "BAD_DATE");
  refused([](Distribution& d) { d.clear_distribution_date(); }, "BAD_DATE");
  refused([](Distribution& d) { d.mutable_quantity()->set_units(-1); }, "BAD_QUANTITY");
  refused([](Distribution& d) { d.mutable_quantity()->set_scale(10); }, "BAD_QUANTITY");
  refused([](Distribution& d) { d.mutable_units_per_dose()->set_units(0); }, "BAD_QUANTITY");
  refused([](Distribution& d) { d.clear_quantity(); }, "BAD_QUANTITY");
  refused([](Distribution& d) { d.set_doses_per_day(25); }, "OUT_OF_RANGE");
  refused([](Distribution& d) { d.mutable_dose_tolerance()->set_seconds(-1); }, "OUT_OF_RANGE");
}

TEST_F(Medication, NoMoreComesBackThanWasHandedOut) {
  const std::string name = Finalized();
  EXPECT_THAT(Return(Provider(), name, 31), Refuses("BAD_QUANTITY"));
  EXPECT_THAT(Return(Provider(), name, -1), Refuses("BAD_QUANTITY"));
  EXPECT_THAT(Return(Provider(), name, 1, "mL"), Refuses("BAD_QUANTITY"));
  Do(Return(Provider(), name, 30));
}

TEST_F(Medication, DoseWithinTheToleranceIsOnTimeAndBeyondItLate) {
  const std::string distribution = Finalized();
  Do(Log(Patient(), DoseRequest(distribution, "on-time")));
  auto late = DoseRequest(distribution, "late");
  *late.mutable_adherence_log()->mutable_planned_time() = At(kNow - 9000);
  *late.mutable_adherence_log()->mutable_track_time() = At(kNow - 9000 + 3601);
  Do(Log(Patient(), late));
  auto extra = DoseRequest(distribution, "extra");
  extra.mutable_adherence_log()->clear_planned_time();
  Do(Log(Patient(), extra));
  auto missed = DoseRequest(distribution, "missed");
  *missed.mutable_adherence_log()->mutable_planned_time() = At(kNow - 100);
  missed.mutable_adherence_log()->set_adherence_state(Dose::ADHERENCE_STATE_MISSED);
  Do(Log(Patient(), missed));
  const auto state = [&](const std::string& id) {
    return state_.Get<Dose>(kAdherenceLogs, std::string(kPatient) + "/adherenceLogs/" + id)->adherence_state();
  };
  EXPECT_EQ(state("on-time"), Dose::ADHERENCE_STATE_ON_TIME);
  EXPECT_EQ(state("late"), Dose::ADHERENCE_STATE_LATE);
  EXPECT_EQ(state("extra"), Dose::ADHERENCE_STATE_EXTRA);
  EXPECT_EQ(state("missed"), Dose::ADHERENCE_STATE_MISSED);
}

TEST_F(Medication, DoseIsLoggedOnceAndOnlyFromAnAvailableDistribution) {
  const std::string prepared = Do(Prepare(Provider(), PrepareRequest()));
  EXPECT_THAT(Log(Patient(), DoseRequest(prepared)), Refuses("BAD_DISTRIBUTION")) << "not shown to the patient";
  EXPECT_THAT(Log(Provider(), DoseRequest(prepared)), Refuses("NOT_THE_PATIENT"));
  Do(Finalize(Provider(), prepared));
  Do(Log(Patient(), DoseRequest(prepared)));
  EXPECT_THAT(Log(Patient(), DoseRequest(prepared)), Refuses("NAME_TAKEN"));
  EXPECT_THAT(Log(Patient(), DoseRequest(prepared, "b")), Refuses("DOSE_ALREADY_LOGGED"));
  EXPECT_EQ(Log(OtherPatient(), DoseRequest(prepared, "b")).status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(Log(Researcher(), DoseRequest(prepared, "b")), Refuses("NOT_THE_PATIENT"));
}

TEST_F(Medication, AClinicianWhoIsTheirOwnPatientLogsOnlyWhatIsFinalized) {
  const std::string self = "organizations/o/patients/self";
  AddPatient(self, kProvider, {kProvider});
  Principal both = Provider();
  both.grants.push_back({ROLE_PARTICIPANT, std::string(kOrganization)});
  auto prepare = PrepareRequest();
  prepare.set_parent(self);
  auto dose = DoseRequest(Do(Prepare(both, prepare)));
  dose.set_parent(self);
  EXPECT_THAT(Log(both, dose), Refuses("DISTRIBUTION_NOT_AVAILABLE"));
  Do(Finalize(both, dose.adherence_log().distribution()));
  Do(Log(both, dose));
}

TEST_F(Medication, DoseWithImpossibleTimesIsRefused) {
  const std::string distribution = Finalized();
  const auto refused = [&](auto change, const char* reason) {
    auto request = DoseRequest(distribution);
    change(*request.mutable_adherence_log());
    EXPECT_THAT(Log(Patient(), request), Refuses(reason));
  };
  refused([](Dose& d) { d.clear_track_time(); }, "REQUIRED");
  refused([](Dose& d) { *d.mutable_track_time() = At(kNow + 301); }, "IN_FUTURE");
  refused([](Dose& d) { d.mutable_track_time()->set_nanos(1); }, "BAD_TIME");
  refused([](Dose& d) { d.mutable_planned_time()->set_nanos(-1); }, "BAD_TIME");
  refused([](Dose& d) { d.set_utc_offset_minutes(841); }, "OUT_OF_RANGE");
  refused([](Dose& d) { d.set_adherence_state(Dose::ADHERENCE_STATE_LATE); }, "CONTRADICTS_TIMES");
  refused(
      [](Dose& d) {
        d.set_adherence_state(Dose::ADHERENCE_STATE_MISSED);
        d.clear_planned_time();
      },
      "REQUIRED");
}

TEST_F(Medication, ProtocolAdherenceIsOneRecordAProtocolWhoseVersionsAreItsCourse) {
  v1::RecordProtocolAdherenceRequest request;
  request.set_parent(kPatient);
  request.set_protocol_id("DASH-7");
  request.set_adherence_state(v1::ProtocolAdherence::ADHERENCE_STATE_ADHERENT);
  *request.mutable_track_time() = At(kNow - 10);
  const std::string name = Do(RecordProtocolAdherence(state_, By(Patient()), request));
  EXPECT_EQ(name, "organizations/o/patients/p/protocolAdherences/DASH-7");
  EXPECT_TRUE(RecordProtocolAdherence(state_, By(Patient()), request)->events.empty());
  request.set_adherence_state(v1::ProtocolAdherence::ADHERENCE_STATE_NON_ADHERENT);
  EXPECT_THAT(RecordProtocolAdherence(state_, By(Provider()), request), Refuses("NOT_THE_PATIENT"));
  Do(RecordProtocolAdherence(state_, By(Patient()), request));
  const auto row = state_.Find(kProtocolAdherences, name);
  EXPECT_EQ(row->meta.version(), 2u);
  EXPECT_EQ(row->As<v1::ProtocolAdherence>().recorder(), Patient().user());
  EXPECT_EQ(state_.Count(kProtocolAdherencesByPatient, kPatient), 1);

  request.set_etag("\"1\"");
  EXPECT_THAT(RecordProtocolAdherence(state_, By(Patient()), request), Refuses("ETAG_MISMATCH"));
  request.set_protocol_id("a b");
  EXPECT_THAT(RecordProtocolAdherence(state_, By(Patient()), request), Refuses("BAD_ID"));
  request.set_protocol_id("x");
  request.clear_adherence_state();
  EXPECT_THAT(RecordProtocolAdherence(state_, By(Patient()), request), Refuses("REQUIRED"));
  request.set_adherence_state(v1::ProtocolAdherence::ADHERENCE_STATE_ADHERENT);
  *request.mutable_track_time() = At(kNow + 1000);
  EXPECT_THAT(RecordProtocolAdherence(state_, By(Patient()), request), Refuses("IN_FUTURE"));
  EXPECT_EQ(RecordProtocolAdherence(state_, By(Stranger()), request).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(Medication, FeedbackIsGivenByAProviderOnOrdersDosesAndProtocols) {
  ActiveOrder();
  const std::string dose = Do(Log(Patient(), DoseRequest(Finalized())));
  for (const std::string& name : {order_, dose}) {
    v1::AddFeedbackRequest request;
    request.set_name(name);
    const view::Table& table = *FeedbackTable(name);
    const auto sealed = Sealed({FeedbackFieldNumber(table)});
    EXPECT_THAT(AddFeedback(state_, By(Provider()), request, {}), Refuses("REQUIRED"));
    EXPECT_THAT(AddFeedback(state_, By(Patient()), request, sealed), Refuses("NOT_ASSIGNED_PROVIDER"));
    EXPECT_EQ(AddFeedback(state_, By(Stranger()), request, sealed).status().code(), absl::StatusCode::kNotFound);
    Do(AddFeedback(state_, By(Provider()), request, sealed));
    const auto sealed_now = state_.Find(table, name)->sealed;
    EXPECT_TRUE(HasPersonal(sealed_now, FeedbackFieldNumber(table)));
  }
  EXPECT_EQ(TheOrder()->feedback_provider(), kProvider);
  v1::AddFeedbackRequest elsewhere;
  elsewhere.set_name(kPatient);
  EXPECT_THAT(AddFeedback(state_, By(Provider()), elsewhere, {}), Refuses("BAD_NAME"));
}

TEST_F(Medication, AdherenceSummaryReadsSuppliesAndDosesForPatientAndProvider) {
  const std::string distribution = Finalized();
  Do(Log(Patient(), DoseRequest(distribution)));
  Do(Prepare(Provider(), PrepareRequest("not-finalized")));
  v1::GetAdherenceSummaryRequest request;
  request.set_parent(kPatient);
  request.mutable_end_date()->set_year(2023);
  request.mutable_end_date()->set_month(12);
  request.mutable_end_date()->set_day(24);
  for (const auto& principal : {Patient(), Provider()}) {
    const auto summary = GetAdherenceSummary(state_, principal, request);
    ASSERT_TRUE(summary.ok()) << summary.status().ToString();
    EXPECT_EQ(summary->period_days(), 40);
    EXPECT_EQ(summary->covered_days(), 30);
    EXPECT_EQ(summary->proportion_of_days_covered().units(), 7500);
    ASSERT_EQ(summary->medications_size(), 1);
    EXPECT_EQ(summary->medications(0).on_time_doses(), 1);
    EXPECT_EQ(summary->medications(0).dose_log_rate().units(), 250);
  }
  EXPECT_EQ(GetAdherenceSummary(state_, Stranger(), request).status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(GetAdherenceSummary(state_, Researcher(), request), Refuses("NOT_PATIENT_OR_PROVIDER"));
  *request.mutable_start_date() = request.end_date();
  EXPECT_THAT(GetAdherenceSummary(state_, Patient(), request), Refuses("BAD_PERIOD"));
  request.mutable_start_date()->set_year(2000);
  EXPECT_THAT(GetAdherenceSummary(state_, Patient(), request), Refuses("BAD_PERIOD"));
  request.clear_end_date();
  EXPECT_THAT(GetAdherenceSummary(state_, Patient(), request), Refuses("BAD_PERIOD"));
}

TEST_F(Medication, IsSeenByThePatientAndAssignedProvidersAlone) {
  order_ = Do(Create(Provider()));
  const auto sees = [&](const Principal& principal) {
    return MaySeeCare(principal, state_, kMedicationOrders, order_, *state_.Find(kMedicationOrders, order_));
  };
  EXPECT_FALSE(sees(Patient())) << "a draft";
  Do(Activate(Provider(), order_));
  EXPECT_TRUE(sees(Patient()));
  EXPECT_TRUE(sees(Provider()));
  EXPECT_TRUE(sees(SecondProvider()));
  for (const auto& principal : {OtherPatient(), Stranger(), Coordinator(), Researcher(), Analyst(), Foreigner(),
                                Person(kProvider, ROLE_ANALYST), Person(kPatientUser, ROLE_PROVIDER), Principal()}) {
    EXPECT_FALSE(sees(principal)) << principal.user();
  }
}

}  // namespace
}  // namespace trialog::trials
