// Analytics as a service: its methods, and the worker that computes analyses.
#pragma once

#include <functional>
#include <memory>

#include "platform/blob/blob_folder.h"
#include "platform/service/host.h"

namespace grpc {
class Channel;
}

namespace trialog::analytics {

struct AnalyticsParts {
  blob::BlobFolder* blobs;  // Rows of dataset versions, sealed. Outlives the host.
  // A channel to the trials service, which believes this process who it is (in-process, or with its own identity); null
  // while there is none, which answers imports with UNAVAILABLE. Thread safe.
  std::function<std::shared_ptr<grpc::Channel>()> trials;
  // Whether this process computes analyses: of several replicas the one that owns the partitions.
  bool run_worker = true;
};

service::Definition AnalyticsDefinition(AnalyticsParts parts);

}  // namespace trialog::analytics
