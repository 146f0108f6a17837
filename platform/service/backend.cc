#include "platform/service/backend.h"

#include "platform/errors/errors.h"
#include "platform/service/command_spec.h"
#include "platform/text/text.h"

namespace trialog::service {

Backend::Backend(const Domain& domain, Runtime& runtime, log::Log& log, std::unique_ptr<view::Store> store,
                 sealing::KeyProvider* keys, const rpc::TokenSigner& tokens, BackendOptions options)
    : domain_(domain),
      runtime_(runtime),
      log_(log),
      keys_(keys),
      tokens_(tokens),
      options_(std::move(options)),
      store_(std::move(store)),
      owner_(runtime, log, *store_, options_.owner, options_.partitions),
      watches_(runtime, *store_, owner_.partitions) {}

Backend::~Backend() { owner_.Stop(); }

absl::Status Backend::Start() { return owner_.Start(options_.claim_at_start); }

void Backend::Drain() {
  refusals_.Settle(absl::InfiniteDuration());
  watches_.Settle();  // Streams that were ended record what they have shown.
  owner_.Drain();
}

void Backend::CompletePrincipal(std::shared_ptr<const Principal> principal, WithPrincipal done) {
  if (principal->patient.empty() || keys_ == nullptr) return done(std::move(principal));
  const std::string organization = principal->organization;
  keys_->GetLookupKey(organization,
                      [principal, done = std::move(done)](absl::StatusOr<sealing::LookupKeyMaterial> key) {
                        if (!key.ok()) return done(key.status());
                        auto completed = std::make_shared<Principal>(*principal);
                        completed->patient_mac = sealing::LookupMac(*key, "patient", completed->patient);
                        done(std::shared_ptr<const Principal>(std::move(completed)));
                      });
}

void Backend::RecordAccess(const Principal& principal, Via via, event::v1::Access access, std::string_view entity,
                           std::function<void(absl::Status)> done) {
  auto command = std::make_unique<Command>();
  // One of our own services has no organisation: then it is the record's.
  command->organization = principal.organization.empty() ? std::string(OrganizationOf(entity)) : principal.organization;
  command->method = via.method;
  command->trace = std::move(via.trace);
  command->principal.caller = principal.caller;
  command->principal.organization = command->organization;
  access.set_method(std::move(via.method));
  const int access_outcome = access.outcome();
  command->access = std::move(access);
  command->access_entity = std::string(entity);
  command->done = [this, outcome_kind = access_outcome, done = std::move(done)](absl::StatusOr<Outcome> outcome) {
    if (outcome.ok()) accesses_recorded_[outcome_kind].fetch_add(1, std::memory_order_relaxed);
    if (done) done(outcome.status());
  };
  owner_.Submit(std::move(command));
}

void Backend::RecordBounded(const std::string& key, event::v1::Access::Outcome outcome, const Principal& principal,
                            Via via, const std::string& entity) {
  const auto record = [this, outcome, principal, via, entity](int64_t count) {
    event::v1::Access access;
    access.set_outcome(outcome);
    access.set_count(count);
    // Held, so that a drain waits until it is written.
    RecordAccess(principal, via, std::move(access), entity, [hold = watches_.Hold()](const absl::Status&) {});
  };
  if (const auto stands_for = refusals_.Take(key, runtime_.Monotonic(), record)) return record(*stands_for);
  accesses_withheld_.fetch_add(1, std::memory_order_relaxed);
  SettleLater();
}

void Backend::SettleLater() {
  if (settling_.exchange(true)) return;
  watches_.After(absl::Seconds(61), [this] {
    settling_ = false;
    if (refusals_.Settle(runtime_.Monotonic())) SettleLater();
  });
}

void Backend::RecordRefusal(const Principal& principal, const rpc::CallInfo& call) {
  if (principal.organization.empty()) return;
  const std::string user(principal.user());
  RecordBounded(user, event::v1::Access::OUTCOME_REFUSED, principal, Via(call), user);
}

void Backend::RecordFailedSignIn(std::string_view organization, const rpc::CallInfo& call) {
  Principal nobody;
  nobody.caller.set_kind(event::v1::Caller::KIND_ANONYMOUS);
  nobody.organization = std::string(organization);
  const std::string entity = Cat("organizations/", organization);
  RecordBounded(entity, event::v1::Access::OUTCOME_SIGN_IN_FAILED, nobody, Via(call), entity);
}

void Backend::SubmitInternal(std::string organization, std::string method, Occasion occasion, DecideFn decide,
                             std::function<void(absl::StatusOr<Outcome>)> done) {
  auto command = std::make_unique<Command>();
  command->organization = organization;
  command->method = std::move(method);
  command->principal.organization = std::move(organization);
  command->principal.internal = true;
  command->principal.caller.set_kind(occasion.cause ? event::v1::Caller::KIND_SERVICE : event::v1::Caller::KIND_TIMER);
  command->principal.caller.set_name(std::string(domain_.service));
  command->cause = std::move(occasion.cause);
  command->trace = std::move(occasion.trace);
  command->decide = std::move(decide);
  command->done = std::move(done);
  owner_.Submit(std::move(command));
}

}  // namespace trialog::service
