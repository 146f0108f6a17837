// Analyses as callers meet them: asked for, decided about, read, drawn and verified. Computing is analysis_worker.h.
#include "platform/errors/errors.h"
#include "platform/sealing/digest.h"
#include "platform/text/text.h"
#include "services/analytics/app/analysis_input.h"
#include "services/analytics/app/parts.h"
#include "services/analytics/app/resource_types.h"
#include "services/analytics/domain/access.h"
#include "services/analytics/domain/analysis.h"

namespace trialog::analytics {
namespace {

using google::protobuf::Message;
using service::Target;
using service::Typed;

absl::StatusOr<Target> AimAtRequested(Runtime& runtime, v1::RequestAnalysisRequest& request) {
  if (!NameMatches(kCohorts.pattern, request.parent())) {
    return BadField("parent", "BAD_NAME", Cat("must have the form ", kCohorts.pattern));
  }
  if (request.analysis_id().empty()) {
    request.set_analysis_id(UuidText(UuidV7(absl::ToUnixMillis(runtime.Now()), runtime.RandomBytes(10))));
  }
  const std::string name = Cat(request.parent(), "/analyses/", request.analysis_id());
  if (!NameMatches(kAnalyses.pattern, name))
    return BadField("analysis_id", "BAD_ID", "1 to 63 letters, digits or . _ ~ -");
  return Target{std::string(OrganizationOf(name)), name, nullptr, ""};
}

// The request's reason is sealed as the analysis's state_reason.
absl::StatusOr<Target> AimAtWithheld(const v1::WithholdAnalysisRequest& request) {
  const std::string& name = request.name();
  if (!NameMatches(kAnalyses.pattern, name)) {
    return BadField("name", "BAD_NAME", Cat("must have the form ", kAnalyses.pattern));
  }
  Target target{std::string(OrganizationOf(name)), name, nullptr, std::string(DatasetOf(name))};
  if (request.reason().empty()) return target;
  auto personal = std::make_unique<v1::Analysis>();
  personal->set_state_reason(request.reason());
  target.personal = std::move(personal);
  return target;
}

// Calls `then` with the analysis and its result, once the reading is recorded.
using WithResult = std::function<void(const v1::Analysis&, const v1::AnalysisResult&)>;
void ReadResult(const AppPtr& app, std::shared_ptr<rpc::Call> call, WithResult then) {
  FindRecord(app, call, kAnalysisType, [app, call, then = std::move(then)](auto principal, const auto& seen) {
    if (!MaySeeResult(*principal, StateFor(*app, seen.name), seen.name, seen.row->template As<v1::Analysis>())) {
      return call->Finish(BrokenRule("RESULT_NOT_SHOWN", seen.name, "the result is shown once it is released"));
    }
    app->backend.Render(principal, *call, true, {seen}, [call, then](auto resources) {
      if (!resources.ok()) return call->Finish(resources.status());
      const auto& analysis = static_cast<const v1::Analysis&>(*resources->front());
      v1::AnalysisResult result;
      if (analysis.result().empty()) {
        return call->Finish(BrokenRule("RESULT_ERASED", analysis.name(), "the data of this dataset was erased"));
      }
      if (!result.ParseFromString(analysis.result())) {
        return call->Finish(Refuse(absl::StatusCode::kDataLoss, "RESULT_DAMAGED", "the stored result cannot be read"));
      }
      then(analysis, result);
    });
  });
}

void Plot(const std::shared_ptr<rpc::Call>& call, const v1::Analysis& analysis, const v1::AnalysisResult& result) {
  if (!result.has_survival()) {
    return call->Finish(BrokenRule("NO_PLOT", analysis.name(), "only survival analyses have a chart"));
  }
  const v1::AnalysisSpec& spec = analysis.spec();
  const std::string& group = (spec.has_log_rank() ? spec.log_rank() : spec.kaplan_meier()).group_column();
  v1::GetPlotResponse response;
  response.set_content_type("image/svg+xml");
  response.set_content(
      ToSvg(PlotOf(result.survival(), group.empty() ? std::string("Survival") : Cat("Survival by ", group))));
  call->Finish(response);
}

void Verify(const AppPtr& app, std::shared_ptr<rpc::Call> call, const v1::Analysis& analysis) {
  std::optional<AnalysisInput> input = InputOf(StateFor(*app, analysis.name()), analysis.name());
  if (!input) return call->Finish(Refuse(absl::StatusCode::kInternal, "NO_INPUT", "the analysis has lost its cohort"));
  const v1::DatasetVersion version = input->version;
  app->rows.Load(
      version, call->deadline(), app->work,
      [call, input = *std::move(input), stored = analysis.result()](absl::StatusOr<RowBlobs::Rows> rows) mutable {
        if (!rows.ok()) return call->Finish(rows.status());
        input.rows = **rows;
        const auto output = RunAnalysis(input);
        if (!output.ok()) return call->Finish(output.status());
        v1::VerifyAnalysisResponse response;
        response.set_same(output->bytes == stored);
        response.set_stored_sha256(sealing::Sha256(stored));
        response.set_computed_sha256(sealing::Sha256(output->bytes));
        call->Finish(response);
      });
}

}  // namespace

void AddAnalyses(const AppPtr& app) {
  service::Backend& backend = app->backend;
  const std::string service = "trialog.analytics.v1.AnalysisService/";
  backend.CommandMethod(
      service + "RequestAnalysis", kAnalysisType,
      [&runtime = backend.runtime()](Message& request, const Principal&) {
        return AimAtRequested(runtime, static_cast<v1::RequestAnalysisRequest&>(request));
      },
      Typed(RequestAnalysis));
  backend.Act(service + "CancelAnalysis", kAnalysisType, Typed(CancelAnalysis));
  backend.Get(service + "GetAnalysis", kAnalysisType);
  backend.List(service + "ListAnalyses", kAnalysisType, AnalysesOf);
  backend.Watch(service + "WatchAnalyses", kAnalysisType, AnalysesOf);
  backend.Act(service + "ReleaseAnalysis", kAnalysisType, Typed(ReleaseAnalysis));
  backend.CommandMethod(
      service + "WithholdAnalysis", kAnalysisType,
      [](Message& request, const Principal&) {
        return AimAtWithheld(static_cast<v1::WithholdAnalysisRequest&>(request));
      },
      Typed(WithholdAnalysis));
  backend.Unary(service + "GetAnalysisResult", [app](std::shared_ptr<rpc::Call> call) {
    ReadResult(app, call, [call](const v1::Analysis&, const v1::AnalysisResult& result) { call->Finish(result); });
  });
  backend.Unary(service + "GetPlot", [app](std::shared_ptr<rpc::Call> call) {
    ReadResult(app, call, [call](const auto& analysis, const auto& result) { Plot(call, analysis, result); });
  });
  backend.Unary(service + "VerifyAnalysis", [app](std::shared_ptr<rpc::Call> call) {
    ReadResult(app, call, [app, call](const v1::Analysis& analysis, const auto&) { Verify(app, call, analysis); });
  });
}

}  // namespace trialog::analytics
