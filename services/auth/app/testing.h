// For auth's tests: the service with the real thing under it (embedded log, stores and key store in a folder of its
// own, a server, a client).
#pragma once

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/errors/errors.h"
#include "platform/log/embedded/embedded_log.h"
#include "platform/rpc/client.h"
#include "platform/rpc/server.h"
#include "platform/runtime/real_runtime.h"
#include "platform/sealing/key_store.h"
#include "platform/service/host.h"
#include "platform/text/text.h"
#include "services/auth/app/auth_app.h"
#include "trialog/auth/v1/auth.pb.h"
#include "trialog/auth/v1/key.pb.h"
#include "trialog/auth/v1/organization.pb.h"
#include "trialog/auth/v1/service_account.pb.h"

namespace trialog::auth {

inline constexpr char kInitToken[] = "the operator's one-time token";
inline constexpr char kRootPassword[] = "correct horse battery staple";

// The last part of a method's name is enough: "Login".
inline std::string MethodNamed(std::string_view name) {
  for (const auto* file :
       {v1::LoginRequest::descriptor()->file(), v1::User::descriptor()->file(), v1::Organization::descriptor()->file(),
        v1::ServiceAccount::descriptor()->file(), v1::DataKey::descriptor()->file()}) {
    const auto* service = file->service(0);
    for (int i = 0; i < service->method_count(); ++i) {
      if (service->method(i)->name() == name) return Cat(service->full_name(), "/", name);
    }
  }
  return "no such method";
}

inline void WriteSecretFile(const std::filesystem::path& path, std::string_view text) {
  std::ofstream(path) << text;
  std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

// The real runtime with a wall clock that a test sets ahead.
class AheadRuntime final : public Runtime {
 public:
  absl::Time Now() override { return RealRuntime().Now() + ahead(); }
  absl::Duration Monotonic() override { return RealRuntime().Monotonic(); }
  std::string RandomBytes(size_t count) override { return RealRuntime().RandomBytes(count); }
  std::unique_ptr<Executor> NewExecutor(std::string name) override {
    return RealRuntime().NewExecutor(std::move(name));
  }

  absl::Duration ahead() const { return absl::Nanoseconds(ahead_.load()); }
  void SetAhead(absl::Duration ahead) { ahead_ = absl::ToInt64Nanoseconds(ahead); }

 private:
  std::atomic<int64_t> ahead_ = 0;
};

class AuthWorld {
 public:
  // One process's share: a store, a server and a client of its own.
  struct Process {
    std::unique_ptr<service::Host> host;
    std::unique_ptr<rpc::Server> server;
    std::unique_ptr<rpc::Client> client;
  };

  AuthWorld()
      : folder_(std::filesystem::path(testing::TempDir()) / Cat("auth-", UuidText(RealRuntime().RandomBytes(16)))) {
    std::filesystem::create_directories(folder_);
    WriteSecretFile(folder_ / "init.token", Cat(kInitToken, "\n"));
    Start();
  }
  ~AuthWorld() {
    Stop();
    std::filesystem::remove_all(folder_);
  }

  void Start() {
    Runtime& runtime = clock;
    auto log = log::EmbeddedLog::Open({.path = folder_ / "log", .min_free_bytes = 0, .compress = false});
    ASSERT_TRUE(log.ok()) << log.status();
    log_ = *std::move(log);
    sealing::MasterKey master(*sealing::SecretKey::FromBytes(std::string(32, 'm')));
    auto keys = sealing::KeyStore::Open(folder_ / "keys", std::move(master), &runtime);
    ASSERT_TRUE(keys.ok()) << keys.status();
    keys_ = *std::move(keys);
    provider_ = std::make_unique<sealing::KeyStoreProvider>(keys_.get(), &runtime);
    tokens_ = std::make_unique<rpc::TokenSigner>(std::vector<std::string>{std::string(32, 't')});
    process_ = StartProcess("store");
  }

  // Auth once more on the same log and keys, as another replica would be. It ends before the world does.
  Process StartProcess(std::string_view store) {
    Process process;
    service::Environment environment{.runtime = &clock,
                                     .log = log_.get(),
                                     .keys = provider_.get(),
                                     .store_path = folder_ / store,
                                     .request_key = std::string(32, 'r'),
                                     .tokens = tokens_.get(),
                                     .compress = false};
    AuthParts parts;
    parts.keys = keys_.get();
    parts.init_token_file = folder_ / "init.token";
    parts.refusal_time = absl::Milliseconds(1);
    auto host = service::Host::Open(AuthDefinition(parts), environment);
    EXPECT_TRUE(host.ok()) << host.status();
    process.host = *std::move(host);
    auto frame = process.host->MakeFrame();
    EXPECT_TRUE(frame.ok()) << frame.status();
    std::vector<std::unique_ptr<rpc::Frame>> frames;
    frames.push_back(*std::move(frame));
    auto server = rpc::Server::Start(std::move(frames));
    EXPECT_TRUE(server.ok()) << server.status();
    process.server = *std::move(server);
    process.client = std::make_unique<rpc::Client>(rpc::Connect(Cat("127.0.0.1:", process.server->port())));
    return process;
  }

  void Stop() {
    process_.client.reset();
    process_.server.reset();
    process_.host.reset();
    tokens_.reset();
    provider_.reset();
    keys_.reset();
    log_.reset();
  }

  template <typename Response>
  absl::StatusOr<Response> Call(std::string_view method, const google::protobuf::Message& request,
                                std::string token = "") {
    // A deadline is a time of the real clock.
    const absl::Duration timeout = clock.ahead() > absl::ZeroDuration() ? absl::InfiniteDuration() : absl::Seconds(30);
    return client().Call<Response>(MethodNamed(method), request, {.token = std::move(token), .timeout = timeout});
  }

  absl::StatusOr<v1::Organization> TryCreateOrganization(std::string id, std::string token = kInitToken,
                                                         std::string administrator = "root") {
    v1::CreateOrganizationRequest request;
    request.set_organization_id(std::move(id));
    request.mutable_organization()->set_display_name("Clinic");
    request.set_administrator_id(administrator);
    request.mutable_administrator()->set_username(std::move(administrator));
    request.set_password(kRootPassword);
    request.set_init_token(std::move(token));
    return Call<v1::Organization>("CreateOrganization", request);
  }

  absl::StatusOr<v1::LoginResponse> TryLogin(std::string username, std::string password,
                                             std::string organization = "organizations/o") {
    v1::LoginRequest request;
    request.set_organization(std::move(organization));
    request.set_username(std::move(username));
    request.set_password(std::move(password));
    return Call<v1::LoginResponse>("Login", request);
  }

  v1::LoginResponse Login(std::string username, std::string password = kRootPassword) {
    auto response = TryLogin(std::move(username), std::move(password));
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() ? *std::move(response) : v1::LoginResponse();
  }

  absl::Status WhoAmI(const std::string& token) {
    return Call<v1::WhoAmIResponse>("WhoAmI", v1::WhoAmIRequest(), token).status();
  }

  absl::StatusOr<v1::CreateInvitationResponse> TryInvite(const std::string& token, std::vector<Role> roles,
                                                         std::string email = "") {
    v1::CreateInvitationRequest request;
    request.set_parent("organizations/o");
    for (const Role role : roles) request.mutable_invitation()->add_roles()->set_role(role);
    request.mutable_invitation()->set_email(std::move(email));
    return Call<v1::CreateInvitationResponse>("CreateInvitation", request, token);
  }

  absl::StatusOr<v1::SignUpResponse> TrySignUp(std::string id, std::string invitation,
                                               std::string password = "password of id", std::string email = "") {
    v1::SignUpRequest request;
    request.set_organization("organizations/o");
    request.set_user_id(id);
    request.mutable_user()->set_username(id);
    request.mutable_user()->set_email(std::move(email));
    request.set_password(std::move(password));
    request.set_invitation_token(std::move(invitation));
    return Call<v1::SignUpResponse>("SignUp", request);
  }

  // All files below the folder that hold `text`.
  std::vector<std::string> FilesWith(std::string_view text) const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_)) {
      if (!entry.is_regular_file()) continue;
      std::ostringstream content;
      content << std::ifstream(entry.path(), std::ios::binary).rdbuf();
      if (content.str().find(text) != std::string::npos) found.push_back(entry.path());
    }
    return found;
  }

  const std::filesystem::path& folder() const { return folder_; }
  rpc::Server& server() { return *process_.server; }
  service::Host& host() { return *process_.host; }
  rpc::Client& client() { return *process_.client; }
  log::EmbeddedLog& log() { return *log_; }

  AheadRuntime clock;

 private:
  const std::filesystem::path folder_;
  std::unique_ptr<log::EmbeddedLog> log_;
  std::unique_ptr<sealing::KeyStore> keys_;
  std::unique_ptr<sealing::KeyStoreProvider> provider_;
  std::unique_ptr<rpc::TokenSigner> tokens_;
  Process process_;
};

// An organisation "o" with administrator "root".
class Auth : public testing::Test {
 protected:
  void SetUp() override {
    auto organization = world.TryCreateOrganization("o");
    ASSERT_TRUE(organization.ok()) << organization.status();
    root = world.Login("root").tokens().access_token();
  }

  // Signs someone up by an invitation with these roles.
  v1::SignUpResponse Join(std::string id, std::vector<Role> roles = {}) {
    auto invited = world.TryInvite(root, std::move(roles));
    EXPECT_TRUE(invited.ok()) << invited.status();
    auto joined = world.TrySignUp(std::move(id), invited->invitation_token());
    EXPECT_TRUE(joined.ok()) << joined.status();
    return joined.ok() ? *std::move(joined) : v1::SignUpResponse();
  }

  AuthWorld world;
  std::string root;
};

MATCHER_P(RefusedWith, reason, "") {
  if (arg.ok()) {
    *result_listener << "which is OK";
    return false;
  }
  *result_listener << "which is " << arg.status();
  return ReasonOf(arg.status()) == reason;
}

}  // namespace trialog::auth
