#include "services/analytics/app/analytics_app.h"

#include "platform/errors/errors.h"
#include "platform/service/fields.h"
#include "platform/text/text.h"
#include "platform/view/times.h"
#include "services/analytics/app/analysis_worker.h"
#include "services/analytics/app/blob_sweeper.h"
#include "services/analytics/app/parts.h"
#include "services/analytics/domain/evolve.h"
#include "trialog/analytics/v1/analysis.pb.h"
#include "trialog/analytics/v1/cohort.pb.h"
#include "trialog/analytics/v1/dataset.pb.h"

namespace trialog::analytics {
namespace {

// Tasks hold the rows of a request or of a version: 4 to 64 MB each at most.
constexpr size_t kMaxWorkWaiting = 16;
constexpr size_t kMaxImportsWaiting = 4;

// What runs beside the handlers, until it is destroyed.
class Running {
 public:
  explicit Running(AppPtr app)
      : app_(std::move(app)),
        worker_(app_->backend, app_->rows),
        sweeper_(app_->backend, *app_->parts.blobs, app_->rows.pending()) {
    if (app_->parts.run_worker) worker_.Start();
    sweeper_.Start();
  }
  ~Running() {
    worker_.Stop();
    app_->imports->Stop();
    app_->work->Stop();
  }

 private:
  const AppPtr app_;
  AnalysisWorker worker_;
  BlobSweeper sweeper_;
};

}  // namespace

App::App(service::Backend& backend, AnalyticsParts given)
    : backend(backend),
      parts(std::move(given)),
      rows(backend, *parts.blobs),
      work(std::make_shared<WorkQueue>(backend.runtime(), "analytics-work", kMaxWorkWaiting)),
      imports(std::make_shared<WorkQueue>(backend.runtime(), "analytics-imports", kMaxImportsWaiting)) {}

const view::State& StateFor(const App& app, std::string_view name) {
  return app.backend.store().partition(app.backend.PartitionOf(OrganizationOf(name)));
}

void FindRecord(const AppPtr& app, std::shared_ptr<rpc::Call> call, const service::ResourceType& type, WithRecord then,
                std::string_view field) {
  const std::string name = service::StringField(call->request(), field);
  if (!NameMatches(type.table->pattern, name)) {
    return call->Finish(BadField(field, "BAD_NAME", Cat("must have the form ", type.table->pattern)));
  }
  app->backend.WhenReadable(call, name, [app, call, name, &type, then = std::move(then)](auto principal) {
    const view::State& state = StateFor(*app, name);
    view::RowPtr row = state.Find(*type.table, name);
    const bool visible = row && type.may_see(*principal, state, name, *row);
    if (absl::Status health = app->backend.store().Health(); !health.ok()) return call->Finish(health);
    if (!visible) return call->Finish(NotVisible(row != nullptr, "record"));
    then(std::move(principal), {&type, name, std::move(row)});
  });
}

void AfterRecord(const AppPtr& app, std::shared_ptr<rpc::Call> call, const Principal& principal, std::string_view what,
                 std::string_view name, int64_t count, std::function<void()> then) {
  event::v1::Access access;
  access.set_outcome(event::v1::Access::OUTCOME_SHOWN);
  access.set_purpose(std::string(what));
  access.add_subjects(std::string(name));
  access.set_count(count);
  const service::Via via(*call);
  app->backend.RecordAccess(principal, via, std::move(access), name,
                            [call = std::move(call), then = std::move(then)](const absl::Status& recorded) {
                              recorded.ok() ? then() : call->Finish(recorded);
                            });
}

service::Aim AimAt(std::string name) {
  return [name = std::move(name)](google::protobuf::Message&, const Principal&) -> absl::StatusOr<service::Target> {
    return service::Target{std::string(OrganizationOf(name)), name, nullptr, ""};
  };
}

void WhereOwned(const AppPtr& app, std::shared_ptr<rpc::Call> call, const std::string& name, Handle handle) {
  const std::string organization(OrganizationOf(name));
  if (organization.empty()) return handle(app, std::move(call));  // Which says what is wrong with the name.
  app->backend.AtOwner(call, organization, [app, call, handle] { handle(app, call); });
}

absl::Status Foresee(const App& app, const rpc::Call& call, std::string_view name, const Tentative& decide) {
  Context context{.principal = call.principal(), .organization = std::string(OrganizationOf(name))};
  context.record_time = ToProto(app.backend.runtime().Now());
  context.command_id.assign(16, '\0');
  return decide(StateFor(app, name), context).status();
}

void RefuseCommand(const AppPtr& app, std::shared_ptr<rpc::Call> call, const service::ResourceType& type,
                   std::string name, absl::Status refusal) {
  app->backend.Run(
      std::move(call), type, AimAt(std::move(name)),
      [refusal = std::move(refusal)](const view::State&, const Context&, const google::protobuf::Message&,
                                     const event::v1::SealedPart&) -> absl::StatusOr<Decision> { return refusal; });
}

service::Definition AnalyticsDefinition(AnalyticsParts parts) {
  service::Definition definition;
  definition.domain = &AnalyticsDomain();
  for (const auto* file :
       {v1::Dataset::descriptor()->file(), v1::Cohort::descriptor()->file(), v1::Analysis::descriptor()->file()}) {
    for (int i = 0; i < file->service_count(); ++i) definition.services.push_back(file->service(i));
  }
  auto app = std::make_shared<AppPtr>();  // Made with the backend, which comes later.
  definition.add_handlers = [app, parts = std::move(parts)](service::Backend& backend) {
    *app = std::make_shared<App>(backend, parts);
    AddDatasets(*app);
    AddCohorts(*app);
    AddAnalyses(*app);
    AddRows(*app);
  };
  definition.start = [app](service::Backend&) -> std::shared_ptr<void> {
    return std::make_shared<Running>(std::exchange(*app, nullptr));
  };
  return definition;
}

}  // namespace trialog::analytics
