// Cohorts: what their criteria choose, counted under disclosure control, and frozen.
//
// What remains: each answer is safe by itself and in itself, but whoever evaluates a draft again and again with
// criteria that differ by a little can compare the answers. The ledger guards released results, not these counts; so
// each count is recorded as a read of the rows, by whom and of which cohort, before it is answered.
#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/analytics/app/parts.h"
#include "services/analytics/app/resource_types.h"
#include "services/analytics/domain/access.h"
#include "services/analytics/domain/cohort.h"
#include "services/analytics/domain/criteria.h"
#include "services/analytics/domain/names.h"
#include "services/analytics/domain/tables.h"
#include "services/analytics/statistics/disclosure.h"

namespace trialog::analytics {
namespace {

using google::protobuf::Message;
using service::Typed;
using Seen = service::Backend::Seen;
using VersionPtr = std::shared_ptr<const v1::DatasetVersion>;

// The dataset version that a cohort's rows come from; decisions see to it that it is there.
VersionPtr VersionOf(const App& app, const v1::Cohort& cohort) {
  return StateFor(app, cohort.name()).Get<v1::DatasetVersion>(kVersions, cohort.dataset_version());
}

// Counts the cohort's rows, records that they were read, and answers.
void Count(const AppPtr& app, std::shared_ptr<rpc::Call> call, std::shared_ptr<const Principal> principal,
           const Seen& seen, const VersionPtr& version, std::function<void(const v1::Attrition&)> answer) {
  app->rows.Load(*version, call->deadline(), app->work, [=](absl::StatusOr<RowBlobs::Rows> rows) {
    if (!rows.ok()) return call->Finish(rows.status());
    const auto& criteria = seen.row->As<v1::Cohort>().criteria();
    const CohortRows chosen = SelectCohort(version->columns(), criteria, (*rows)->rows());
    const v1::Attrition attrition = ShowAttritionOf(criteria, chosen, kThreshold);
    AfterRecord(app, call, *principal, "COUNTS", seen.name, 1, [=] { answer(attrition); });
  });
}

void EvaluateCall(const AppPtr& app, std::shared_ptr<rpc::Call> call) {
  FindRecord(app, call, kCohortType, [app, call](auto principal, const Seen& seen) {
    const absl::Status may = RequireAnalyst(*principal, StateFor(*app, seen.name), DatasetOf(seen.name));
    if (!may.ok()) return call->Finish(may);
    const VersionPtr version = VersionOf(*app, seen.row->As<v1::Cohort>());
    if (!version || version->state() == v1::DatasetVersion::STATE_RETRACTED) {
      return call->Finish(BrokenRule("VERSION_RETRACTED", seen.name, "choose another dataset version"));
    }
    Count(app, call, principal, seen, version, [call](const v1::Attrition& attrition) {
      v1::EvaluateCohortResponse response;
      *response.mutable_attrition() = attrition;
      call->Finish(response);
    });
  });
}

void AttritionCall(const AppPtr& app, std::shared_ptr<rpc::Call> call) {
  FindRecord(app, call, kCohortType, [app, call](auto principal, const Seen& seen) {
    const auto& cohort = seen.row->As<v1::Cohort>();
    const VersionPtr version = VersionOf(*app, cohort);
    if (!version || cohort.state() == v1::Cohort::STATE_DRAFT) {
      return call->Finish(BrokenRule("COHORT_NOT_FROZEN", seen.name, "freeze it first, or evaluate it"));
    }
    Count(app, call, principal, seen, version, [call](const v1::Attrition& attrition) { call->Finish(attrition); });
  });
}

// Subject keys of the rows that the cohort chooses, as the resource's personal part.
std::shared_ptr<const v1::Cohort> MembersOf(const v1::Cohort& cohort, const v1::DatasetVersion& version,
                                            const v1::DataRows& rows) {
  auto members = std::make_shared<v1::Cohort>();
  for (int row : SelectCohort(version.columns(), cohort.criteria(), rows.rows()).rows) {
    members->add_members(rows.rows(row).subject());
  }
  return members;
}

void Freeze(const AppPtr& app, std::shared_ptr<rpc::Call> call) {
  const auto& request = call->Request<v1::FreezeCohortRequest>();
  const std::string name = request.name();
  if (!NameMatches(kCohorts.pattern, name)) {
    return call->Finish(BadField("name", "BAD_NAME", Cat("must have the form ", kCohorts.pattern)));
  }
  const auto cohort = StateFor(*app, name).Get<v1::Cohort>(kCohorts, name);
  const absl::Status refusal = Foresee(*app, *call, name, [&](const view::State& state, const Context& context) {
    return FreezeCohort(state, context, request, {}, cohort ? cohort->revision() : 0);
  });
  if (!refusal.ok()) return RefuseCommand(app, std::move(call), kCohortType, name, refusal);
  const VersionPtr version = VersionOf(*app, *cohort);
  app->rows.Load(*version, call->deadline(), app->work, [=](absl::StatusOr<RowBlobs::Rows> rows) {
    if (!rows.ok()) return call->Finish(rows.status());
    const auto members = MembersOf(*cohort, *version, **rows);
    app->backend.Run(
        call, kCohortType,
        [name, members](Message&, const Principal&) -> absl::StatusOr<service::Target> {
          return service::Target{std::string(OrganizationOf(name)), name, std::make_unique<v1::Cohort>(*members),
                                 std::string(DatasetOf(name))};
        },
        [revision = cohort->revision()](const view::State& state, const Context& context, const Message& message,
                                        const event::v1::SealedPart& sealed) {
          return FreezeCohort(state, context, static_cast<const v1::FreezeCohortRequest&>(message), sealed, revision);
        });
  });
}

}  // namespace

void AddCohorts(const AppPtr& app) {
  service::Backend& backend = app->backend;
  const std::string service = "trialog.analytics.v1.CohortService/";
  backend.Create(service + "CreateCohort", kCohortType, Typed(CreateCohort));
  backend.Get(service + "GetCohort", kCohortType);
  backend.List(service + "ListCohorts", kCohortType, CohortsOf);
  backend.Update(service + "UpdateCohort", kCohortType, Typed(UpdateCohort));
  backend.Unary(service + "EvaluateCohort",
                [app](std::shared_ptr<rpc::Call> call) { EvaluateCall(app, std::move(call)); });
  backend.Unary(service + "FreezeCohort", [app](std::shared_ptr<rpc::Call> call) {
    const std::string name = call->Request<v1::FreezeCohortRequest>().name();
    WhereOwned(app, std::move(call), name, Freeze);
  });
  backend.Act(service + "RetireCohort", kCohortType, Typed(RetireCohort));
  backend.Unary(service + "GetAttrition",
                [app](std::shared_ptr<rpc::Call> call) { AttritionCall(app, std::move(call)); });
}

}  // namespace trialog::analytics
