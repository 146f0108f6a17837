#include "services/trialogctl/demo/session.h"

#include <atomic>
#include <cstdio>
#include <thread>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "platform/errors/errors.h"
#include "platform/sealing/digest.h"
#include "platform/sealing/encoding.h"
#include "platform/text/text.h"

namespace trialog::ctl::demo {
namespace {

constexpr int kOutstanding = 16;
constexpr int kTries = 6;
// Longer than any scene takes on a busy machine; reached only when something is broken.
constexpr absl::Duration kWatchPatience = absl::Minutes(2);

// A UUID of version 8 (RFC 9562 section 5.8): ours to define.
std::string UuidOf(const std::string& hash) {
  std::string bytes = hash.substr(0, 16);
  bytes[6] = static_cast<char>((bytes[6] & 0x0f) | 0x80);
  bytes[8] = static_cast<char>((bytes[8] & 0x3f) | 0x80);
  const std::string hex = sealing::Hex(bytes);
  return Cat(hex.substr(0, 8), "-", hex.substr(8, 4), "-", hex.substr(12, 4), "-", hex.substr(16, 4), "-",
             hex.substr(20));
}

void FillRequestId(const Person& who, std::string_view method, google::protobuf::Message& request,
                   std::string_view occasion) {
  const auto* field = request.GetDescriptor()->FindFieldByName("request_id");
  if (field == nullptr || !request.GetReflection()->GetString(request, field).empty()) return;
  std::string text;
  for (std::string_view part : {std::string_view(who.name), method, occasion}) {
    sealing::AppendLengthPrefixed(text, part);
  }
  request.GetReflection()->SetString(&request, field, UuidOf(sealing::Sha256({text, request.SerializeAsString()})));
}

absl::Status Explained(const Person& who, std::string_view method, const absl::Status& status) {
  absl::Status explained(status.code(), ToAbsl(Cat(method, " as ", who.called, ": ", FromAbsl(status.message()), " (",
                                                   ReasonOf(status), ")")));
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) { explained.SetPayload(url, payload); });
  return explained;
}

bool MayRetry(const absl::Status& status) { return absl::IsUnavailable(status) || absl::IsResourceExhausted(status); }

// Whether a watch that ended so may be opened again, from its beginning.
bool MayOpenAgain(const absl::Status& end) { return MayRetry(end) || ReasonOf(end) == "WATCH_ACCESS_CHANGED"; }

}  // namespace

absl::Status Steps::Attempt(const Person& who, std::string_view method, const google::protobuf::Message& request,
                            google::protobuf::Message& response, bool wait_for_ready) {
  rpc::ClientOptions options;
  options.wait_for_ready = wait_for_ready;
  absl::Status status;
  for (int attempt = 0; attempt < 2; ++attempt) {
    auto token = who.Token(client_, options.token);
    if (!token.ok()) return token.status();
    options.token = *std::move(token);
    status = client_.CallAny(method, request, response, options, nullptr);
    if (!absl::IsUnauthenticated(status)) break;
  }
  return status;
}

bool Steps::CallAny(const Person& who, std::string_view method, google::protobuf::Message& request,
                    google::protobuf::Message& response, std::string_view occasion, std::string_view excused) {
  if (!status_.ok()) return false;
  FillRequestId(who, method, request, occasion);
  Tell(method, request);
  const absl::Status status =
      Retried([&](bool wait_for_ready) { return Attempt(who, method, request, response, wait_for_ready); });
  if (!status.ok() && (excused.empty() || ReasonOf(status) != excused)) Fail(Explained(who, method, status));
  return status.ok();
}

absl::Status Steps::Retried(const std::function<absl::Status(bool wait_for_ready)>& attempt) {
  for (int tries = 1;; ++tries) {
    absl::Status status = attempt(/*wait_for_ready=*/tries > 1);
    if (status.ok() || !MayRetry(status) || tries == kTries) return status;
    absl::SleepFor(absl::Milliseconds(50 << tries));  // What the server asks for: come back later.
  }
}

