#include "services/analytics/domain/cohort.h"

#include "platform/errors/errors.h"
#include "services/analytics/domain/access.h"
#include "services/analytics/domain/criteria.h"
#include "services/analytics/domain/names.h"
#include "services/analytics/domain/states.h"
#include "services/analytics/domain/tables.h"
#include "trialog/analytics/v1/events.pb.h"

namespace trialog::analytics {
namespace {

absl::Status CheckCohort(const view::State& state, std::string_view dataset, const v1::Cohort& cohort) {
  if (cohort.display_name().empty() || cohort.display_name().size() > 200) {
    return BadField("cohort.display_name", "BAD_DISPLAY_NAME", "1 to 200 bytes");
  }
  if (cohort.description().size() > 4000) return BadField("cohort.description", "TOO_LONG", "at most 4000 bytes");
  const auto version = state.Get<v1::DatasetVersion>(kVersions, cohort.dataset_version());
  if (!version || DatasetOf(cohort.dataset_version()) != dataset) {
    return BadField("cohort.dataset_version", "NO_SUCH_VERSION", "name a version of the same dataset");
  }
  return CheckCriteria(version->columns(), cohort.criteria());
}

// The cohort that the caller sees and made, or the answer for all others.
absl::StatusOr<view::RowPtr> Own(const view::State& state, const Context& context, std::string_view name) {
  const view::RowPtr row = state.Find(kCohorts, name);
  if (!row || !MaySee(context.principal, state, kCohorts, name, *row)) return NotVisible(row != nullptr, "cohort");
  if (row->As<v1::Cohort>().creator() != context.principal.user()) {
    return Denied("NOT_COHORT_OWNER", "only who made the cohort may change it");
  }
  return row;
}

absl::StatusOr<Decision> Move(const view::RowPtr& row, const std::string& name, const std::string& etag,
                              v1::Cohort::State to, const event::v1::SealedPart& sealed) {
  if (!etag.empty() && etag != EtagOf(*row)) return StaleEtag(name);
  if (!MayMove(row->As<v1::Cohort>().state(), to)) {
    return BrokenRule("ILLEGAL_STATE", name, "the cohort is not in a state that allows this");
  }
  Decision decision{.names = {name}};
  v1::AnalyticsEvent event;
  event.mutable_cohort_moved()->set_name(name);
  event.mutable_cohort_moved()->set_state(to);
  *event.mutable_cohort_moved()->mutable_sealed() = sealed;
  decision.Add(name, std::move(event));
  return decision;
}

}  // namespace

absl::StatusOr<Decision> CreateCohort(const view::State& state, const Context& context,
                                      const v1::CreateCohortRequest& request) {
  const auto dataset = state.Get<v1::Dataset>(kDatasets, request.parent());
  if (!dataset || !MaySeeDataset(context.principal, request.parent(), *dataset)) {
    return NotVisible(dataset != nullptr, "dataset");
  }
  if (absl::Status may = RequireAnalyst(context.principal, state, request.parent()); !may.ok()) return may;
  if (absl::Status bad = CheckCohort(state, request.parent(), request.cohort()); !bad.ok()) return bad;
  const std::string id = request.cohort_id().empty() ? context.NewId() : request.cohort_id();
  const std::string name = Cat(request.parent(), "/cohorts/", id);
  if (!NameMatches(kCohorts.pattern, name)) return BadField("cohort_id", "BAD_ID", "1 to 63 of [A-Za-z0-9._~-]");
  if (state.Find(kCohorts, name)) {
    return Refuse(absl::StatusCode::kAlreadyExists, "ID_TAKEN", "choose another cohort_id");
  }
  Decision decision{.names = {name}};
  v1::AnalyticsEvent event;
  v1::Cohort& cohort = *event.mutable_cohort_created()->mutable_cohort();
  cohort.set_name(name);
  cohort.set_uid(context.NewId());
  cohort.set_display_name(request.cohort().display_name());
  cohort.set_description(request.cohort().description());
  cohort.set_dataset_version(request.cohort().dataset_version());
  *cohort.mutable_criteria() = request.cohort().criteria();
  cohort.set_state(v1::Cohort::STATE_DRAFT);
  cohort.set_creator(context.principal.user());
  cohort.set_revision(1);
  decision.Add(name, std::move(event));
  return decision;
}

absl::StatusOr<Decision> UpdateCohort(const view::State& state, const Context& context,
                                      const v1::UpdateCohortRequest& request) {
  const std::string& name = request.cohort().name();
  const auto row = Own(state, context, name);
  if (!row.ok()) return row.status();
  if (request.cohort().etag() != EtagOf(**row)) return StaleEtag(name);
  const auto& before = (*row)->As<v1::Cohort>();
  if (before.state() != v1::Cohort::STATE_DRAFT) return BrokenRule("NOT_DRAFT", name, "only a draft may change");
  v1::Cohort after = before;
  bool revised = false;
  for (const std::string& path : request.update_mask().paths()) {
    if (path == "display_name") {
      after.set_display_name(request.cohort().display_name());
    } else if (path == "description") {
      after.set_description(request.cohort().description());
    } else if (path == "dataset_version") {
      after.set_dataset_version(request.cohort().dataset_version());
      revised = true;
    } else if (path == "criteria") {
      *after.mutable_criteria() = request.cohort().criteria();
      revised = true;
    } else {
      return BadField("update_mask", "BAD_MASK", "display_name, description, dataset_version and criteria may change");
    }
  }
  if (absl::Status bad = CheckCohort(state, DatasetOf(name), after); !bad.ok()) return bad;
  Decision decision{.names = {name}};
  if (after.SerializeAsString() == before.SerializeAsString()) return decision;
  if (revised) after.set_revision(before.revision() + 1);
  v1::AnalyticsEvent event;
  *event.mutable_cohort_updated()->mutable_cohort() = std::move(after);
  decision.Add(name, std::move(event));
  return decision;
}

absl::StatusOr<Decision> FreezeCohort(const view::State& state, const Context& context,
                                      const v1::FreezeCohortRequest& request, const event::v1::SealedPart& sealed,
                                      int revision) {
  const auto row = Own(state, context, request.name());
  if (!row.ok()) return row.status();
  const auto& cohort = (*row)->As<v1::Cohort>();
  if (cohort.revision() != revision) return StaleEtag(request.name());
  const auto version = state.Get<v1::DatasetVersion>(kVersions, cohort.dataset_version());
  if (!version || version->state() != v1::DatasetVersion::STATE_PUBLISHED) {
    return BrokenRule("VERSION_NOT_PUBLISHED", cohort.dataset_version(), "publish the dataset version first");
  }
  return Move(*row, request.name(), request.etag(), v1::Cohort::STATE_FROZEN, sealed);
}

absl::StatusOr<Decision> RetireCohort(const view::State& state, const Context& context,
                                      const v1::RetireCohortRequest& request) {
  const auto row = Own(state, context, request.name());
  if (!row.ok()) return row.status();
  return Move(*row, request.name(), request.etag(), v1::Cohort::STATE_RETIRED, {});
}

}  // namespace trialog::analytics
