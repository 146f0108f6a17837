// Analytics' resources as the platform serves them: who sees what of each, and where lists come from.
#pragma once

#include "platform/service/resource.h"

namespace trialog::analytics {

extern const service::ResourceType kDatasetType;
extern const service::ResourceType kVersionType;
// Members are shown to those who may read the rows.
extern const service::ResourceType kCohortType;
// The result is shown as MaySeeResult says; the ledger never.
extern const service::ResourceType kAnalysisType;

absl::StatusOr<service::ListSource> DatasetsOf(const Principal& principal, std::string_view parent,
                                               const google::protobuf::Message& request);
absl::StatusOr<service::ListSource> VersionsOf(const Principal& principal, std::string_view parent,
                                               const google::protobuf::Message& request);
absl::StatusOr<service::ListSource> CohortsOf(const Principal& principal, std::string_view parent,
                                              const google::protobuf::Message& request);
absl::StatusOr<service::ListSource> AnalysesOf(const Principal& principal, std::string_view parent,
                                               const google::protobuf::Message& request);

}  // namespace trialog::analytics
