#include "services/trialogctl/demo/demo.h"

#include <filesystem>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "platform/errors/errors.h"
#include "platform/sealing/digest.h"
#include "platform/sealing/encoding.h"
#include "platform/text/text.h"
#include "services/trialogctl/credentials.h"
#include "services/trialogctl/demo/progress.h"
#include "services/trialogctl/demo/proof.h"
#include "services/trialogctl/demo/world.h"
#include "services/trialogctl/secret_files.h"
#include "services/trialogctl/server.h"
#include "trialog/auth/v1/auth.pb.h"

namespace trialog::ctl::demo {
namespace {

// The same for the same patients.
std::string DigestOf(const std::vector<PatientRow>& rows) {
  std::string text;
  for (const PatientRow& row : rows) {
    for (const std::optional<int>& value :
         {row.institution, std::optional(row.days), std::optional<int>(row.died), std::optional(row.age),
          std::optional<int>(row.male), row.ecog, row.karnofsky_by_physician, row.karnofsky_by_patient, row.calories,
          row.weight_loss}) {
      text += value ? Cat(*value, ",") : ",";
    }
  }
  return sealing::Hex(sealing::Sha256(text));
}

// Signs the administrator in with the credentials file.
absl::Status SignInAdministrator(World& world, const std::string& path) {
  auto credentials = ReadCredentials(path, "");
  if (!credentials.ok()) return credentials.status();
  world.organization = Cat("organizations/", credentials->organization);
  world.secret = credentials->password;
  auth::v1::LoginRequest request;
  request.set_organization(world.organization);
  request.set_username(credentials->username);
  request.set_password(world.secret);
  auto administrator = Person::SignIn(world.client, "the administrator", request);
  if (!administrator.ok()) return administrator.status();
  world.people["administrator"] = *std::move(administrator);
  return absl::OkStatus();
}

absl::Status KeepFirstCheckpoint(const World& world, Progress& progress) {
  if (!progress.checkpoint().empty()) return absl::OkStatus();
  auto note = LatestCheckpoint(world);
  if (!note.ok()) return note.status();
  return progress.KeepCheckpoint(*note);
}

struct Step {
  std::string name;
  std::function<absl::Status()> run;
};

absl::Status Load(World& world, Progress& progress) {
  const std::vector<Step> steps = {
      {"trial", [&] { return SetUpTrial(world); }},         {"biobank", [&] { return SetUpBiobank(world); }},
      {"patients", [&] { return EnrollPatients(world); }},  {"captures", [&] { return EnterCaptures(world); }},
      {"version 1", [&] { return MakeFigures(world, 1); }}, {"correction", [&] { return CorrectFollowUp(world); }},
      {"version 2", [&] { return MakeFigures(world, 2); }}, {"samples", [&] { return StockSamples(world); }},
      {"scene A", [&] { return SceneBiobank(world); }},     {"scene B", [&] { return SceneStatistics(world); }},
      {"scene C", [&] { return SceneMedication(world); }},  {"scene D", [&] { return SceneTrial(world); }},
  };
  for (const Step& step : steps) {
    if (progress.Has(step.name)) continue;
    if (absl::Status done = step.run(); !done.ok()) return done;
    if (absl::Status kept = progress.Done(step.name); !kept.ok()) return kept;
  }
  return absl::OkStatus();
}

// Where the people's passwords go; nowhere when empty.
std::string PeopleFile(const DemoOptions& options) {
  if (!options.people_file.empty() || options.state_file.empty()) return options.people_file;
  return std::filesystem::path(options.state_file).replace_filename("demo-people.json");
}

absl::Status TellPeople(const World& world, const DemoOptions& options) {
  const std::string file = PeopleFile(options);
  if (file.empty()) {
    Say("the demo's people have passwords of their own: --people FILE writes them down");
    return absl::OkStatus();
  }
  if (absl::Status written = WritePeople(world, file); !written.ok()) return written;
  Say(Cat("the demo's people, with their passwords: ", file));
  return absl::OkStatus();
}

absl::Status Show(const World& world, const DemoOptions& options, const Progress& progress) {
  Say("figures, as the analytics service computed them");
  const std::string beside = options.state_file.empty() ? "" : options.state_file + ".svg";
  absl::Status shown = PrintFigures(world, options.plot_file.empty() ? beside : options.plot_file);
  if (!shown.ok()) return shown;
  Say("proof of one patient's record");
  std::string log_key;
  if (!options.log_key_file.empty()) {
    auto text = ReadSecretFile(options.log_key_file);
    if (!text.ok()) return text.status();
    log_key = *std::move(text);
  }
  const std::string_view described =
      progress.kept() ? "kept from the start" : "taken as this run began (without --state none is kept from before)";
  return ProveOneRecord(world, progress.checkpoint(), described, log_key);
}

}  // namespace

absl::Status RunDemo(const DemoOptions& options) {
  const absl::Time start = absl::Now();
  auto rows = ReadTrialFile(options.data_file);
  if (!rows.ok()) return rows.status();
  auto progress = Progress::Load(options.state_file);
  if (!progress.ok()) return progress.status();
  const auto client = Connect(options.server);
  if (!client.ok()) return client.status();
  World world{.client = *client, .organization = "", .secret = "", .rows = *std::move(rows), .people = {}};
  if (absl::Status same = progress->UseData(DigestOf(world.rows)); !same.ok()) return same;
  if (absl::Status signed_in = SignInAdministrator(world, options.credentials_file); !signed_in.ok()) return signed_in;

  const bool loaded = progress->Has("scene D");
  if (loaded) Say("already loaded");
  const bool signed_up = progress->Has("people");
  // Before anybody else is there: whoever reads checkpoints must be.
  if (absl::Status auditor = SignInAuditor(world, signed_up); !auditor.ok()) return auditor;
  if (absl::Status kept = KeepFirstCheckpoint(world, *progress); !kept.ok()) return kept;
  if (absl::Status people = SignInPeople(world, /*with_patients=*/!loaded, signed_up); !people.ok()) return people;
  if (!signed_up) {
    if (absl::Status kept = progress->Done("people"); !kept.ok()) return kept;
  }
  if (absl::Status done = Load(world, *progress); !done.ok()) return done;
  if (absl::Status shown = Show(world, options, *progress); !shown.ok()) return shown;
  if (absl::Status told = TellPeople(world, options); !told.ok()) return told;
  Say(absl::StrFormat("demo: %.1f s", absl::ToDoubleSeconds(absl::Now() - start)));
  return absl::OkStatus();
}

}  // namespace trialog::ctl::demo
