// Datasets and their versions: uploads and imports, whose rows are stored before the event that names them is decided.
#include "platform/callers/token_authenticator.h"
#include "platform/errors/errors.h"
#include "platform/rpc/client.h"
#include "platform/text/text.h"
#include "services/analytics/app/parts.h"
#include "services/analytics/app/resource_types.h"
#include "services/analytics/app/trial_rows.h"
#include "services/analytics/domain/dataset.h"
#include "services/analytics/domain/rows.h"
#include "services/analytics/domain/tables.h"
#include "trialog/trials/v1/data_capture.pb.h"

namespace trialog::analytics {
namespace {

using google::protobuf::Message;
using service::Typed;

constexpr absl::Duration kLongestImport = absl::Minutes(5);

// The name of the dataset to be made; draws an id for the command when the request has none.
absl::StatusOr<std::string> NewDatasetName(const App& app, const v1::CreateDatasetRequest& request) {
  if (!NameMatches("organizations/*", request.parent())) {
    return BadField("parent", "BAD_NAME", "must have the form organizations/*");
  }
  Runtime& runtime = app.backend.runtime();
  const std::string drawn = UuidText(UuidV7(absl::ToUnixMillis(runtime.Now()), runtime.RandomBytes(10)));
  std::string name = Cat(request.parent(), "/datasets/", request.dataset_id().empty() ? drawn : request.dataset_id());
  if (!NameMatches(kDatasets.pattern, name))
    return BadField("dataset_id", "BAD_ID", "1 to 63 letters, digits or . _ ~ -");
  return name;
}

// The id goes into the request only when the command runs: a retry must have the same fingerprint.
service::Aim AimAtNew(const std::string& name) {
  return [name](Message& request, const Principal&) -> absl::StatusOr<service::Target> {
    static_cast<v1::CreateDatasetRequest&>(request).set_dataset_id(std::string(IdOf(name)));
    return service::Target{std::string(OrganizationOf(name)), name, nullptr, ""};
  };
}

service::DecideRequest DecideCreation(std::optional<StoredRows> rows) {
  return [rows = std::move(rows)](const view::State& state, const Context& context, const Message& request,
                                  const event::v1::SealedPart&) {
    return CreateDataset(state, context, static_cast<const v1::CreateDatasetRequest&>(request),
                         rows ? &*rows : nullptr);
  };
}

void Create(const AppPtr& app, std::shared_ptr<rpc::Call> call) {
  const auto& request = call->Request<v1::CreateDatasetRequest>();
  const auto name = NewDatasetName(*app, request);
  if (!name.ok()) return call->Finish(name.status());
  if (request.rows().empty()) {
    return app->backend.Run(std::move(call), kDatasetType, AimAtNew(*name), DecideCreation(std::nullopt));
  }
  if (absl::Status bad = CheckColumns(request.columns(), "columns"); !bad.ok()) return call->Finish(bad);
  if (absl::Status bad = CheckRows(request.columns(), request.rows()); !bad.ok()) return call->Finish(bad);
  const absl::Status refusal = Foresee(*app, *call, *name, [&](const view::State& state, const Context& context) {
    const StoredRows none;
    return CreateDataset(state, context, request, &none);
  });
  if (!refusal.ok()) return RefuseCommand(app, std::move(call), kDatasetType, *name, refusal);
  auto rows = std::make_shared<v1::DataRows>();
  *rows->mutable_rows() = request.rows();
  app->rows.Store(*name, std::move(rows), call->deadline(), app->work,
                  [app, call, name = *name](absl::StatusOr<StoredRows> stored) {
                    if (!stored.ok()) return call->Finish(stored.status());
                    app->backend.Run(call, kDatasetType, AimAtNew(name), DecideCreation(*std::move(stored)));
                  });
}

// The trial's coded data as rows. Blocks.
absl::StatusOr<std::shared_ptr<v1::DataRows>> FetchRows(const App& app, const rpc::Call& call,
                                                        const v1::ImportFromTrialRequest& request) {
  const auto channel = app.parts.trials ? app.parts.trials() : nullptr;
  if (!channel) {
    return RetryLater(absl::StatusCode::kUnavailable, "TRIALS_UNAVAILABLE",
                      "the trials service cannot be reached; try again", absl::Seconds(1));
  }
  // The caller's own token goes along: trials decides what this person may export, and records who did.
  rpc::ClientOptions options{.token = std::string(call.bearer_token()), .timeout = kLongestImport};
  options.metadata = {{callers::kServiceMetadata, "analytics"}};
  if (std::string trace = call.traceparent(); !trace.empty())
    options.metadata.emplace_back("traceparent", std::move(trace));
  if (call.deadline() != absl::InfiniteFuture()) {
    options.timeout = std::min(options.timeout, call.deadline() - app.backend.runtime().Now());
  }
  if (request.has_min_position()) {
    options.metadata.emplace_back("trialog-min-position",
                                  Cat(request.min_position().partition(), "/", request.min_position().offset()));
  }
  trials::v1::ExportCodedCapturesRequest wanted;
  wanted.set_parent(request.trial());
  const rpc::Client client(channel);
  const auto stream = client.Open("trialog.trials.v1.DataCaptureService/ExportCodedCaptures", wanted, options);
  TrialRows rows(request.columns());
  absl::Status added;
  trials::v1::ExportCodedCapturesResponse subject;
  while (added.ok() && stream->Read(subject)) {
    added = call.cancelled() ? absl::CancelledError("the caller has gone") : rows.Add(subject);
  }
  if (!added.ok()) stream->Cancel();
  const absl::Status finished = stream->Finish();
  if (!added.ok()) return added;
  if (!finished.ok()) return finished;
  auto taken = std::make_shared<v1::DataRows>(rows.Take());
  if (absl::Status bad = CheckRows(request.columns(), taken->rows()); !bad.ok()) return bad;
  return taken;
}

void Import(const AppPtr& app, std::shared_ptr<rpc::Call> call) {
  const auto& request = call->Request<v1::ImportFromTrialRequest>();
  const std::string name = request.name();
  if (!NameMatches(kDatasets.pattern, name)) {
    return call->Finish(BadField("name", "BAD_NAME", Cat("must have the form ", kDatasets.pattern)));
  }
  const absl::Status refusal = Foresee(*app, *call, name, [&](const view::State& state, const Context& context) {
    return ImportFromTrial(state, context, request, StoredRows(), request.min_position());
  });
  if (!refusal.ok()) return RefuseCommand(app, std::move(call), kVersionType, name, refusal);
  const bool taken = app->imports->Post([app, call, name, &request] {
    auto rows = FetchRows(*app, *call, request);
    if (!rows.ok()) return call->Finish(rows.status());
    app->rows.Store(
        name, *std::move(rows), call->deadline(), app->work, [app, call, name](absl::StatusOr<StoredRows> stored) {
          if (!stored.ok()) return call->Finish(stored.status());
          app->backend.Run(call, kVersionType, AimAt(name),
                           [stored = *std::move(stored)](const view::State& state, const Context& context,
                                                         const Message& message, const event::v1::SealedPart&) {
                             const auto& wanted = static_cast<const v1::ImportFromTrialRequest&>(message);
                             return ImportFromTrial(state, context, wanted, stored, wanted.min_position());
                           });
        });
  });
  if (!taken) call->Finish(QueueFull());
}

}  // namespace

void AddDatasets(const AppPtr& app) {
  service::Backend& backend = app->backend;
  const std::string service = "trialog.analytics.v1.DatasetService/";
  backend.Unary(service + "CreateDataset", [app](std::shared_ptr<rpc::Call> call) {
    const std::string parent = call->Request<v1::CreateDatasetRequest>().parent();
    WhereOwned(app, std::move(call), parent, Create);
  });
  backend.Get(service + "GetDataset", kDatasetType);
  backend.List(service + "ListDatasets", kDatasetType, DatasetsOf);
  backend.Update(service + "UpdateDataset", kDatasetType, Typed(UpdateDataset));
  backend.Act(service + "PublishVersion", kVersionType, Typed(PublishVersion));
  backend.Act(service + "RetractVersion", kVersionType, Typed(RetractVersion));
  backend.Get(service + "GetVersion", kVersionType);
  backend.List(service + "ListVersions", kVersionType, VersionsOf);
  backend.Act(service + "ShareDataset", kDatasetType, Typed(ShareDataset));
  backend.Act(service + "UnshareDataset", kDatasetType, Typed(UnshareDataset));
  backend.Unary(service + "ImportFromTrial", [app](std::shared_ptr<rpc::Call> call) {
    const std::string name = call->Request<v1::ImportFromTrialRequest>().name();
    WhereOwned(app, std::move(call), name, Import);
  });
}

}  // namespace trialog::analytics
