// A small clinic for the tests of medication, messages, appointments and notices: one organization with two patients,
// the provider of one of them, a researcher of a trial that the same one is in, and people without any relation.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/command/decision.h"
#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/trials/domain/etag.h"
#include "services/trials/domain/evolve.h"
#include "services/trials/domain/tables_care.h"
#include "services/trials/domain/tables_clinical.h"
#include "trialog/trials/v1/events.pb.h"

namespace trialog::trials {

inline constexpr std::string_view kOrganization = "organizations/o";
inline constexpr char kPatient[] = "organizations/o/patients/p";
inline constexpr char kOtherPatient[] = "organizations/o/patients/q";
inline constexpr char kPatientUser[] = "organizations/o/users/pat";
inline constexpr char kOtherPatientUser[] = "organizations/o/users/quinn";
inline constexpr char kProvider[] = "organizations/o/users/prov";
inline constexpr char kSecondProvider[] = "organizations/o/users/second";
inline constexpr char kStranger[] = "organizations/o/users/stranger";
inline constexpr char kResearcher[] = "organizations/o/users/res";
inline constexpr char kAnalyst[] = "organizations/o/users/ana";
inline constexpr int64_t kNow = 1'700'000'000;

inline google::protobuf::Timestamp At(int64_t seconds) {
  google::protobuf::Timestamp time;
  time.set_seconds(seconds);
  return time;
}

inline Principal Person(std::string_view user, Role role, std::string_view organization = "o") {
  Principal principal;
  principal.caller.set_kind(event::v1::Caller::KIND_USER);
  principal.caller.set_name(std::string(user));
  principal.organization = std::string(organization);
  principal.grants.push_back({role, Cat("organizations/", organization)});
  return principal;
}

inline Principal Patient() { return Person(kPatientUser, ROLE_PARTICIPANT); }
inline Principal OtherPatient() { return Person(kOtherPatientUser, ROLE_PARTICIPANT); }
inline Principal Provider() { return Person(kProvider, ROLE_PROVIDER); }
inline Principal SecondProvider() { return Person(kSecondProvider, ROLE_PROVIDER); }
inline Principal Stranger() { return Person(kStranger, ROLE_PROVIDER); }
inline Principal Coordinator() { return Person("organizations/o/users/crc", ROLE_COORDINATOR); }
inline Principal Researcher() { return Person(kResearcher, ROLE_TRIAL_RESEARCHER); }
inline Principal Analyst() { return Person(kAnalyst, ROLE_ANALYST); }
inline Principal Foreigner() { return Person("organizations/x/users/prov", ROLE_PROVIDER, "x"); }

// Stands for an encrypted value of the field.
inline event::v1::SealedPart Sealed(std::initializer_list<int32_t> field_numbers) {
  event::v1::SealedPart part;
  for (const int32_t number : field_numbers) {
    auto* field = part.add_fields();
    field->set_number(number);
    field->mutable_value()->set_ciphertext(Cat("ciphertext ", number));
  }
  return part;
}

// A status or a StatusOr refused with this reason.
MATCHER_P(Refuses, reason, "") {
  if (arg.ok()) {
    *result_listener << "which is OK";
    return false;
  }
  const absl::Status status = [&] {
    if constexpr (std::is_same_v<std::decay_t<decltype(arg)>, absl::Status>) {
      return arg;
    } else {
      return arg.status();
    }
  }();
  *result_listener << status.ToString();
  return ReasonOf(status) == reason;
}

class CareTest : public ::testing::Test {
 protected:
  CareTest() {
    AddPatient(kPatient, kPatientUser, {kProvider, kSecondProvider});
    AddPatient(kOtherPatient, kOtherPatientUser, {kStranger});
    v1::TrialsEvent trial;
    trial.mutable_trial_created()->mutable_trial()->set_name("organizations/o/trials/t");
    trial.mutable_trial_created()->mutable_trial()->add_researchers(kResearcher);
    Given(trial);
    v1::TrialsEvent enrolled;
    auto& subject = *enrolled.mutable_subject_enrolled()->mutable_subject();
    subject.set_name("organizations/o/trials/t/subjects/s");
    subject.set_patient(kPatient);
    subject.set_trial("organizations/o/trials/t");
    subject.set_subject_key("K-1");
    Given(enrolled);
  }

  void AddPatient(const std::string& name, const std::string& user, std::initializer_list<const char*> providers) {
    v1::TrialsEvent event;
    auto& patient = *event.mutable_patient_created()->mutable_patient();
    patient.set_name(name);
    patient.set_user(user);
    patient.set_active(true);
    for (const char* provider : providers) patient.add_providers()->set_user(provider);
    Given(event);
  }

  // From now on kPatient is no longer cared for here.
  void GivenInactivePatient() {
    v1::TrialsEvent event;
    event.mutable_patient_updated()->mutable_patient()->set_name(kPatient);
    event.mutable_patient_updated()->add_paths("active");
    Given(event);
  }

  // Folds one event as history.
  void Given(const v1::TrialsEvent& event) {
    state_.Begin({"0123456789abcdef", "o", {}, At(now_)});
    Evolve(state_, event);
  }

  // What a command takes from outside; each has an id of its own.
  Context By(Principal principal) {
    Context context;
    context.organization = principal.organization;
    context.principal = std::move(principal);
    context.record_time = At(now_);
    context.command_id = Cat(view::OrderedBytes(++commands_), "00000000");
    return context;
  }

  // Folds the events of a decision that is expected to pass; its main name.
  std::string Do(const absl::StatusOr<Decision>& decision) {
    EXPECT_TRUE(decision.ok()) << decision.status().ToString();
    if (!decision.ok()) return "";
    Apply(TrialsDomain(), By(Principal()), *decision, state_);
    return decision->names.front();
  }

  std::string EtagOfRow(const view::Table& table, const std::string& name) { return EtagOf(*state_.Find(table, name)); }

  view::ChangeSet state_{view::EmptyState()};
  int64_t now_ = kNow;
  uint64_t commands_ = 0;
};

}  // namespace trialog::trials
