// What the parts of the demo share: the server, the people, the patients and the names of what they make.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "platform/rpc/client.h"
#include "services/trialogctl/demo/session.h"
#include "services/trialogctl/demo/trial_file.h"

namespace trialog::ctl::demo {

struct World {
  const rpc::Client& client;
  std::string organization;  // Resource name.
  std::string secret;        // The administrator's password; those of the demo's people derive from it.
  std::vector<PatientRow> rows;
  std::map<std::string, Person> people;  // By user id. Filled once, then only read.

  const Person& Who(const std::string& id) const { return people.at(id); }

  std::string Trial() const { return organization + "/trials/lung"; }
  std::string Biobank() const { return organization + "/biobanks/main"; }
  std::string Dataset() const { return organization + "/datasets/lung"; }
  std::string Patient(size_t row) const { return organization + "/patients/" + PatientId(row); }
  std::string Subject(size_t row) const { return Trial() + "/subjects/s-" + PatientId(row); }
  std::string Capture(size_t row, std::string_view kind) const {
    return Trial() + "/dataCaptures/" + CaptureId(row, kind);
  }

  static std::string PatientId(size_t row);
  static std::string CaptureId(size_t row, std::string_view kind);
  // The provider of the patient's institution; patients without one share a provider.
  std::string ProviderId(size_t row) const;
  const Person& Provider(size_t row) const { return Who(ProviderId(row)); }
  const Person& PatientPerson(size_t row) const { return Who(PatientId(row)); }

  // The death that comes soonest after enrolment, whose follow-up is typed wrong at first: a wrong date there moves the
  // most ranks. The first row when nobody died.
  size_t WronglyTyped() const;
};

// Signs in the auditor; up by invitation before, unless all have `signed_up`.
absl::Status SignInAuditor(World& world, bool signed_up);
// The same of everyone else who acts, patients too when `with_patients`.
absl::Status SignInPeople(World& world, bool with_patients, bool signed_up);

// Writes a file of mode 0600 with what each of them signs in with (see credentials.h), and their roles.
absl::Status WritePeople(const World& world, const std::string& path);

// Creates the trial and has it approved by a second researcher; makes biobank and storage.
absl::Status SetUpTrial(const World& world);
absl::Status SetUpBiobank(const World& world);
// Profiles, enrolment with consent.
absl::Status EnrollPatients(const World& world);
// Baseline, follow-up, what patients report; all final but what is said to be wrong, which is wrong.
absl::Status EnterCaptures(const World& world);
// Amends the wrong follow-up, with reason, and finalizes it again.
absl::Status CorrectFollowUp(const World& world);
// Imports, publishes, selects, asks, releases: the analyses of dataset version 1 or 2.
absl::Status MakeFigures(const World& world, int version);
// Prints what the service computed for both versions; the plot goes to a file unless the path is empty.
absl::Status PrintFigures(const World& world, const std::string& plot_path);
// A sample, its stock and a first move for each patient.
absl::Status StockSamples(const World& world);

absl::Status SceneBiobank(const World& world);
absl::Status SceneStatistics(const World& world);
absl::Status SceneMedication(const World& world);
absl::Status SceneTrial(const World& world);

// Prints a call that was refused, and its audit entry as the auditor sees it.
void ShowRefusal(const World& world, Steps& steps, const Person& who, std::string_view what, std::string_view method,
                 const std::string& answer);

}  // namespace trialog::ctl::demo
