// A row's stored bytes: the proto Row (trialog/event/v1/row.proto), written without building one.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "platform/view/state.h"

namespace trialog::view {

// Appends the row to `out`.
void AppendRow(const Row& row, std::string& out);

// DATA_LOSS with reason STORE_DAMAGED when the bytes are no row of the table.
absl::StatusOr<RowPtr> ParseRow(const Table& table, std::string_view bytes);

}  // namespace trialog::view
