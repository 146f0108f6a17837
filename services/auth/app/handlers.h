// The handlers of auth's methods. Internal to services/auth/app.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "platform/service/backend.h"
#include "services/auth/app/auth_app.h"
#include "services/auth/app/password_workers.h"
#include "services/auth/app/secret_token.h"
#include "services/auth/app/signers.h"
#include "services/auth/domain/password.h"
#include "services/auth/domain/sign_in.h"
#include "trialog/auth/v1/auth.pb.h"

namespace trialog::auth {

using CallPtr = std::shared_ptr<rpc::Call>;
using SecretPtr = std::shared_ptr<const Secret>;

// Lives as long as the definition. Whatever it leaves running belongs to a call, so it ends before the server does.
class Handlers {
 public:
  explicit Handlers(AuthParts parts) : parts_(std::move(parts)) {}

  // Once.
  void Register(service::Backend& backend);

 private:
  template <typename T>
  using Then = std::function<void(absl::StatusOr<T>)>;

  void RegisterSignIn();
  void RegisterSessions();
  void RegisterUsers();
  void RegisterOrganizations();
  void RegisterServiceAccounts();
  void RegisterKeys();

  // sign_in_handlers.cc
  void Login(CallPtr call);
  void SubmitLogin(CallPtr call, absl::Time arrived, const SignInCandidate& candidate, PasswordCheck check);
  void SignUp(CallPtr call);
  void SubmitSignUp(CallPtr call, absl::Time arrived, std::string user, std::string invitation,
                    std::string token_sha256, event::v1::Sealed hash);
  void RefreshToken(CallPtr call);
  void IssueServiceToken(CallPtr call);
  // Answers a call that made or used a session: names = {session, user}.
  void AnswerSignedIn(CallPtr call, const std::vector<std::string>& names, SecretToken refresh);
  // Records a failed sign-in and answers it no sooner than parts_.refusal_time after it came.
  void RefuseSignIn(CallPtr call, absl::Time arrived, std::string_view organization, const absl::Status& status);

  // password_handlers.cc
  void ChangePassword(CallPtr call);
  void SubmitChange(CallPtr call, absl::Time arrived, PasswordCheck check, event::v1::Sealed hash);
  // The account that `identifier` (of look-up `index`) names and that has a password; none is no error.
  void FindAccount(const std::string& organization, std::string_view index, const std::string& identifier,
                   Then<std::optional<SignInCandidate>> done);
  // Checks a password on a worker; takes as long when there is no candidate. Then, still on the worker, calls `done`.
  void CheckPassword(std::optional<SignInCandidate> candidate, SecretPtr password, Then<PasswordCheck> done);
  // Hashes a password on a worker and seals the hash under the user's data key, made when there is none.
  void HashPassword(const std::string& user, SecretPtr password, absl::Time deadline, Then<event::v1::Sealed> done);

  // organization_handlers.cc
  void CreateOrganization(CallPtr call);
  void CheckInitToken(CallPtr call, SecretPtr token, SecretPtr password);
  void SubmitOrganization(CallPtr call, std::string token_sha256, std::string administrator, event::v1::Sealed hash);
  // INIT_TOKEN_USED when the token is known to be spent on another organisation than this one (an id).
  absl::Status CheckUnspent(std::string_view token_sha256, std::string_view organization) const;
  // Spends the token on the organisation by a command of its own, so that the log says which one it made.
  void SpendToken(const CallPtr& call, std::string token_sha256, std::string organization,
                  std::function<void(const absl::Status&)> done);
  void SpendTokenForPeer(const CallPtr& call);
  void SubmitSpending(const CallPtr& call, std::string token_sha256, std::string organization, std::string trace,
                      std::function<void(const absl::Status&)> done);
  void CreateInvitation(CallPtr call);
  void ListOrganizations(CallPtr call);

  // service_account_handlers.cc
  void CreateKey(CallPtr call);

  // tokens.cc
  struct AccessToken {
    std::string token;
    absl::Time expires;
  };
  // An access token for `account`, whose facts are those known here now.
  void MintToken(const std::string& account, const std::string& session_id, Then<AccessToken> done);
  // Who `principal` is, as WhoAmI and Login answer it.
  void RenderIdentity(std::shared_ptr<const Principal> principal, const rpc::CallInfo& call, Then<v1::Identity> done);
  void WhoAmI(CallPtr call);

  const view::State& StateOf(std::string_view organization) {
    return backend_->store().partition(backend_->PartitionOf(organization));
  }
  google::protobuf::Timestamp Now();
  std::string NewId();
  bool OrganizationExists(std::string_view organization);

  const AuthParts parts_;
  service::Backend* backend_ = nullptr;
  std::unique_ptr<Signers> signers_;
  std::unique_ptr<Executor> key_executor_;  // KeyStore blocks on the disk, or the brokers.
  std::unique_ptr<sealing::KeyStoreProvider> key_provider_;
  std::unique_ptr<PasswordWorkers> workers_;  // Last: their tasks use the others.
};

// "organizations/o" → "o"; INVALID_ARGUMENT at `field` for anything else.
absl::StatusOr<std::string> OrganizationIn(std::string_view field, const std::string& name);

}  // namespace trialog::auth
