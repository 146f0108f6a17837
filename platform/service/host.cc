#include "platform/service/host.h"

#include "platform/text/text.h"

namespace trialog::service {
namespace {

absl::Status CheckLog(const Definition& definition, const Environment& environment, const view::Store& store) {
  absl::Status checked;
  if (!environment.check_log) return checked;
  for (int p = 0; p < definition.partitions; ++p) {
    checked.Update(environment.check_log(std::string(definition.domain->service), p, store.next_offset(p)));
  }
  for (int p = 0; p < environment.partitions; ++p) {
    checked.Update(environment.check_log("auth", p, store.fact_fold("auth", p).next_offset()));
  }
  return checked;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Host>> Host::Open(const Definition& definition, const Environment& environment) {
  std::unique_ptr<Host> host(new Host(definition, environment));
  auto store = view::Store::Open(*definition.domain, {.path = environment.store_path, .compress = environment.compress});
  if (!store.ok()) return store.status();
  view::Store& opened = **store;
  if (absl::Status checked = CheckLog(definition, environment, opened); !checked.ok()) return checked;
  host->directory_ = std::make_unique<callers::Directory>(*environment.runtime, *environment.log, opened, environment.partitions);
  host->authenticator_ = environment.authenticator;
  if (!host->authenticator_) {
    host->authenticator_ = std::make_shared<callers::TokenAuthenticator>(*environment.runtime, *host->directory_);
  }
  BackendOptions options;
  options.partitions = definition.partitions;
  options.request_key = environment.request_key;
  options.access_epoch = [directory = host->directory_.get()](std::string_view user) { return directory->Epoch(user); };
  host->backend_ = std::make_unique<Backend>(*definition.domain, *environment.runtime, *environment.log, *std::move(store),
                                             environment.keys, *environment.tokens, std::move(options));
  host->directory_->OnChange([backend = host->backend_.get()] { backend->watches().WakeAll(); });
  definition.add_handlers(*host->backend_);
  if (absl::Status started = host->backend_->Start(); !started.ok()) return started;
  if (absl::Status started = host->directory_->Start(); !started.ok()) return started;
  if (definition.companion) {
    if (absl::Status started = definition.companion->Start(*host->backend_); !started.ok()) return started;
  }
  return host;
}

// The directory's thread reads the store that the backend owns, so it ends first.
Host::~Host() {
  if (backend_) backend_->owner().Stop();
  if (definition_.companion) definition_.companion->Stop();
  authenticator_.reset();
  directory_.reset();
  backend_.reset();
}

absl::StatusOr<std::unique_ptr<rpc::Frame>> Host::MakeFrame() {
  rpc::FrameOptions options = environment_.frame;
  options.hooks.refused = [backend = backend_.get()](const rpc::CallInfo& call, const Principal& principal, const absl::Status&) {
    backend->RecordRefusal(principal, call.method_name());
  };
  return rpc::Frame::Create(definition_.services, std::move(backend_->handlers()), authenticator_, std::move(options));
}

absl::Status Host::Health() const {
  absl::Status status = backend_->owner().Health();
  status.Update(directory_->Health());
  status.Update(backend_->store().Health());
  if (definition_.companion) status.Update(definition_.companion->Health());
  return status;
}

}  // namespace trialog::service
