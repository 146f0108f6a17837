// For tests: analytics as it runs, on an embedded log, a key store, blobs and a gRPC server in a folder of its own. Who
// may do what is written into auth's log, and tokens are signed as auth signs them.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/notification.h"
#include "platform/callers/token_authenticator.h"
#include "platform/errors/errors.h"
#include "platform/log/embedded/embedded_log.h"
#include "platform/rpc/client.h"
#include "platform/rpc/server.h"
#include "platform/runtime/real_runtime.h"
#include "platform/sealing/access_token.h"
#include "platform/sealing/key_store.h"
#include "platform/service/host.h"
#include "platform/text/text.h"
#include "services/analytics/app/analytics_app.h"
#include "services/auth/domain/evolve.h"
#include "trialog/auth/v1/events.pb.h"

namespace trialog::analytics {

class TestService {
 public:
  TestService() {
    std::string path = testing::TempDir() + "analytics-XXXXXX";
    path_ = mkdtemp(path.data());
    Require(log::EmbeddedLog::Open({.path = path_ + "/log", .min_free_bytes = 0, .compress = false}), log_);
    const auto master = sealing::SecretKey::FromBytes(std::string(32, 'm'));
    Require(sealing::KeyStore::Open(path_ + "/keys", sealing::MasterKey(*master), &RealRuntime()), key_store_);
    keys_ = std::make_unique<sealing::KeyStoreProvider>(key_store_.get(), &RealRuntime());
    auto store = view::Store::Open(auth::AuthDomain(), {.path = path_ + "/auth", .compress = false});
    EXPECT_TRUE(store.ok()) << store.status();
    service::BackendOptions options{.request_key = std::string(32, 'a')};
    auth_ = std::make_unique<service::Backend>(auth::AuthDomain(), RealRuntime(), *log_, *std::move(store), nullptr,
                                               tokens_, options);
    EXPECT_TRUE(auth_->Start().ok());
    for (const char* organization : {"o", "p"}) PublishSigningKey(organization);
  }
  ~TestService() {
    Stop();
    auth_.reset();
    keys_.reset();
    std::filesystem::remove_all(path_);
  }

  // Opens store and blobs, folds the log and serves.
  void Start(bool run_worker = true) {
    Require(blob::BlobFolder::Open(path_ + "/blobs"), blobs_);
    AnalyticsParts parts{.blobs = blobs_.get(), .trials = [this] { return trials_; }, .run_worker = run_worker};
    service::Environment environment{.runtime = &RealRuntime(),
                                     .log = log_.get(),
                                     .keys = keys_.get(),
                                     .store_path = path_ + "/analytics",
                                     .request_key = std::string(32, 'r'),
                                     .tokens = &tokens_,
                                     .compress = false};
    Require(service::Host::Open(AnalyticsDefinition(parts), environment), host_);
    std::vector<std::unique_ptr<rpc::Frame>> frames(1);
    Require(host_->MakeFrame(), frames[0]);
    Require(rpc::Server::Start(std::move(frames)), server_);
    client_ = std::make_unique<rpc::Client>(rpc::Connect(Cat("127.0.0.1:", server_->port())));
  }

  // Ends everything at once; what was acknowledged stays.
  void Stop() {
    if (host_) host_->backend().owner().Stop();
    client_.reset();
    server_.reset();
    host_.reset();
    blobs_.reset();
  }

  // Makes an account with roles in the whole organisation, or gives it more.
  void Grant(const std::string& user, std::vector<Role> roles) {
    Decision decision;
    auth::v1::AuthEvent created;
    created.mutable_user_created()->mutable_user()->set_name(user);
    decision.Add(user, created);
    for (Role role : roles) {
      auth::v1::AuthEvent granted;
      auth::v1::Grant& grant = *granted.mutable_role_granted()->mutable_grant();
      grant.set_name(Cat(user, "/grants/", static_cast<int>(role)));
      grant.set_role(role);
      grant.set_scope(Cat("organizations/", OrganizationOf(user)));
      decision.Add(grant.name(), granted);
    }
    AppendAuth(std::string(OrganizationOf(user)), std::move(decision));
  }

  rpc::ClientOptions As(const std::string& user) const {
    sealing::AccessClaims claims{.issuer = callers::kIssuer, .audience = callers::kAudience, .subject = user};
    claims.organization = std::string(OrganizationOf(user));
    claims.session = "session";
    claims.position = auth_positions_.at(claims.organization);
    claims.issued = absl::FromUnixSeconds(absl::ToUnixSeconds(RealRuntime().Now()));
    claims.expires = claims.issued + sealing::kAccessTokenLifetime;
    return {.token = sealing::MintAccessToken(claims, signing_key_).value(), .timeout = absl::Seconds(60)};
  }

  template <typename Response, typename Request>
  absl::StatusOr<Response> Call(std::string_view method, const Request& request, const std::string& user) const {
    return client_->Call<Response>(Cat("trialog.analytics.v1.", method), request, As(user));
  }

  rpc::Client& client() { return *client_; }
  service::Host& host() { return *host_; }
  sealing::KeyStore& key_store() { return *key_store_; }
  const std::string& path() const { return path_; }
  // What imports reach as the trials service.
  void set_trials(std::shared_ptr<grpc::Channel> channel) { trials_ = std::move(channel); }

 private:
  template <typename T>
  static void Require(absl::StatusOr<std::unique_ptr<T>> opened, std::unique_ptr<T>& target) {
    if (!opened.ok()) {
      ADD_FAILURE() << opened.status();
      std::abort();
    }
    target = *std::move(opened);
  }

  void PublishSigningKey(const std::string& organization) {
    auth::v1::AuthEvent event;
    auth::v1::SigningKey& key = *event.mutable_signing_key_published()->mutable_signing_key();
    key.set_name(Cat("organizations/", organization, "/signingKeys/", signing_key_.jwk().kid));
    key.set_uid(signing_key_.jwk().kid);
    key.set_x(signing_key_.jwk().x);
    key.set_y(signing_key_.jwk().y);
    Decision decision;
    decision.Add(key.name(), event);
    AppendAuth(organization, std::move(decision));
  }

  void AppendAuth(const std::string& organization, Decision decision) {
    absl::Notification done;
    auth_->SubmitInternal(
        organization, "test", std::nullopt, [&](const view::State&, const Context&) { return decision; },
        [&](const absl::StatusOr<Outcome>& outcome) {
          EXPECT_TRUE(outcome.ok()) << outcome.status();
          if (outcome.ok()) auth_positions_[organization] = outcome->offset;
          done.Notify();
        });
    done.WaitForNotification();
    // The key must be known before a token that it signed comes.
    if (!host_) return;
    absl::Notification known;
    host_->directory().WhenKnown(organization, auth_positions_[organization],
                                 [&](const absl::Status&) { known.Notify(); });
    known.WaitForNotification();
  }

  std::string path_;
  rpc::TokenSigner tokens_{{std::string(32, 't')}};
  const sealing::SigningKey signing_key_ = sealing::SigningKey::Generate();
  std::map<std::string, int64_t> auth_positions_;  // By organisation: what its tokens must be known up to.
  std::unique_ptr<log::EmbeddedLog> log_;
  std::unique_ptr<sealing::KeyStore> key_store_;
  std::unique_ptr<sealing::KeyStoreProvider> keys_;
  std::unique_ptr<service::Backend> auth_;
  std::shared_ptr<grpc::Channel> trials_;
  std::unique_ptr<blob::BlobFolder> blobs_;
  std::unique_ptr<service::Host> host_;
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<rpc::Client> client_;
};

}  // namespace trialog::analytics
