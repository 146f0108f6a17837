#include "services/standalone/standalone.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "absl/time/clock.h"
#include "grpc/health/v1/health.pb.h"
#include "platform/callers/token_authenticator.h"
#include "platform/errors/errors.h"
#include "platform/log/admission.h"
#include "platform/log/embedded/embedded_log.h"
#include "platform/rpc/client.h"
#include "platform/runtime/real_runtime.h"
#include "platform/text/text.h"
#include "services/trialogctl/data_folder.h"
#include "services/trialogctl/secret_files.h"
#include "trialog/auth/v1/auth.pb.h"
#include "trialog/auth/v1/organization.pb.h"
#include "trialog/event/v1/subscribe.pb.h"
#include "trialog/inventory/v1/sample.pb.h"

namespace trialog::standalone {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

// The real one, but that one executor can be held up: a log that takes long to read, a disk that does not answer.
class HoldingRuntime final : public Runtime {
 public:
  explicit HoldingRuntime(std::string name) : name_(std::move(name)) {}
  absl::Time Now() override { return RealRuntime().Now(); }
  absl::Duration Monotonic() override { return RealRuntime().Monotonic(); }
  std::string RandomBytes(size_t count) override { return RealRuntime().RandomBytes(count); }
  std::unique_ptr<Executor> NewExecutor(std::string name) override {
    const bool chosen = name == name_;
    auto executor = RealRuntime().NewExecutor(std::move(name));
    if (chosen) {
      executor_ = executor.get();
      executor_->Post([this] { WaitWhileHeld(); });
    }
    return executor;
  }

  // What is posted from now on waits.
  void Hold() {
    {
      absl::MutexLock lock(&mutex_);
      held_ = true;
    }
    if (executor_ != nullptr) executor_->Post([this] { WaitWhileHeld(); });
  }
  void Release() {
    absl::MutexLock lock(&mutex_);
    held_ = false;
  }

 private:
  void WaitWhileHeld() {
    absl::MutexLock lock(&mutex_);
    const auto released = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !held_; };
    mutex_.Await(absl::Condition(&released));
  }

  const std::string name_;
  Executor* executor_ = nullptr;
  absl::Mutex mutex_;
  bool held_ ABSL_GUARDED_BY(mutex_) = false;
};

class StandaloneTest : public testing::Test {
 protected:
  StandaloneTest() {
    std::string path = testing::TempDir() + "standalone-XXXXXX";
    folder_ = mkdtemp(path.data());
    EXPECT_EQ(ctl::MakeDataFolder(folder_, RealRuntime()), absl::OkStatus());
    options_.data = folder_;
    options_.address = Cat("unix:", folder_, "/socket");
    client_ = std::make_unique<rpc::Client>(rpc::Connect(options_.address));
  }
  ~StandaloneTest() override { std::filesystem::remove_all(folder_); }

  // Waits until the service has this status; a server that never comes to it fails the test by its time limit.
  void AwaitHealth(const std::string& service, HealthCheckResponse::ServingStatus wanted) {
    HealthCheckRequest request;
    request.set_service(service);
    const auto watch = client_->Open("grpc.health.v1.Health/Watch", request, {.wait_for_ready = true});
    HealthCheckResponse response;
    while (watch->Read(response)) {
      if (response.status() == wanted) return;
    }
    FAIL() << watch->Finish();
  }
  HealthCheckResponse::ServingStatus HealthOf(const std::string& service) {
    HealthCheckRequest request;
    request.set_service(service);
    const auto response = client_->Call<HealthCheckResponse>("grpc.health.v1.Health/Check", request);
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() ? response->status() : HealthCheckResponse::UNKNOWN;
  }
  std::string ReasonOfCall(std::string_view method, const google::protobuf::Message& request) {
    HealthCheckResponse unread;
    return ReasonOf(client_->CallAny(method, request, unread, {}, nullptr));
  }
  absl::Status MakeOrganization(const std::string& id, rpc::ClientOptions call = {}) {
    auth::v1::CreateOrganizationRequest request;
    request.set_organization_id(id);
    request.mutable_organization()->set_display_name("Made-up hospital");
    request.mutable_administrator()->set_username("root");
    request.set_password("a made-up password of some length");
    request.set_init_token(*ctl::ReadSecretFile(ctl::InitTokenPath(folder_)));
    return client_
        ->Call<auth::v1::Organization>("trialog.auth.v1.OrganizationService/CreateOrganization", request, call)
        .status();
  }

  std::string folder_;
  Options options_;
  std::unique_ptr<rpc::Client> client_;
};

