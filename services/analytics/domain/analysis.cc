#include "services/analytics/domain/analysis.h"

#include "platform/errors/errors.h"
#include "services/analytics/domain/access.h"
#include "services/analytics/domain/analysis_spec.h"
#include "services/analytics/domain/names.h"
#include "services/analytics/domain/states.h"
#include "services/analytics/domain/tables.h"
#include "services/analytics/statistics/disclosure.h"
#include "trialog/analytics/v1/cohort.pb.h"
#include "trialog/analytics/v1/events.pb.h"

namespace trialog::analytics {
namespace {

using v1::Analysis;

struct MoveWords {
  std::string decider;
  std::string failure_reason;
  event::v1::SealedPart sealed;
};

void AddAnalysisMove(Decision& decision, const std::string& name, Analysis::State to, const MoveWords& words = {}) {
  v1::AnalyticsEvent event;
  v1::AnalysisMoved& moved = *event.mutable_analysis_moved();
  moved.set_name(name);
  moved.set_state(to);
  moved.set_decider(words.decider);
  moved.set_failure_reason(words.failure_reason);
  *moved.mutable_sealed() = words.sealed;
  decision.Add(name, std::move(event));
}

absl::Status CheckMove(const Analysis& analysis, Analysis::State to) {
  if (MayMove(analysis.state(), to)) return absl::OkStatus();
  return BrokenRule("ILLEGAL_STATE", analysis.name(), "the analysis is not in a state that allows this");
}

absl::StatusOr<view::RowPtr> VisibleAnalysis(const view::State& state, const Context& context,
                                             const std::string& name) {
  view::RowPtr row = state.Find(kAnalyses, name);
  if (!row || !MaySee(context.principal, state, kAnalyses, name, *row)) return NotVisible(row != nullptr, "analysis");
  return row;
}

// The analysis, when the caller may decide about its result.
absl::StatusOr<view::RowPtr> Decidable(const view::State& state, const Context& context, const std::string& name,
                                       const std::string& etag) {
  auto row = VisibleAnalysis(state, context, name);
  if (!row.ok()) return row;
  if (!IsCustodian(context.principal, name)) return Denied("NOT_CUSTODIAN", "a data custodian decides about results");
  if ((*row)->As<Analysis>().requester() == context.principal.user()) {
    return Denied("OWN_RESULT", "another custodian must decide about a result that you asked for");
  }
  if (!etag.empty() && etag != EtagOf(**row)) return StaleEtag(name);
  return row;
}

// Whether the ledger of the dataset version allows one more result.
bool LedgerAllows(const view::State& state, const std::string& version, const std::vector<RowNumbers>& candidates) {
  constexpr size_t kPage = 100;
  std::string after;
  for (;;) {
    const std::vector<view::Found> found = state.Scan(kReleasedByVersion, view::GroupPrefix(version), kPage, after);
    for (const view::Found& entry : found) {
      const auto released = state.Get<Analysis>(kAnalyses, entry.name);
      if (!released) continue;
      std::vector<RowNumbers> sets;
      for (const v1::RowSet& set : released->released_sets()) sets.emplace_back(set.bits());
      if (!MayRelease(sets, candidates, kThreshold)) return false;
    }
    if (found.size() < kPage) return true;
    after = found.back().key;
  }
}

absl::StatusOr<view::RowPtr> ForWorker(const view::State& state, const Context& context, const std::string& name,
                                       Analysis::State to) {
  if (!context.principal.internal) return Denied("INTERNAL_ONLY", "only the service itself reports on its work");
  const view::RowPtr row = state.Find(kAnalyses, name);
  if (!row) return NotFound("analysis");
  if (absl::Status bad = CheckMove(row->As<Analysis>(), to); !bad.ok()) return bad;
  return row;
}

}  // namespace

absl::StatusOr<Decision> RequestAnalysis(const view::State& state, const Context& context,
                                         const v1::RequestAnalysisRequest& request) {
  const std::string& parent = request.parent();
  const view::RowPtr cohort_row = state.Find(kCohorts, parent);
  if (!cohort_row || !MaySee(context.principal, state, kCohorts, parent, *cohort_row)) {
    return NotVisible(cohort_row != nullptr, "cohort");
  }
  if (absl::Status may = RequireAnalyst(context.principal, state, DatasetOf(parent)); !may.ok()) return may;
  const auto& cohort = cohort_row->As<v1::Cohort>();
  if (cohort.state() != v1::Cohort::STATE_FROZEN) return BrokenRule("COHORT_NOT_FROZEN", parent, "freeze it first");
  const auto version = state.Get<v1::DatasetVersion>(kVersions, cohort.dataset_version());
  if (!version || version->state() == v1::DatasetVersion::STATE_RETRACTED) {
    return BrokenRule("VERSION_RETRACTED", cohort.dataset_version(), "use a cohort of another version");
  }
  if (absl::Status bad = CheckSpec(version->columns(), request.spec()); !bad.ok()) return bad;
  const std::string id = request.analysis_id().empty() ? context.NewId() : request.analysis_id();
  const std::string name = Cat(parent, "/analyses/", id);
  if (!NameMatches(kAnalyses.pattern, name)) return BadField("analysis_id", "BAD_ID", "1 to 63 of [A-Za-z0-9._~-]");
  if (state.Find(kAnalyses, name)) {
    return Refuse(absl::StatusCode::kAlreadyExists, "ID_TAKEN", "choose another analysis_id");
  }

  const std::string_view dataset_name = DatasetOf(parent);
  const auto dataset = state.Get<v1::Dataset>(kDatasets, dataset_name);
  const bool automatic =
      dataset->release_policy() == v1::RELEASE_POLICY_AUTO && MayReadRows(context.principal, dataset_name, *dataset);
  Decision decision{.names = {name}};
  v1::AnalyticsEvent event;
  Analysis& analysis = *event.mutable_analysis_requested()->mutable_analysis();
  analysis.set_name(name);
  analysis.set_uid(context.NewId());
  *analysis.mutable_spec() = request.spec();
  analysis.set_state(Analysis::STATE_REQUESTED);
  analysis.set_requester(context.principal.user());
  analysis.set_release_policy(automatic ? v1::RELEASE_POLICY_AUTO : v1::RELEASE_POLICY_CUSTODIAN);
  analysis.set_dataset_version(cohort.dataset_version());
  decision.Add(name, std::move(event));
  AddAnalysisMove(decision, name, Analysis::STATE_QUEUED);
  return decision;
}

absl::StatusOr<Decision> CancelAnalysis(const view::State& state, const Context& context,
                                        const v1::CancelAnalysisRequest& request) {
  const auto row = VisibleAnalysis(state, context, request.name());
  if (!row.ok()) return row.status();
  const auto& analysis = (*row)->As<Analysis>();
  if (analysis.requester() != context.principal.user()) return Denied("NOT_REQUESTER", "only who asked may cancel it");
  Decision decision{.names = {request.name()}};
  if (analysis.state() == Analysis::STATE_CANCELLED) return decision;
  if (absl::Status bad = CheckMove(analysis, Analysis::STATE_CANCELLED); !bad.ok()) return bad;
  AddAnalysisMove(decision, request.name(), Analysis::STATE_CANCELLED);
  return decision;
}

absl::StatusOr<Decision> ReleaseAnalysis(const view::State& state, const Context& context,
                                         const v1::ReleaseAnalysisRequest& request) {
  const auto row = Decidable(state, context, request.name(), request.etag());
  if (!row.ok()) return row.status();
  const auto& analysis = (*row)->As<Analysis>();
  if (absl::Status bad = CheckMove(analysis, Analysis::STATE_RELEASED); !bad.ok()) return bad;
  std::vector<RowNumbers> sets;
  for (const v1::RowSet& set : analysis.released_sets()) sets.emplace_back(set.bits());
  if (!LedgerAllows(state, analysis.dataset_version(), sets)) {
    return BrokenRule("DIFFERENCING", request.name(), "a released result differs from this one by a few people");
  }
  Decision decision{.names = {request.name()}};
  AddAnalysisMove(decision, request.name(), Analysis::STATE_RELEASED, {.decider = context.principal.user()});
  return decision;
}

absl::StatusOr<Decision> WithholdAnalysis(const view::State& state, const Context& context,
                                          const v1::WithholdAnalysisRequest& request,
                                          const event::v1::SealedPart& sealed) {
  const auto row = Decidable(state, context, request.name(), request.etag());
  if (!row.ok()) return row.status();
  if (absl::Status bad = CheckMove((*row)->As<Analysis>(), Analysis::STATE_WITHHELD); !bad.ok()) return bad;
  Decision decision{.names = {request.name()}};
  AddAnalysisMove(decision, request.name(), Analysis::STATE_WITHHELD,
                  {.decider = context.principal.user(), .sealed = sealed});
  return decision;
}

absl::StatusOr<Decision> StartAnalysis(const view::State& state, const Context& context, const std::string& name) {
  const auto row = ForWorker(state, context, name, Analysis::STATE_RUNNING);
  if (!row.ok()) return row.status();
  Decision decision{.names = {name}};
  AddAnalysisMove(decision, name, Analysis::STATE_RUNNING);
  return decision;
}

absl::StatusOr<Decision> CompleteAnalysis(const view::State& state, const Context& context, const std::string& name,
                                          const std::vector<RowNumbers>& released_sets,
                                          const event::v1::SealedPart& sealed) {
  const auto row = ForWorker(state, context, name, Analysis::STATE_SUCCEEDED);
  if (!row.ok()) return row.status();
  Decision decision{.names = {name}};
  v1::AnalyticsEvent event;
  event.mutable_analysis_succeeded()->set_name(name);
  for (const RowNumbers& set : released_sets) {
    event.mutable_analysis_succeeded()->add_released_sets()->set_bits(set.bits());
  }
  *event.mutable_analysis_succeeded()->mutable_sealed() = sealed;
  decision.Add(name, std::move(event));

  const auto& analysis = (*row)->As<Analysis>();
  const auto dataset = state.Get<v1::Dataset>(kDatasets, DatasetOf(name));
  // The policy may have become stricter since the analysis was asked for.
  if (analysis.release_policy() != v1::RELEASE_POLICY_AUTO || !dataset ||
      dataset->release_policy() != v1::RELEASE_POLICY_AUTO) {
    return decision;
  }
  if (LedgerAllows(state, analysis.dataset_version(), released_sets)) {
    AddAnalysisMove(decision, name, Analysis::STATE_RELEASED);
  } else {
    AddAnalysisMove(decision, name, Analysis::STATE_WITHHELD, {.failure_reason = "DIFFERENCING"});
  }
  return decision;
}

absl::StatusOr<Decision> FailAnalysis(const view::State& state, const Context& context, const std::string& name,
                                      const std::string& reason) {
  const auto row = ForWorker(state, context, name, Analysis::STATE_FAILED);
  if (!row.ok()) return row.status();
  Decision decision{.names = {name}};
  AddAnalysisMove(decision, name, Analysis::STATE_FAILED, {.failure_reason = reason});
  return decision;
}

absl::StatusOr<Decision> RequeueAnalysis(const view::State& state, const Context& context, const std::string& name) {
  const auto row = ForWorker(state, context, name, Analysis::STATE_QUEUED);
  if (!row.ok()) return row.status();
  const auto& analysis = (*row)->As<Analysis>();
  if (analysis.state() != Analysis::STATE_RUNNING) {
    return BrokenRule("ILLEGAL_STATE", name, "only a running analysis can lose its worker");
  }
  Decision decision{.names = {name}};
  if (analysis.attempts() >= kMaxAttempts) {
    AddAnalysisMove(decision, name, Analysis::STATE_FAILED, {.failure_reason = "WORKER_LOST"});
  } else {
    AddAnalysisMove(decision, name, Analysis::STATE_QUEUED);
  }
  return decision;
}

}  // namespace trialog::analytics
