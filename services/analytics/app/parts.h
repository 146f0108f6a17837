// What analytics' handlers share.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "platform/service/backend.h"
#include "services/analytics/app/analytics_app.h"
#include "services/analytics/app/row_blobs.h"
#include "services/analytics/app/work_queue.h"

namespace trialog::analytics {

struct App {
  App(service::Backend& backend, AnalyticsParts parts);

  service::Backend& backend;
  const AnalyticsParts parts;
  RowBlobs rows;
  std::shared_ptr<WorkQueue> work;     // What callers wait for: uploads, counts, verification.
  std::shared_ptr<WorkQueue> imports;  // Streams from trials: long, one at a time.
};
using AppPtr = std::shared_ptr<App>;

void AddDatasets(const AppPtr& app);
void AddCohorts(const AppPtr& app);
void AddAnalyses(const AppPtr& app);
void AddRows(const AppPtr& app);

// The committed state of the organisation that a resource belongs to.
const view::State& StateFor(const App& app, std::string_view name);

// Calls `then` with the record that this field of the request names, when the caller may see it; else finishes the
// call.
using WithRecord = std::function<void(std::shared_ptr<const Principal>, service::Backend::Seen)>;
void FindRecord(const AppPtr& app, std::shared_ptr<rpc::Call> call, const service::ResourceType& type, WithRecord then,
                std::string_view field = "name");

// Records that this was read, `what` in a word, before `then` answers; the call is finished when it cannot be recorded.
void AfterRecord(const AppPtr& app, std::shared_ptr<rpc::Call> call, const Principal& principal, std::string_view what,
                 std::string_view name, int64_t count, std::function<void()> then);

// A command about the record `name` without personal fields.
service::Aim AimAt(std::string name);

// Handles a command that looks at records before it is submitted, where the organisation of `name` is written for: any
// other replica passes it on, since it might refuse what it has not yet read of.
using Handle = void (*)(const AppPtr& app, std::shared_ptr<rpc::Call> call);
void WhereOwned(const AppPtr& app, std::shared_ptr<rpc::Call> call, const std::string& name, Handle handle);

// What `decide` would answer now: asked before rows are read, fetched or stored for it. It is asked again by the owner.
using Tentative = std::function<absl::StatusOr<Decision>(const view::State&, const Context&)>;
absl::Status Foresee(const App& app, const rpc::Call& call, std::string_view name, const Tentative& decide);

// Refuses a command through the owner, which gives a repeated request its first outcome instead.
void RefuseCommand(const AppPtr& app, std::shared_ptr<rpc::Call> call, const service::ResourceType& type,
                   std::string name, absl::Status refusal);

}  // namespace trialog::analytics