TEST_F(StandaloneTest, ServesEachServiceFromTheEndOfItsFirstCatchUpOn) {
  HoldingRuntime runtime("own-inventory");
  runtime.Hold();
  options_.runtime = &runtime;
  absl::StatusOr<std::unique_ptr<Standalone>> standalone = absl::UnknownError("not yet");
  std::thread starter([&] { standalone = Standalone::Start(options_); });
  AwaitHealth("trialog.auth.v1.AuthService", HealthCheckResponse::SERVING);
  for (const char* service : {"trialog.inventory.v1.SampleService", "trialog.trials.v1.TrialService", ""}) {
    EXPECT_EQ(HealthOf(service), HealthCheckResponse::NOT_SERVING) << service;
  }
  EXPECT_EQ(ReasonOfCall("trialog.inventory.v1.SampleService/GetSample", inventory::v1::GetSampleRequest()),
            "STARTING");
  EXPECT_EQ(ReasonOfCall("trialog.auth.v1.AuthService/WhoAmI", auth::v1::WhoAmIRequest()), "TOKEN_MISSING");
  runtime.Release();
  starter.join();
  ASSERT_TRUE(standalone.ok()) << standalone.status();
  for (const char* service : {"trialog.inventory.v1.SampleService", "trialog.trials.v1.TrialService", ""}) {
    EXPECT_EQ(HealthOf(service), HealthCheckResponse::SERVING) << service;
  }
  EXPECT_EQ(ReasonOfCall("trialog.inventory.v1.SampleService/GetSample", inventory::v1::GetSampleRequest()),
            "TOKEN_MISSING");
}

TEST_F(StandaloneTest, IsNotServingFromTheStartOfTheDrainAndHandsItsPartitionsOver) {
  HoldingRuntime runtime("own-auth");
  options_.runtime = &runtime;
  auto standalone = Standalone::Start(options_);
  ASSERT_TRUE(standalone.ok()) << standalone.status();
  ASSERT_EQ(MakeOrganization("handed-over"), absl::OkStatus());

  runtime.Hold();
  std::atomic<bool> drained = false;
  std::thread drain([&] {
    (*standalone)->Drain(absl::Now() + absl::Seconds(20));
    drained = true;
  });
  AwaitHealth("", HealthCheckResponse::NOT_SERVING);
  EXPECT_FALSE(drained) << "the hand-over is still held up";
  EXPECT_EQ(HealthOf("trialog.trials.v1.TrialService"), HealthCheckResponse::NOT_SERVING);
  runtime.Release();
  drain.join();
  standalone->reset();

  auto log = log::EmbeddedLog::Open({.path = folder_ + "/log"});
  ASSERT_TRUE(log.ok()) << log.status();
  const int partition = log::PartitionOf("handed-over");
  for (const auto& [topic, number] : {std::pair<std::string, int>("auth", partition), {"audit", 0}}) {
    const int64_t end = *(*log)->EndOffset(topic, number);
    ASSERT_GT(end, 1) << topic;
    const auto last = (*log)->Read(topic, number, end - 1, 1);
    ASSERT_TRUE(last.ok() && !last->empty()) << last.status();
    EXPECT_TRUE(log::ParseRecord(last->front().bytes, end - 1)->has_release()) << topic;
  }
}

TEST_F(StandaloneTest, TheTraceOfACallIsThatOfItsEvents) {
  auto standalone = Standalone::Start(options_);
  ASSERT_TRUE(standalone.ok()) << standalone.status();
  const std::string trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  ASSERT_EQ(MakeOrganization("traced", {.metadata = {{"traceparent", trace}}}), absl::OkStatus());
  event::v1::SubscribeRequest request;
  request.set_parent("organizations/traced");
  request.set_from_start(true);
  const rpc::Client service((*standalone)->server().InProcessChannel());
  const auto stream = service.Open("trialog.auth.v1.EventService/Subscribe", request,
                                   {.metadata = {{std::string(callers::kServiceMetadata), "inventory"}}});
  event::v1::SubscribeResponse response;
  while (response.events().empty() && stream->Read(response)) {
  }
  ASSERT_GT(response.events_size(), 0) << stream->Finish();
  EXPECT_EQ(response.events(0).trace(), trace);
}

TEST_F(StandaloneTest, SaysWhatToDoAboutAFolderWithoutKeys) {
  std::filesystem::remove(folder_ + "/keys/service.key");
  const auto refused = Standalone::Start(options_);
  EXPECT_EQ(ReasonOf(refused.status()), "NOT_INITIALISED");
  EXPECT_THAT(std::string(refused.status().message()), testing::HasSubstr("trialogctl init"));
}

}  // namespace
}  // namespace trialog::standalone
