// All five services in one process, on one log, behind one gRPC port: the quick start, development, small
// sites. They share nothing but the log: each has a store of its own, and they call each other through gRPC.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/blob/blob_folder.h"
#include "platform/log/log.h"
#include "platform/sealing/caching_key_provider.h"
#include "platform/sealing/key_store.h"
#include "platform/service/front.h"
#include "platform/service/host.h"
#include "platform/service/remote_keys.h"
#include "services/process/common.h"
#include "services/process/serve.h"

namespace rocksdb {
class Env;
}

namespace trialog::standalone {

// Its folder `data` holds everything: keys/ (made by trialogctl init), log/, blobs/, stores/. Losing stores/ costs a
// replay; losing one of the others loses data.
struct Options : process::Config {
  Runtime* runtime = nullptr;  // Null: the real one.
  // Of log, stores, key store and blobs, not of the small files in keys/. Null: the operating system's; tests give one
  // that loses power. Outlives the standalone.
  rocksdb::Env* env = nullptr;
};

class Standalone final : public process::Serving {
 public:
  // Opens everything and listens; folds to the end of the log, service by service, and serves each from then on. Errors
  // say what to do.
  static absl::StatusOr<std::unique_ptr<Standalone>> Start(const Options& options);
  // As a crash would, but orderly: nothing is handed over.
  ~Standalone() override;

  int port() const override { return front_->port(); }
  int metrics_port() const override { return front_->metrics_port(); }
  rpc::Server& server() { return front_->server(); }
  const std::vector<std::unique_ptr<service::Host>>& hosts() const { return hosts_; }
  // OK while every service can fold its log.
  absl::Status Health() const;
  // As Front::Drain.
  void Drain(absl::Time deadline) override;

 private:
  Standalone() = default;
  absl::Status OpenHosts(const Options& options);
  absl::Status Serve(const Options& options);

  std::unique_ptr<log::Log> log_;
  std::unique_ptr<relay::Outlet> public_topics_;      // Null: none.
  std::unique_ptr<sealing::KeyJournal> key_journal_;  // Null on an embedded log.
  std::unique_ptr<sealing::KeyStore> key_store_;
  std::unique_ptr<sealing::KeyStoreProvider> local_keys_;
  std::vector<std::unique_ptr<service::RemoteKeyProvider>> remote_keys_;
  std::vector<std::unique_ptr<sealing::CachingKeyProvider>> cached_keys_;
  std::unique_ptr<rpc::TokenSigner> tokens_;
  std::unique_ptr<blob::BlobFolder> blobs_;
  std::shared_ptr<grpc::Channel> channel_;  // To ourselves.
  std::vector<std::unique_ptr<service::Host>> hosts_;
  std::unique_ptr<service::Front> front_;
};

}  // namespace trialog::standalone