Person Steps::SignIn(const Person& who) {
  constexpr std::string_view kLogin = "trialog.auth.v1.AuthService/Login";
  Person signed_in;
  if (!status_.ok()) return signed_in;
  Tell(kLogin, auth::v1::LoginRequest());
  const absl::Status status = Retried([&](bool) {
    auto answer = who.SignInAgain(client_);
    if (answer.ok()) signed_in = *std::move(answer);
    return answer.status();
  });
  if (!status.ok()) Fail(Explained(who, kLogin, status));
  return signed_in;
}

void Steps::Tell(std::string_view method, const google::protobuf::Message& request) {
  if (!told_) return;
  std::string call = Cat(method, " ", request.SerializeAsString());
  if (call == last_told_) return;
  last_told_ = std::move(call);
  Say(Cat("    ", method.substr(method.rfind('.') + 1)));
}

std::string Steps::CallRefused(const Person& who, std::string_view method, google::protobuf::Message& request,
                               google::protobuf::Message& response) {
  if (!status_.ok()) return "";
  Tell(method, request);
  const absl::Status status = Attempt(who, method, request, response, /*wait_for_ready=*/false);
  if (absl::IsNotFound(status) || absl::IsPermissionDenied(status)) {
    return Cat(absl::StatusCodeToString(status.code()), " ", ReasonOf(status));
  }
  Fail(status.ok() ? Refuse(absl::StatusCode::kInternal, "NOT_REFUSED", Cat(method, " had to be refused"))
                   : Explained(who, method, status));
  return "";
}

Stream::Stream(Steps& steps, const Person& who, std::string_view method, const google::protobuf::Message& request)
    : steps_(steps), who_(who), method_(method), request_(request.New()) {
  request_->CopyFrom(request);
  if (!steps.ok()) return;
  steps.Tell(method, request);
  Open(/*again=*/false);
}

void Stream::Open(bool again) {
  ++opened_;
  auto token = who_.Token(steps_.client(), token_);
  if (!token.ok()) return steps_.Fail(token.status());
  token_ = *std::move(token);
  rpc::ClientOptions options;
  options.token = token_;
  options.timeout = kWatchPatience;
  options.wait_for_ready = again;
  reader_ = steps_.client().Open(method_, *request_, options);
}

bool Stream::Read(google::protobuf::Message& message) {
  while (steps_.ok()) {
    message.Clear();
    if (reader_->Read(message)) return true;
    const absl::Status end = reader_->Finish();
    const bool token_ended = absl::IsUnauthenticated(end);
    if (opened_ == kTries || !(token_ended || MayOpenAgain(end))) {
      steps_.Fail(end.ok() ? absl::InternalError("a watch ended") : Explained(who_, method_, end));
    } else {
      if (!token_ended) token_.clear();  // It is not what was refused.
      Open(/*again=*/true);
    }
  }
  return false;
}

absl::Status ForEachRow(std::string_view title, size_t count, const std::function<absl::Status(size_t)>& row) {
  const absl::Time start = absl::Now();
  std::atomic<size_t> next = 0;
  absl::Mutex mutex;
  absl::Status failure;
  std::atomic<bool> failed = false;
  std::vector<std::jthread> workers;
  for (int i = 0; i < kOutstanding; ++i) {
    workers.emplace_back([&] {
      for (size_t at; !failed && (at = next++) < count;) {
        absl::Status done = row(at);
        if (done.ok()) continue;
        absl::MutexLock lock(&mutex);
        if (!failed.exchange(true)) failure = std::move(done);
      }
    });
  }
  workers.clear();  // Joins.
  if (!failure.ok()) return failure;
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%.1f s", absl::ToDoubleSeconds(absl::Now() - start));
  Say(Cat(title, ": ", count, " in ", seconds));
  return absl::OkStatus();
}

void Say(std::string_view text) {
  std::printf("%.*s\n", static_cast<int>(text.size()), text.data());
  std::fflush(stdout);
}

}  // namespace trialog::ctl::demo
