// Decisions about datasets and their versions. Requests arrive validated in form and without rows: the rows of a
// version were checked (rows.h), sealed and stored as a blob before.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "platform/command/decision.h"
#include "trialog/analytics/v1/dataset.pb.h"

namespace trialog::analytics {

// Rows that the caller's request brought or an import assembled, already sealed.
struct StoredRows {
  int64_t row_count = 0;
  v1::SealedBlob blob;
  std::shared_ptr<const void> hold = nullptr;  // Whoever has it may yet name the blob, so that nobody deletes it.
};

// `rows` is null when the request had none.
absl::StatusOr<Decision> CreateDataset(const view::State& state, const Context& context,
                                       const v1::CreateDatasetRequest& request, const StoredRows* rows);
absl::StatusOr<Decision> UpdateDataset(const view::State& state, const Context& context,
                                       const v1::UpdateDatasetRequest& request);
absl::StatusOr<Decision> ShareDataset(const view::State& state, const Context& context,
                                      const v1::ShareDatasetRequest& request);
absl::StatusOr<Decision> UnshareDataset(const view::State& state, const Context& context,
                                        const v1::UnshareDatasetRequest& request);
// `position`: how far the trials service's public stream was folded when `rows` were assembled.
absl::StatusOr<Decision> ImportFromTrial(const view::State& state, const Context& context,
                                         const v1::ImportFromTrialRequest& request, const StoredRows& rows,
                                         const event::v1::Position& position);
absl::StatusOr<Decision> PublishVersion(const view::State& state, const Context& context,
                                        const v1::PublishVersionRequest& request);
absl::StatusOr<Decision> RetractVersion(const view::State& state, const Context& context,
                                        const v1::RetractVersionRequest& request);

}  // namespace trialog::analytics
