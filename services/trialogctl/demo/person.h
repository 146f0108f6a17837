// The demo's people: each signed in, for as long as the demo takes.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "platform/rpc/client.h"
#include "trialog/auth/v1/auth.pb.h"

namespace trialog::ctl::demo {

// Someone signed in. Copies share the session. Thread safe.
class Person {
 public:
  Person() = default;  // Nobody.
  // With what a sign-in or sign-up gave; `credentials` open a new session should that one end.
  Person(std::string name, std::string called, auth::v1::LoginRequest credentials, auth::v1::SessionTokens tokens);
  // Signs in.
  static absl::StatusOr<Person> SignIn(const rpc::Client& client, std::string called,
                                       const auth::v1::LoginRequest& credentials);
  // The same person in a session of their own, from a sign-in with the same credentials.
  absl::StatusOr<Person> SignInAgain(const rpc::Client& client) const;

  std::string name;  // organizations/{organization}/users/{user}.
  std::string called;

  // An access token with some life left: the present one, or a new one where that is near its end or is `refused`, as
  // the server, by its own clock, said UNAUTHENTICATED. Blocks while it is renewed.
  absl::StatusOr<std::string> Token(const rpc::Client& client, std::string_view refused = "") const;

 private:
  class Session;
  std::shared_ptr<Session> session_;
};

}  // namespace trialog::ctl::demo
