#include "services/trialogctl/accounts.h"

#include <cstdio>

#include "absl/flags/declare.h"
#include "absl/flags/flag.h"
#include "absl/time/clock.h"
#include "platform/errors/errors.h"
#include "platform/runtime/real_runtime.h"
#include "platform/text/text.h"
#include "services/trialogctl/credentials.h"
#include "services/trialogctl/data_folder.h"
#include "services/trialogctl/flags.h"
#include "services/trialogctl/saved_login.h"
#include "services/trialogctl/secret_files.h"
#include "services/trialogctl/server.h"
#include "services/trialogctl/terminal.h"
#include "services/trialogctl/verify.h"
#include "trialog/auth/v1/auth.pb.h"
#include "trialog/auth/v1/organization.pb.h"

ABSL_DECLARE_FLAG(std::string, credentials);
ABSL_DECLARE_FLAG(std::string, data);
ABSL_DECLARE_FLAG(std::string, server);
ABSL_FLAG(std::string, display_name, "", "init: what people call the organisation; its id when empty");
ABSL_FLAG(std::string, username, "", "User name to sign in with");
ABSL_FLAG(std::string, email, "", "E-mail address to sign in with");
ABSL_FLAG(std::string, password_file, "", "File of mode 0600 with the password; asked on the terminal when empty");
ABSL_FLAG(std::string, init_token_file, "",
          "init: file of mode 0600 with the one-time token; that of --data when empty");
ABSL_FLAG(std::string, organization, "", "Id of the organisation");

namespace trialog::ctl {
namespace {

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
  const auto client = Connect(absl::GetFlag(FLAGS_server));
  if (!client.ok()) return client.status();
  auto made = client->Call<auth::v1::Organization>("trialog.auth.v1.OrganizationService/CreateOrganization", request);
  if (!made.ok()) return made.status();
  std::printf("Made %s. Next: trialogctl login --server %s --organization %s …\n", made->name().c_str(),
              absl::GetFlag(FLAGS_server).c_str(), id.c_str());
  return absl::OkStatus();
}

// Who signs in: the credentials file says it, or the flags and, where no file holds the password, the terminal.
absl::StatusOr<auth::v1::LoginRequest> AskedLogin() {
  auth::v1::LoginRequest request;
  const std::string file = absl::GetFlag(FLAGS_credentials), username = absl::GetFlag(FLAGS_username);
  if (!file.empty()) {
    auto credentials = ReadCredentials(file, username);
    if (!credentials.ok()) return credentials.status();
    request.set_organization(Cat("organizations/", credentials->organization));
    request.set_username(credentials->username);
    request.set_password(credentials->password);
    return request;
  }
  if (absl::Status flags = CheckAccountFlags(); !flags.ok()) return flags;
  auto password = Password(/*twice=*/false);
  if (!password.ok()) return password.status();
  request.set_organization(Cat("organizations/", absl::GetFlag(FLAGS_organization)));
  if (username.empty()) {
    request.set_email(absl::GetFlag(FLAGS_email));
  } else {
    request.set_username(username);
  }
  request.set_password(*std::move(password));
  return request;
}

}  // namespace

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
  auto path = SavedLoginPath();
  if (!path.ok()) return path.status();
  auto request = AskedLogin();
  if (!request.ok()) return request.status();
  const auto client = Connect(server);
  if (!client.ok()) return client.status();
  auto response = client->Call<auth::v1::LoginResponse>("trialog.auth.v1.AuthService/Login", *request);
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

}  // namespace trialog::ctl
