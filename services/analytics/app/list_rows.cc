// The rows of a dataset version as its owner or a custodian reads them back, page by page.
#include <algorithm>

#include "platform/errors/errors.h"
#include "platform/service/page.h"
#include "platform/view/rocks.h"
#include "services/analytics/app/parts.h"
#include "services/analytics/app/resource_types.h"
#include "services/analytics/domain/access.h"

namespace trialog::analytics {
namespace {

constexpr int kDefaultRows = 50, kMaxRowsOfPage = 1000;

rpc::TokenScope ScopeOfPage(const rpc::Call& call, std::string_view version) {
  return {rpc::TokenKind::kPage, call.method_name(), version, "", ""};
}

// The number of the first row of the page asked for.
absl::StatusOr<int> FirstRow(const App& app, const rpc::Call& call, const v1::ListRowsRequest& request) {
  if (request.page_token().empty()) return 0;
  auto place = app.backend.tokens().Open(ScopeOfPage(call, request.parent()), request.page_token());
  if (!place.ok()) return place.status();
  return place->size() == 8 ? static_cast<int>(view::ReadU64(*place)) : 0;
}

v1::ListRowsResponse PageOf(const App& app, const rpc::Call& call, const v1::ListRowsRequest& request,
                            const v1::DataRows& rows, int first) {
  const int wanted = request.page_size() == 0 ? kDefaultRows : std::min(request.page_size(), kMaxRowsOfPage);
  v1::ListRowsResponse response;
  service::Page page(static_cast<size_t>(wanted));
  int row = first;
  for (; row < rows.rows_size() && page.Take(rows.rows(row).ByteSizeLong()); ++row) {
    *response.add_rows() = rows.rows(row);
  }
  if (row < rows.rows_size()) {
    std::string place;
    view::AppendU64(place, static_cast<uint64_t>(row));
    response.set_next_page_token(app.backend.tokens().Sign(ScopeOfPage(call, request.parent()), place));
  }
  return response;
}

void List(const AppPtr& app, std::shared_ptr<rpc::Call> call) {
  const absl::StatusOr<int> first = FirstRow(*app, *call, call->Request<v1::ListRowsRequest>());
  if (!first.ok()) return call->Finish(first.status());
  const auto read = [app, call, first = *first](auto principal, const service::Backend::Seen& seen) {
    if (!MayReadRowsOf(*principal, StateFor(*app, seen.name), seen.name)) {
      return call->Finish(
          Denied("ROWS_NOT_READABLE", "its rows are for a custodian and, without a trial's data, for its owner"));
    }
    app->rows.Load(seen.row->template As<v1::DatasetVersion>(), call->deadline(), app->work,
                   [=](absl::StatusOr<RowBlobs::Rows> rows) {
                     if (!rows.ok()) return call->Finish(rows.status());
                     auto page = PageOf(*app, *call, call->Request<v1::ListRowsRequest>(), **rows, first);
                     const int count = page.rows_size();
                     AfterRecord(app, call, *principal, "ROWS", seen.name, count,
                                 [call, page = std::move(page)] { call->Finish(page); });
                   });
  };
  FindRecord(app, call, kVersionType, read, "parent");
}

}  // namespace

void AddRows(const AppPtr& app) {
  app->backend.Unary("trialog.analytics.v1.DatasetService/ListRows",
                     [app](std::shared_ptr<rpc::Call> call) { List(app, std::move(call)); });
}

}  // namespace trialog::analytics
