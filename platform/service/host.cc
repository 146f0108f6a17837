#include "platform/service/host.h"

#include "platform/errors/errors.h"
#include "platform/log/continuity.h"
#include "platform/telemetry/event_log.h"
#include "platform/text/text.h"
#include "platform/view/prepared_store.h"
#include "platform/view/public_stream.h"

namespace trialog::service {
namespace {

absl::Status CheckLog(const Definition& definition, const Environment& environment, const view::Store& store) {
  absl::Status checked;
  const std::string service(definition.domain->service);
  for (int p = 0; p < definition.partitions; ++p) {
    checked.Update(log::CheckContinues(*environment.log, service, p, store.fold(p)));
  }
  for (int p = 0; p < environment.partitions; ++p) {
    checked.Update(log::CheckContinues(*environment.log, "auth", p, store.fact_fold("auth", p)));
  }
  return checked;
}

// Opened, and of this log.
absl::StatusOr<std::unique_ptr<view::Store>> OpenStore(const Definition& definition, const Environment& environment,
                                                       const std::string& path) {
  auto store =
      view::Store::Open(*definition.domain, {.path = path, .env = environment.env, .compress = environment.compress});
  if (!store.ok()) return store;
  if (absl::Status checked = CheckLog(definition, environment, **store); !checked.ok()) return checked;
  return store;
}

// A service that each of the five has under the same name.
std::string OwnService(const Definition& definition, std::string_view name) {
  return Cat("trialog.", definition.domain->service, ".v1.", name);
}

std::function<std::shared_ptr<const rpc::Client>(const std::string&)> PeerOf(const Environment& environment) {
  if (environment.peers == nullptr) return nullptr;
  return [peers = environment.peers](const std::string& address) { return peers->At(address); };
}

}  // namespace

absl::StatusOr<std::unique_ptr<Host>> Host::Open(const Definition& definition, const Environment& environment) {
  auto host = Prepare(definition, environment);
  if (!host.ok()) return host;
  if (absl::Status started = (*host)->Start(); !started.ok()) return started;
  return host;
}

absl::StatusOr<std::unique_ptr<Host>> Host::Prepare(const Definition& definition, const Environment& environment) {
  std::unique_ptr<Host> host(new Host(definition, environment));
  absl::Status taken = view::TakePrepared(environment.store_path, environment.env, [&](const std::string& path) {
    return OpenStore(definition, environment, path).status();
  });
  if (!taken.ok()) return taken;
  auto store = OpenStore(definition, environment, environment.store_path);
  if (!store.ok()) return store.status();
  view::Store& opened = **store;
  host->directory_ =
      std::make_unique<callers::Directory>(*environment.runtime, *environment.log, opened, environment.partitions);
  BackendOptions options;
  options.access.epoch_of = [directory = host->directory_.get()](std::string_view user) {
    return directory->Epoch(user);
  };
  host->authenticator_ = environment.authenticator;
  if (!host->authenticator_) {
    const auto by_token = std::make_shared<callers::TokenAuthenticator>(*environment.runtime, *host->directory_);
    options.access.holds_until = [by_token](std::string_view token, const Principal& caller) {
      return by_token->HoldsUntil(token, caller);
    };
    host->authenticator_ = by_token;
  }
  options.partitions = definition.partitions;
  options.request_key = environment.request_key;
  options.owner.address = environment.address;
  options.owner.replicated = environment.peers != nullptr;
  options.owner.rivals = environment.shared_log;
  options.peer = PeerOf(environment);
  options.owner.on_failure = [service = std::string(definition.domain->service)](int partition,
                                                                                 const absl::Status& why) {
    telemetry::Error("fold_failed", {{"service", service},
                                     {"partition", Cat(partition)},
                                     {"reason", ReasonOf(why)},
                                     {"cause", std::string(FromAbsl(why.message()))}});
  };
  if (definition.domain->service == "auth") {
    // What auth changes holds in the next call: the caller's OK waits until this process knows of it.
    options.callers_known = [directory = host->directory_.get()](std::string_view organization, int64_t offset,
                                                                 auto done) {
      directory->WhenKnown(organization, offset, std::move(done));
    };
  }
  host->backend_ =
      std::make_unique<Backend>(*definition.domain, *environment.runtime, *environment.log, *std::move(store),
                                environment.keys, *environment.tokens, std::move(options));
  host->directory_->OnChange([backend = host->backend_.get()] { backend->watches().WakeAll(); });
  definition.add_handlers(*host->backend_);
  host->backend_->Subscribe(Cat(OwnService(definition, "EventService"), "/Subscribe"), definition.may_see_event);
  host->backend_->RecordForPeers(Cat(OwnService(definition, "PeerService"), "/RecordAccess"));
  return host;
}

absl::Status Host::Start() {
  if (absl::Status started = backend_->Start(); !started.ok()) return started;
  if (absl::Status started = directory_->Start(); !started.ok()) return started;
  if (absl::Status started = StartReactions(); !started.ok()) return started;
  StartRelay();
  if (definition_.start) running_ = definition_.start(*backend_);
  if (definition_.companion) {
    if (absl::Status started = definition_.companion->Start(*backend_); !started.ok()) return started;
  }
  started_ = true;
  return absl::OkStatus();
}

std::function<bool(int)> Host::Owns() const {
  if (environment_.peers == nullptr) return nullptr;
  return [backend = backend_.get()](int p) { return backend->owner().Owns(p); };
}

void Host::StartRelay() {
  const google::protobuf::Message& event = *definition_.domain->event;
  if (environment_.public_topics == nullptr || !view::HasPublicEvents(event)) return;
  view::Store& store = backend_->store();
  relay::RelayOptions options{.partitions = definition_.partitions, .owns = Owns()};
  options.shown = [&store](int p) { return store.next_offset(p); };
  relay_ = std::make_unique<relay::Relay>(*environment_.runtime, *environment_.log, std::string(service()), event,
                                          *environment_.public_topics, std::move(options));
  for (int p = 0; p < definition_.partitions; ++p) {
    relay_listeners_.push_back(store.Listen(p, [relay = relay_.get(), p] { relay->Wake(p); }));
  }
}

absl::Status Host::StartReactions() {
  const reaction::Submit submit = [backend = backend_.get()](auto organization, auto method, auto occasion, auto decide,
                                                             auto done) {
    backend->SubmitInternal(std::move(organization), std::move(method), std::move(occasion), std::move(decide),
                            std::move(done));
  };
  const std::function<bool(int)> owns = Owns();
  for (const reaction::Reaction& reaction : definition_.reactions) {
    reactors_.push_back(std::make_unique<reaction::Reactor>(
        *environment_.runtime, *environment_.log, backend_->store(), submit, reaction,
        reaction::ReactorOptions{.partitions = environment_.partitions, .owns = owns}));
    if (absl::Status started = reactors_.back()->Start(); !started.ok()) return started;
  }
  for (const reaction::DueTable& table : definition_.due) {
    due_runners_.push_back(std::make_unique<reaction::DueRunner>(
        *environment_.runtime, backend_->store(), submit, table,
        reaction::DueOptions{.partitions = environment_.partitions, .owns = owns}));
    due_runners_.back()->Start();
  }
  return absl::OkStatus();
}

// The threads of the reactions and the directory read the store that the backend owns, so they end first; and the owner
// before them, since it answers them.
Host::~Host() {
  running_.reset();
  if (backend_) backend_->owner().Stop();
  if (definition_.companion) definition_.companion->Stop();
  due_runners_.clear();
  reactors_.clear();
  for (size_t p = 0; p < relay_listeners_.size(); ++p) {
    backend_->store().Unlisten(static_cast<int>(p), relay_listeners_[p]);
  }
  relay_.reset();
  authenticator_.reset();
  directory_.reset();
  backend_.reset();
}

absl::StatusOr<std::unique_ptr<rpc::Frame>> Host::MakeFrame() {
  rpc::FrameOptions options = environment_.frame;
  options.hooks = LogHooks(environment_.call_log);
  options.open = started_;
  options.hooks.refused = [backend = backend_.get()](const rpc::CallInfo& call, const Principal& principal,
                                                     const absl::Status&) { backend->RecordRefusal(principal, call); };
  options.peer = PeerOf(environment_);
  auto services = definition_.services;
  for (const char* name : {"EventService", "PeerService"}) {
    // In the file of the event message, so they are linked wherever that is.
    const auto* own =
        google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(OwnService(definition_, name));
    if (own == nullptr) return absl::InternalError(Cat("no ", name, " is linked for ", definition_.domain->service));
    services.push_back(own);
  }
  return rpc::Frame::Create(services, std::move(backend_->handlers()),
                            environment_.authenticator ? environment_.authenticator : authenticator_,
                            std::move(options));
}

absl::Status Host::Health() const {
  absl::Status status = backend_->owner().Health();
  status.Update(directory_->Health());
  status.Update(backend_->store().Health());
  for (const auto& reactor : reactors_) status.Update(reactor->Health());
  for (const auto& runner : due_runners_) status.Update(runner->Health());
  if (relay_) status.Update(relay_->Health());
  if (definition_.companion) status.Update(definition_.companion->Health());
  return status;
}

}  // namespace trialog::service
