// A small made-up organization for the tests of this folder: people with their grants, and a state that decisions run
// on.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/command/decision.h"
#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/trials/domain/data_capture.h"
#include "services/trials/domain/enrollment.h"
#include "services/trials/domain/etag.h"
#include "services/trials/domain/evolve.h"
#include "services/trials/domain/patient.h"
#include "services/trials/domain/researcher.h"
#include "services/trials/domain/tables_clinical.h"
#include "services/trials/domain/trial.h"
#include "services/trials/domain/trial_moves.h"

namespace trialog::trials {

inline constexpr char kOrg[] = "organizations/o";
inline constexpr char kClinic[] = "organizations/o/sites/north";

MATCHER_P(Refuses, reason, "is refused with " + std::string(reason)) {
  if (arg.ok()) {
    *result_listener << "was accepted";
    return false;
  }
  *result_listener << arg.status();
  return ReasonOf(arg.status()) == reason;
}

inline std::string User(std::string_view id) { return Cat(kOrg, "/users/", id); }

inline Principal Person(std::string_view id, std::vector<Grant> grants) {
  Principal principal;
  principal.caller.set_kind(event::v1::Caller::KIND_USER);
  principal.caller.set_name(User(id));
  principal.organization = "o";
  principal.grants = std::move(grants);
  return principal;
}

// A sealed part as the platform makes it, with these fields set; the bytes stand for ciphertext.
inline event::v1::SealedPart SealedWith(std::initializer_list<int> fields, std::string_view mrn_mac = {}) {
  event::v1::SealedPart part;
  for (const int number : fields) {
    auto* field = part.add_fields();
    field->set_number(number);
    field->mutable_value()->set_ciphertext(Cat("sealed ", number));
  }
  if (!mrn_mac.empty()) {
    auto* key = part.add_keys();
    key->set_index(std::string(kMrnLookup));
    key->set_mac(std::string(mrn_mac));
  }
  return part;
}

class ClinicalWorld : public testing::Test {
 protected:
  Principal provider = Person("provider", {{ROLE_PROVIDER, kOrg}});
  Principal other_provider = Person("other-provider", {{ROLE_PROVIDER, kOrg}});
  Principal coordinator = Person("coordinator", {{ROLE_COORDINATOR, kClinic}});
  Principal other_coordinator = Person("other-coordinator", {{ROLE_COORDINATOR, "organizations/o/sites/south"}});
  Principal investigator = Person("investigator", {{ROLE_INVESTIGATOR, kClinic}});
  Principal researcher = Person("researcher", {{ROLE_TRIAL_RESEARCHER, kOrg}});
  Principal second_researcher = Person("second-researcher", {{ROLE_TRIAL_RESEARCHER, kOrg}});
  Principal data_manager = Person("data-manager", {{ROLE_DATA_MANAGER, kOrg}});
  Principal monitor = Person("monitor", {{ROLE_MONITOR, kClinic}});
  Principal custodian = Person("custodian", {{ROLE_DATA_CUSTODIAN, kOrg}});
  Principal administrator = Person("administrator", {{ROLE_SYSTEM_ADMINISTRATOR, kOrg}});
  Principal participant = Person("participant", {{ROLE_PARTICIPANT, kOrg}});
  Principal other_participant = Person("other-participant", {{ROLE_PARTICIPANT, kOrg}});

  const std::string patient = Cat(kOrg, "/patients/p");
  const std::string other_patient = Cat(kOrg, "/patients/q");
  const std::string trial = Cat(kOrg, "/trials/t");
  const std::string subject = trial + "/subjects/s";
  const std::string capture = trial + "/dataCaptures/d";
  view::ChangeSet state{view::EmptyState()};

