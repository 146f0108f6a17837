// Calls of the demo's people to the server: who calls, what happens when a call fails, and what an open Watch tells.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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
  // With `told`, each call is printed; one that is repeated unchanged until its answer is there, once.
  explicit Steps(const rpc::Client& client, bool told = false) : client_(client), told_(told) {}

  // Signs someone in anew; nobody after a failure.
  Person SignIn(const Person& who);

  // A request with an empty `request_id` gets one derived from caller, method, content and `occasion`, so that a demo
  // begun again repeats its calls without a second effect. `occasion` tells apart two calls that mean to be alike.
  template <typename Response>
  Response Call(const Person& who, std::string_view method, google::protobuf::Message&& request,
                std::string_view occasion = "") {
    Response response;
    CallAny(who, method, request, response, occasion);
    return response;
  }

  // The same; nothing where the call is refused with `reason`.
  template <typename Response>
  std::optional<Response> CallUnless(std::string_view reason, const Person& who, std::string_view method,
                                     google::protobuf::Message&& request) {
    Response response;
    if (!CallAny(who, method, request, response, "", reason)) return std::nullopt;
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
  // Prints that a call is made, where calls are told.
  void Tell(std::string_view method, const google::protobuf::Message& request);

 private:
  // False when the call failed; that is the steps' failure too unless it was refused with the reason `excused`.
  bool CallAny(const Person& who, std::string_view method, google::protobuf::Message& request,
               google::protobuf::Message& response, std::string_view occasion, std::string_view excused = "");
  std::string CallRefused(const Person& who, std::string_view method, google::protobuf::Message& request,
                          google::protobuf::Message& response);
  // Tries until the server, which may be starting, is there, but not for ever.
  static absl::Status Retried(const std::function<absl::Status(bool wait_for_ready)>& attempt);
  // One call, and a second one where the access token had ended.
  absl::Status Attempt(const Person& who, std::string_view method, const google::protobuf::Message& request,
                       google::protobuf::Message& response, bool wait_for_ready);

  const rpc::Client& client_;
  const bool told_;
  std::string last_told_;
  absl::Status status_;
};

// The messages of a Watch, opened again, and from its beginning, where its connection, its token or its caller's
// session ends.
class Stream {
 public:
  // References outlive it.
  Stream(Steps& steps, const Person& who, std::string_view method, const google::protobuf::Message& request);
  // Blocks for the next message. False after a failure, which is then that of the steps.
  bool Read(google::protobuf::Message& message);

 private:
  void Open(bool again);

  Steps& steps_;
  const Person& who_;
  const std::string method_;
  const std::unique_ptr<google::protobuf::Message> request_;
  std::string token_;
  std::unique_ptr<rpc::AnyReader> reader_;
  int opened_ = 0;
};

// An open Watch. `Response` has changes, each with `name` where it shows no record, and initial_done.
template <typename Response>
class Watch {
 public:
  using Change = std::remove_cvref_t<decltype(std::declval<Response>().changes(0))>;

  // Opens it and reads what stands already: a demo begun again finds there what it missed.
  Watch(Steps& steps, const Person& who, std::string_view method, const google::protobuf::Message& request)
      : steps_(steps), stream_(steps, who, method, request) {
    for (Response response; stream_.Read(response);) {
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
    for (Response response; stream_.Read(response);) {
      for (const Change& change : response.changes()) standing_.push_back(change);
      for (const Change& change : response.changes()) {
        if (wanted(change)) return change;
      }
    }
    return {};
  }

 private:
  Steps& steps_;
  Stream stream_;
  std::vector<Change> standing_;
};

// Runs `row(0)` to `row(count - 1)`, at most 16 at once. The first failure ends it. Tells how far it is under `title`.
absl::Status ForEachRow(std::string_view title, size_t count, const std::function<absl::Status(size_t)>& row);

// A line of progress on standard output.
void Say(std::string_view text);

}  // namespace trialog::ctl::demo
