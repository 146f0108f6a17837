// trialogctl: the operator's tool.
#include <cstdio>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/time/clock.h"
#include "platform/errors/errors.h"
#include "platform/rpc/client.h"
#include "platform/runtime/real_runtime.h"
#include "platform/text/text.h"
#include "services/trialogctl/data_folder.h"
#include "services/trialogctl/demo/demo.h"
#include "services/trialogctl/saved_login.h"
#include "services/trialogctl/secret_files.h"
#include "services/trialogctl/terminal.h"
#include "services/trialogctl/verify.h"
#include "trialog/auth/v1/organization.pb.h"

ABSL_FLAG(std::string, data, "", "init, verify: the server's data folder. demo: the CSV file");
ABSL_FLAG(std::string, server, "", "Address of the server, host:port");
ABSL_FLAG(std::string, organization, "", "Id of the organisation");
ABSL_FLAG(std::string, display_name, "", "init: what people call the organisation; its id when empty");
ABSL_FLAG(std::string, username, "", "User name to sign in with");
ABSL_FLAG(std::string, email, "", "E-mail address to sign in with");
ABSL_FLAG(std::string, password_file, "", "File of mode 0600 with the password; asked on the terminal when empty");
ABSL_FLAG(std::string, checkpoint, "", "verify: file with a checkpoint that was kept elsewhere");
ABSL_FLAG(std::string, init_token_file, "",
          "init: file of mode 0600 with the one-time token; that of --data when empty");
ABSL_FLAG(std::string, credentials, "",
          "demo: file of mode 0600 with an administrator's organization, username, password");
ABSL_FLAG(std::string, state, "", "demo: file that keeps how far a run came");
ABSL_FLAG(std::string, plot, "", "demo: where the survival plot goes; beside --state when empty");
ABSL_FLAG(std::string, log_key, "", "demo: file of mode 0600 with the audit log's public key");

