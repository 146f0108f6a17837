#include "services/trialogctl/demo/person.h"

#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "platform/view/times.h"
#include "services/trialogctl/saved_login.h"

namespace trialog::ctl::demo {
namespace {

absl::Status NobodySignedIn() { return absl::UnauthenticatedError("nobody is signed in"); }

}  // namespace

class Person::Session {
 public:
  Session(auth::v1::LoginRequest credentials, auth::v1::SessionTokens tokens)
      : credentials_(std::move(credentials)), tokens_(std::move(tokens)) {}

  const auth::v1::LoginRequest& credentials() const { return credentials_; }

  // One thread renews, the others wait for it: a refresh token counts once.
  absl::StatusOr<std::string> Token(const rpc::Client& client, std::string_view refused) {
    absl::MutexLock lock(&mutex_);
    const bool ends = absl::Now() + kLeastTokenLife >= FromProto(tokens_.access_token_expire_time());
    if (!ends && tokens_.access_token() != refused) return tokens_.access_token();
    if (absl::Status renewed = Renew(client); !renewed.ok()) return renewed;
    return tokens_.access_token();
  }

 private:
  absl::Status Renew(const rpc::Client& client) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    auth::v1::RefreshTokenRequest request;
    request.set_refresh_token(tokens_.refresh_token());
    auto renewed = client.Call<auth::v1::RefreshTokenResponse>("trialog.auth.v1.AuthService/RefreshToken", request);
    if (renewed.ok()) tokens_ = std::move(*renewed->mutable_tokens());
    if (!absl::IsUnauthenticated(renewed.status())) return renewed.status();
    // The session ended, or the answer to an earlier renewal was lost and its token is spent.
    auto login = client.Call<auth::v1::LoginResponse>("trialog.auth.v1.AuthService/Login", credentials_);
    if (login.ok()) tokens_ = std::move(*login->mutable_tokens());
    return login.status();
  }

  const auth::v1::LoginRequest credentials_;
  absl::Mutex mutex_;
  auth::v1::SessionTokens tokens_ ABSL_GUARDED_BY(mutex_);
};

Person::Person(std::string name, std::string called, auth::v1::LoginRequest credentials, auth::v1::SessionTokens tokens)
    : name(std::move(name)),
      called(std::move(called)),
      session_(std::make_shared<Session>(std::move(credentials), std::move(tokens))) {}

absl::StatusOr<Person> Person::SignIn(const rpc::Client& client, std::string called,
                                      const auth::v1::LoginRequest& credentials) {
  rpc::ClientOptions options;
  options.wait_for_ready = true;
  auto answer = client.Call<auth::v1::LoginResponse>("trialog.auth.v1.AuthService/Login", credentials, options);
  if (!answer.ok()) return answer.status();
  return Person(answer->identity().user().name(), std::move(called), credentials, answer->tokens());
}

absl::StatusOr<Person> Person::SignInAgain(const rpc::Client& client) const {
  if (!session_) return NobodySignedIn();
  return SignIn(client, called, session_->credentials());
}

absl::StatusOr<std::string> Person::Token(const rpc::Client& client, std::string_view refused) const {
  if (!session_) return NobodySignedIn();
  return session_->Token(client, refused);
}

}  // namespace trialog::ctl::demo
