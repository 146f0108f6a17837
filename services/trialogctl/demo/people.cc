// The organisation's people: invited by the administrator, signed up with a password of their own.
#include <nlohmann/json.hpp>
#include <set>

#include "absl/synchronization/mutex.h"
#include "platform/errors/errors.h"
#include "platform/sealing/digest.h"
#include "platform/sealing/encoding.h"
#include "platform/text/text.h"
#include "services/trialogctl/demo/made_up.h"
#include "services/trialogctl/demo/world.h"
#include "services/trialogctl/secret_files.h"
#include "trialog/auth/v1/auth.pb.h"
#include "trialog/auth/v1/organization.pb.h"
#include "trialog/auth/v1/user.pb.h"

namespace trialog::ctl::demo {
namespace {

constexpr char kSharedProvider[] = "provider-shared";

struct Invited {
  std::string id, called;
  Role role;
  std::string patient;
};

Invited Auditor() { return {"auditor", "the auditor", ROLE_AUDITOR, ""}; }

// But for the auditor.
std::vector<Invited> Staff(const World& world) {
  std::vector<Invited> staff = {
      {"coordinator", "the coordinator", ROLE_COORDINATOR, ""},
      {"investigator", "the investigator", ROLE_INVESTIGATOR, ""},
      {"researcher", "the researcher", ROLE_TRIAL_RESEARCHER, ""},
      {"second-researcher", "the second researcher", ROLE_TRIAL_RESEARCHER, ""},
      {"biobank-manager", "the biobank manager", ROLE_BIOBANK_MANAGER, ""},
      {"technician", "the technician", ROLE_LAB_TECHNICIAN, ""},
      {"statistician", "the statistician", ROLE_ANALYST, ""},
      {"colleague", "the statistician's colleague", ROLE_ANALYST, ""},
      {"custodian", "the data custodian", ROLE_DATA_CUSTODIAN, ""},
  };
  std::set<std::string> providers;
  for (size_t row = 0; row < world.rows.size(); ++row) providers.insert(world.ProviderId(row));
  for (const std::string& id : providers) staff.push_back({id, Cat("the clinician ", id), ROLE_PROVIDER, ""});
  return staff;
}

std::vector<Invited> Patients(const World& world) {
  std::vector<Invited> patients;
  for (size_t row = 0; row < world.rows.size(); ++row) {
    const std::string called = MadeUpName(world.rows[row].number, world.rows[row].male);
    patients.push_back({World::PatientId(row), called, ROLE_PARTICIPANT, world.Patient(row)});
  }
  return patients;
}

std::string PasswordOf(const World& world, std::string_view user_id) {
  return Cat("demo-", sealing::Base64Url(sealing::HmacSha256(world.secret, Cat("trialog demo user ", user_id))));
}

auth::v1::LoginRequest CredentialsOf(const World& world, const Invited& invited) {
  auth::v1::LoginRequest credentials;
  credentials.set_organization(world.organization);
  credentials.set_username(invited.id);
  credentials.set_password(PasswordOf(world, invited.id));
  return credentials;
}

absl::StatusOr<Person> SignIn(const World& world, const Invited& invited) {
  return Person::SignIn(world.client, invited.called, CredentialsOf(world, invited));
}

// Signs up by invitation; in, where a demo that was cut off came that far.
absl::StatusOr<Person> SignUp(const World& world, const Person& administrator, const Invited& invited) {
  Steps steps(world.client);
  auth::v1::CreateInvitationRequest invite;
  invite.set_parent(world.organization);
  auto* role = invite.mutable_invitation()->add_roles();
  role->set_role(invited.role);
  role->set_scope(world.organization);
  invite.mutable_invitation()->set_patient(invited.patient);
  const auto invitation = steps.Call<auth::v1::CreateInvitationResponse>(
      administrator, "trialog.auth.v1.OrganizationService/CreateInvitation", std::move(invite));
  if (ReasonOf(steps.status()) == "PATIENT_LINKED") return SignIn(world, invited);
  if (!steps.ok()) return steps.status();

  auth::v1::SignUpRequest request;
  request.set_organization(world.organization);
  request.set_user_id(invited.id);
  request.mutable_user()->set_username(invited.id);
  request.mutable_user()->set_display_name(invited.called);
  request.set_password(PasswordOf(world, invited.id));
  request.set_invitation_token(invitation.invitation_token());
  auto answer = world.client.Call<auth::v1::SignUpResponse>("trialog.auth.v1.AuthService/SignUp", request);
  if (absl::IsAlreadyExists(answer.status())) return SignIn(world, invited);
  if (!answer.ok()) return answer.status();
  return Person(answer->identity().user().name(), invited.called, CredentialsOf(world, invited), answer->tokens());
}

}  // namespace

std::string World::PatientId(size_t row) { return Cat("patient-", row + 1); }
std::string World::CaptureId(size_t row, std::string_view kind) { return Cat(kind, "-", row + 1); }

std::string World::ProviderId(size_t row) const {
  const auto& institution = rows[row].institution;
  return institution ? Cat("provider-", *institution) : kSharedProvider;
}

size_t World::WronglyTyped() const {
  size_t soonest = 0;
  for (size_t row = 0; row < rows.size(); ++row) {
    if (!rows[row].died) continue;
    if (!rows[soonest].died || rows[row].days < rows[soonest].days) soonest = row;
  }
  return soonest;
}

absl::Status SignInAuditor(World& world, bool signed_up) {
  auto person = signed_up ? SignIn(world, Auditor()) : SignUp(world, world.Who("administrator"), Auditor());
  if (!person.ok()) return person.status();
  world.people[Auditor().id] = *std::move(person);
  return absl::OkStatus();
}

absl::Status SignInPeople(World& world, bool with_patients, bool signed_up) {
  std::vector<Invited> everyone = Staff(world);
  if (with_patients) {
    for (Invited& patient : Patients(world)) everyone.push_back(std::move(patient));
  }
  const Person administrator = world.Who("administrator");
  absl::Mutex mutex;
  return ForEachRow(signed_up ? "people signed in" : "people invited and signed up", everyone.size(), [&](size_t i) {
    auto person = signed_up ? SignIn(world, everyone[i]) : SignUp(world, administrator, everyone[i]);
    if (!person.ok()) return person.status();
    absl::MutexLock lock(&mutex);
    world.people[everyone[i].id] = *std::move(person);
    return absl::OkStatus();
  });
}

absl::Status WritePeople(const World& world, const std::string& path) {
  nlohmann::json people = nlohmann::json::array();
  for (const auto& some : {std::vector{Auditor()}, Staff(world), Patients(world)}) {
    for (const Invited& each : some) {
      people.push_back(
          {{"username", each.id}, {"password", PasswordOf(world, each.id)}, {"role", Role_Name(each.role)}});
    }
  }
  const nlohmann::json file = {{"organization", world.organization.substr(world.organization.find('/') + 1)},
                               {"people", std::move(people)}};
  return ReplaceSecretFile(path, file.dump(1) + "\n");
}

}  // namespace trialog::ctl::demo
