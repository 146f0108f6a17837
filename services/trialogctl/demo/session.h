// Calls of the demo's people to the server: who calls, what happens when a call fails, and what an open Watch tells.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"
#include "platform/rpc/client.h"
#include "services/trialogctl/demo/person.h"

namespace trialog::ctl::demo {

// A chain of calls that ends at its first failure: every later call does nothing and answers an empty message. So a
// scene reads as its steps, and status() says what broke it. For one thread.
class Steps {
 public:
  explicit Steps(const rpc::Client& client) : client_(client) {}

  // A request with an empty `request_id` gets one derived from caller, method, content and `occasion`, so that a demo
  // begun again repeats its calls without a second effect. `occasion` tells apart two calls that mean to be alike.
  template <typename Response>
  Response Call(const Person& who, std::string_view method, google::protobuf::Message&& request,
                std::string_view occasion = "") {
    Response response;
    CallAny(who, method, request, response, occasion);
    return response;
  }

  // Makes a call that must be refused, and gives the code's name and the reason.
  template <typename Response>
  std::string Refused(const Person& who, std::string_view method, google::protobuf::Message&& request) {
    Response response;
    return CallRefused(who, method, request, response);
  }

  bool ok() const { return status_.ok(); }
  const absl::Status& status() const { return status_; }
  void Fail(absl::Status status) {
    if (status_.ok()) status_ = std::move(status);
  }
  const rpc::Client& client() const { return client_; }

 private:
  void CallAny(const Person& who, std::string_view method, google::protobuf::Message& request,
               google::protobuf::Message& response, std::string_view occasion);
  std::string CallRefused(const Person& who, std::string_view method, google::protobuf::Message& request,
                          google::protobuf::Message& response);
  // One call, and a second one where the access token had ended.
  absl::Status Attempt(const Person& who, std::string_view method, const google::protobuf::Message& request,
                       google::protobuf::Message& response, bool wait_for_ready);

  const rpc::Client& client_;
  absl::Status status_;
};

// An open Watch. `Response` has changes, each with `name` where it shows no record, and initial_done.
template <typename Response>
class Watch {
 public:
  using Change = std::remove_cvref_t<decltype(std::declval<Response>().changes(0))>;

  // Opens it and reads what stands already: a demo begun again finds there what it missed.
  Watch(Steps& steps, const Person& who, std::string_view method, const google::protobuf::Message& request)
      : steps_(steps) {
    if (!steps.ok()) return;
    auto token = who.Token(steps.client());
    if (!token.ok()) {
      steps.Fail(token.status());
      return;
    }
    rpc::ClientOptions options;
    options.token = *std::move(token);
    options.timeout = kPatience;
    reader_ = steps.client().Open(method, request, options);
    for (Response response; Next(response);) {
      for (Change& change : *response.mutable_changes()) standing_.push_back(std::move(change));
      if (response.initial_done()) return;
    }
  }

  // Blocks for the first change that `wanted` takes; an empty one after a failure.
  Change Until(const std::function<bool(const Change&)>& wanted) {
    if (!steps_.ok()) return {};
    for (const Change& change : standing_) {
      if (wanted(change)) return change;
    }
    for (Response response; Next(response);) {
      for (const Change& change : response.changes()) standing_.push_back(change);
      for (const Change& change : response.changes()) {
        if (wanted(change)) return change;
      }
    }
    return {};
  }

 private:
  // Longer than any scene takes on a busy machine; reached only when something is broken.
  static constexpr absl::Duration kPatience = absl::Minutes(2);

  bool Next(Response& response) {
    response.Clear();
    if (reader_->Read(response)) return true;
    absl::Status end = reader_->Finish();
    steps_.Fail(end.ok() ? absl::InternalError("a watch ended") : std::move(end));
    return false;
  }

  Steps& steps_;
  std::unique_ptr<rpc::AnyReader> reader_;
  std::vector<Change> standing_;
};

// Runs `row(0)` to `row(count - 1)`, at most 16 at once. The first failure ends it. Tells how far it is under `title`.
absl::Status ForEachRow(std::string_view title, size_t count, const std::function<absl::Status(size_t)>& row);

// A line of progress on standard output.
void Say(std::string_view text);

}  // namespace trialog::ctl::demo