namespace trialog::ctl {
namespace {

constexpr char kUsage[] =
    "The operator's tool.\n\n"
    "  trialogctl init --data DIR\n"
    "      Makes a data folder: keys and a one-time token.\n"
    "  trialogctl init --data DIR --server ADDR --organization ID --username NAME | --email ADDRESS\n"
    "      Makes the first organisation and its administrator with the one-time token.\n"
    "  trialogctl login --server ADDR --organization ID --username NAME | --email ADDRESS\n"
    "      Signs in; later calls go on with that session.\n"
    "  trialogctl token\n"
    "      Prints an access token of that session, renewed if need be.\n"
    "  trialogctl verify --data DIR [--checkpoint FILE]\n"
    "      With no server on the folder: derives everything again from the log and compares it, byte for byte.\n"
    "  trialogctl demo --server ADDR --credentials FILE [--data FILE] [--state FILE] [--plot FILE] [--log_key FILE]\n"
    "      Carries a trial's data through all services, by their public API.\n";

absl::Status Missing(std::string_view flag) {
  return Refuse(absl::StatusCode::kInvalidArgument, "FLAG_MISSING", Cat("give --", flag));
}

absl::StatusOr<std::string> Password(bool twice) {
  const std::string file = absl::GetFlag(FLAGS_password_file);
  return file.empty() ? AskPassword("Password", twice) : ReadSecretFile(file);
}

absl::Status CheckAccountFlags() {
  if (absl::GetFlag(FLAGS_organization).empty()) return Missing("organization");
  if (absl::GetFlag(FLAGS_username).empty() && absl::GetFlag(FLAGS_email).empty())
    return Missing("username or --email");
  return absl::OkStatus();
}

absl::Status MakeOrganization() {
  if (absl::Status flags = CheckAccountFlags(); !flags.ok()) return flags;
  std::string token_file = absl::GetFlag(FLAGS_init_token_file);
  if (token_file.empty() && absl::GetFlag(FLAGS_data).empty()) return Missing("data or --init_token_file");
  if (token_file.empty()) token_file = InitTokenPath(absl::GetFlag(FLAGS_data));
  auto token = ReadSecretFile(token_file);
  if (!token.ok()) return token.status();
  auto password = Password(/*twice=*/true);
  if (!password.ok()) return password.status();

  auth::v1::CreateOrganizationRequest request;
  const std::string id = absl::GetFlag(FLAGS_organization), called = absl::GetFlag(FLAGS_display_name);
  request.set_organization_id(id);
  request.mutable_organization()->set_display_name(called.empty() ? id : called);
  request.mutable_administrator()->set_username(absl::GetFlag(FLAGS_username));
  request.mutable_administrator()->set_email(absl::GetFlag(FLAGS_email));
  request.set_password(*std::move(password));
  request.set_init_token(*std::move(token));
  auto made = rpc::Client(rpc::Connect(absl::GetFlag(FLAGS_server)))
                  .Call<auth::v1::Organization>("trialog.auth.v1.OrganizationService/CreateOrganization", request);
  if (!made.ok()) return made.status();
  std::printf("Made %s. Next: trialogctl login --server %s --organization %s …\n", made->name().c_str(),
              absl::GetFlag(FLAGS_server).c_str(), id.c_str());
  return absl::OkStatus();
}

absl::Status Init() {
  if (!absl::GetFlag(FLAGS_server).empty()) return MakeOrganization();
  const std::string data = absl::GetFlag(FLAGS_data);
  if (data.empty()) return Missing("data");
  if (absl::Status made = MakeDataFolder(data, RealRuntime()); !made.ok()) return made;
  if (absl::Status written = WriteLogKey(data); !written.ok()) return written;
  std::printf(
      "Made %s/keys. Keep master.key and service.key apart from the data: without them it cannot be read.\n"
      "Next: trialog-standalone --data %s, then\n"
      "      trialogctl init --data %s --server 127.0.0.1:50051 --organization ID --email ADDRESS\n",
      data.c_str(), data.c_str(), data.c_str());
  return absl::OkStatus();
}

absl::Status Login() {
  const std::string server = absl::GetFlag(FLAGS_server);
  if (server.empty()) return Missing("server");
  if (absl::Status flags = CheckAccountFlags(); !flags.ok()) return flags;
  auto path = SavedLoginPath();
  if (!path.ok()) return path.status();
  auto password = Password(/*twice=*/false);
  if (!password.ok()) return password.status();
  auth::v1::LoginRequest request;
  request.set_organization(Cat("organizations/", absl::GetFlag(FLAGS_organization)));
  if (absl::GetFlag(FLAGS_username).empty()) {
    request.set_email(absl::GetFlag(FLAGS_email));
  } else {
    request.set_username(absl::GetFlag(FLAGS_username));
  }
  request.set_password(*std::move(password));
  auto response =
      rpc::Client(rpc::Connect(server)).Call<auth::v1::LoginResponse>("trialog.auth.v1.AuthService/Login", request);
  if (!response.ok()) return response.status();
  if (absl::Status saved = SaveLogin(*path, server, response->tokens()); !saved.ok()) return saved;
  std::printf("Signed in as %s.\n", response->identity().user().name().c_str());
  return absl::OkStatus();
}

absl::Status PrintToken() {
  auto path = SavedLoginPath();
  if (!path.ok()) return path.status();
  auto token = CurrentToken(*path, absl::Now());
  if (!token.ok()) return token.status();
  std::printf("%s\n", token->c_str());
  return absl::OkStatus();
}

absl::Status Demo() {
  demo::DemoOptions options;
  options.server = absl::GetFlag(FLAGS_server);
  options.credentials_file = absl::GetFlag(FLAGS_credentials);
  if (options.server.empty()) return Missing("server");
  if (options.credentials_file.empty()) return Missing("credentials");
  const std::string data = absl::GetFlag(FLAGS_data);
  options.data_file = data.empty() ? "tests/data/lung.csv" : data;
  options.state_file = absl::GetFlag(FLAGS_state);
  options.plot_file = absl::GetFlag(FLAGS_plot);
  options.log_key_file = absl::GetFlag(FLAGS_log_key);
  return demo::RunDemo(options);
}

absl::Status Run(std::string_view command) {
  if (command == "init") return Init();
  if (command == "login") return Login();
  if (command == "token") return PrintToken();
  if (command == "demo") return Demo();
  if (command == "verify") {
    if (absl::GetFlag(FLAGS_data).empty()) return Missing("data");
    return VerifyDataFolder(absl::GetFlag(FLAGS_data), absl::GetFlag(FLAGS_checkpoint));
  }
  return Refuse(absl::StatusCode::kInvalidArgument, "NO_SUCH_COMMAND", kUsage);
}

}  // namespace
}  // namespace trialog::ctl

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(trialog::ctl::kUsage);
  const std::vector<char*> arguments = absl::ParseCommandLine(argc, argv);
  const absl::Status done = trialog::ctl::Run(arguments.size() == 2 ? arguments[1] : "");
  if (done.ok()) return 0;
  std::fprintf(stderr, "%s\n", std::string(done.message()).c_str());
  return 1;
}