  Context By(const Principal& who) {
    Context context;
    context.principal = who;
    context.organization = "o";
    context.record_time.set_seconds(1'700'000'000 + ++commands_);
    context.command_id = Cat("command ", commands_);
    context.command_id.resize(16);
    return context;
  }

  template <typename Request>
  using Decider = absl::StatusOr<Decision> (*)(const view::State&, const Context&, const Request&,
                                               const event::v1::SealedPart&);

  // Decides, and folds what was decided.
  template <typename Request>
  absl::StatusOr<Decision> Do(const Principal& who, Decider<Request> decide, const Request& request,
                              const event::v1::SealedPart& sealed = {}) {
    const Context context = By(who);
    auto decision = decide(state, context, request, sealed);
    if (decision.ok()) Apply(TrialsDomain(), context, *decision, state);
    return decision;
  }

  // The same for commands that only name a record, with a reason in `sealed` where one is due.
  template <typename Request>
  absl::StatusOr<Decision> Move(const Principal& who, Decider<Request> decide, std::string_view name,
                                const event::v1::SealedPart& sealed = {}) {
    Request request;
    request.set_name(std::string(name));
    return Do(who, decide, request, sealed);
  }

  template <typename Resource>
  Resource Now(const view::Table& table, std::string_view name) const {
    const auto resource = state.Get<Resource>(table, name);
    return resource ? *resource : Resource();
  }
  std::string Etag(const view::Table& table, std::string_view name) const { return EtagOf(*state.Find(table, name)); }

  static event::v1::SealedPart PatientPart(std::string_view mac) {
    return SealedWith({v1::Patient::kMedicalRecordNumberFieldNumber, v1::Patient::kDisplayNameFieldNumber}, mac);
  }
  static event::v1::SealedPart TrialReason() { return SealedWith({v1::Trial::kStateReasonFieldNumber}); }
  static event::v1::SealedPart SubjectReason() { return SealedWith({v1::Subject::kStateReasonFieldNumber}); }
  static event::v1::SealedPart Values() { return SealedWith({v1::DataCapture::kDataValueFieldNumber}); }
  static event::v1::SealedPart ValuesWithReason() {
    return SealedWith({v1::DataCapture::kDataValueFieldNumber, v1::DataCapture::kAmendReasonFieldNumber});
  }

  static v1::CreatePatientRequest NewPatient(std::string_view id, std::string_view user = {}) {
    v1::CreatePatientRequest request;
    request.set_parent(kOrg);
    request.set_patient_id(std::string(id));
    request.mutable_patient()->set_primary_clinic(kClinic);
    if (!user.empty()) request.mutable_patient()->set_user(User(user));
    return request;
  }
  static v1::CreateTrialRequest NewTrial(std::string_view id = "t") {
    v1::CreateTrialRequest request;
    request.set_parent(kOrg);
    request.set_trial_id(std::string(id));
    request.mutable_trial()->set_title("Lung");
    request.mutable_trial()->set_description("A study of the lung");
    request.mutable_trial()->set_study_type(v1::STUDY_TYPE_OBSERVATIONAL);
    return request;
  }
  v1::EnrollSubjectRequest Enrollment(std::string_view id = "s") const {
    v1::EnrollSubjectRequest request;
    request.set_parent(trial);
    request.set_subject_id(std::string(id));
    request.mutable_subject()->set_patient(patient);
    auto& consent = *request.mutable_subject()->mutable_consent();
    consent.set_state(v1::CONSENT_STATE_GIVEN);
    consent.set_form_version("1.0");
    consent.add_tiers()->set_tier("genetics");
    consent.mutable_tiers(0)->set_granted(true);
    return request;
  }
  v1::CreateDataCaptureRequest NewCapture(std::string_view id = "d", bool submit = false) const {
    v1::CreateDataCaptureRequest request;
    request.set_parent(trial);
    request.set_data_capture_id(std::string(id));
    request.mutable_data_capture()->set_subject(subject);
    request.set_submit(submit);
    return request;
  }

  void GivenPatient() {
    ASSERT_TRUE(Do(provider, CreatePatient, NewPatient("p", "participant"), PatientPart("mac p")).ok());
  }
  void GivenTrial() { ASSERT_TRUE(Do(researcher, CreateTrial, NewTrial()).ok()); }
  void GivenActiveTrial() {
    GivenTrial();
    ASSERT_TRUE(Move(researcher, SubmitTrial, trial).ok());
    ASSERT_TRUE(Move(second_researcher, ApproveTrial, trial).ok());
    ASSERT_TRUE(Move(researcher, ActivateTrial, trial).ok());
  }
  void GivenSubject() {
    GivenPatient();
    GivenActiveTrial();
    ASSERT_TRUE(Do(provider, EnrollSubject, Enrollment()).ok());
  }
  void GivenCapture(bool submit = true) {
    GivenSubject();
    ASSERT_TRUE(Do(provider, CreateDataCapture, NewCapture("d", submit), Values()).ok());
  }
  void GivenFinalCapture() {
    GivenCapture();
    ASSERT_TRUE(Move(provider, FinalizeDataCapture, capture).ok());
  }

 private:
  int commands_ = 0;
};

}  // namespace trialog::trials
