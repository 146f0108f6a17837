#include "services/analytics/domain/dataset.h"

#include <algorithm>

#include "platform/errors/errors.h"
#include "services/analytics/domain/access.h"
#include "services/analytics/domain/names.h"
#include "services/analytics/domain/rows.h"
#include "services/analytics/domain/states.h"
#include "services/analytics/domain/tables.h"
#include "trialog/analytics/v1/events.pb.h"

namespace trialog::analytics {
namespace {

constexpr int kMaxReaders = 200;

// The row of a dataset that the caller may see, or the answer for all others.
absl::StatusOr<view::RowPtr> VisibleDataset(const view::State& state, const Context& context, std::string_view name) {
  view::RowPtr row = state.Find(kDatasets, name);
  if (!row || !MaySeeDataset(context.principal, name, row->As<v1::Dataset>())) {
    return NotVisible(row != nullptr, "dataset");
  }
  return row;
}

absl::StatusOr<view::RowPtr> Managed(const view::State& state, const Context& context, std::string_view name) {
  auto row = VisibleDataset(state, context, name);
  if (row.ok() && !MayManageDataset(context.principal, name, (*row)->As<v1::Dataset>())) {
    return Denied("NOT_DATASET_OWNER", "only its owner or a data custodian may do this");
  }
  return row;
}

absl::Status CheckWords(const v1::Dataset& dataset) {
  if (dataset.display_name().empty() || dataset.display_name().size() > 200) {
    return BadField("dataset.display_name", "BAD_DISPLAY_NAME", "1 to 200 bytes");
  }
  if (dataset.description().size() > 4000) return BadField("dataset.description", "TOO_LONG", "at most 4000 bytes");
  if (!v1::ReleasePolicy_IsValid(dataset.release_policy())) {
    return BadField("dataset.release_policy", "BAD_POLICY", "AUTO or CUSTODIAN");
  }
  return absl::OkStatus();
}

v1::DatasetVersion NewVersion(const Context& context, std::string_view dataset, int number, const Columns& columns,
                              const StoredRows& rows) {
  v1::DatasetVersion version;
  version.set_name(VersionName(dataset, number));
  version.set_state(v1::DatasetVersion::STATE_DRAFT);
  *version.mutable_columns() = columns;
  version.set_row_count(rows.row_count);
  *version.mutable_content() = rows.blob;
  version.set_creator(context.principal.user());
  return version;
}

void AddVersion(Decision& decision, v1::DatasetVersion version) {
  const std::string name = version.name();
  v1::AnalyticsEvent event;
  *event.mutable_version_created()->mutable_version() = std::move(version);
  decision.Add(name, std::move(event));
}

void AddVersionMove(Decision& decision, const Context& context, const std::string& name, v1::DatasetVersion::State to) {
  v1::AnalyticsEvent event;
  event.mutable_version_moved()->set_name(name);
  event.mutable_version_moved()->set_state(to);
  event.mutable_version_moved()->set_actor(context.principal.user());
  decision.Add(name, std::move(event));
}

// The version, when the caller may publish and retract it: imported data only by custodians.
absl::StatusOr<view::RowPtr> Publishable(const view::State& state, const Context& context, const std::string& name,
                                         const std::string& etag) {
  const view::RowPtr version = state.Find(kVersions, name);
  const auto dataset = VisibleDataset(state, context, DatasetOf(name));
  if (!version || !dataset.ok()) return NotVisible(version != nullptr, "dataset version");
  const auto& owner = (*dataset)->As<v1::Dataset>();
  const bool may = owner.source_trial().empty() ? MayManageDataset(context.principal, DatasetOf(name), owner)
                                                : IsCustodian(context.principal, DatasetOf(name));
  if (!may) return Denied("NOT_CUSTODIAN", "a data custodian publishes and retracts imported data");
  if (!etag.empty() && etag != EtagOf(*version)) return StaleEtag(name);
  return version;
}

absl::Status IllegalMove(const std::string& name) {
  return BrokenRule("ILLEGAL_STATE", name, "the version is not in a state that allows this");
}

}  // namespace

absl::StatusOr<Decision> CreateDataset(const view::State& state, const Context& context,
                                       const v1::CreateDatasetRequest& request, const StoredRows* rows) {
  const Principal& who = context.principal;
  if (OrganizationOf(request.parent()) != who.organization ||
      !(who.Has(ROLE_ANALYST, request.parent()) || who.Has(ROLE_DATA_CUSTODIAN, request.parent()))) {
    return Denied("NOT_ANALYST", "ask for the analyst's role in this organisation");
  }
  if (absl::Status bad = CheckWords(request.dataset()); !bad.ok()) return bad;
  if (rows != nullptr) {
    if (absl::Status bad = CheckColumns(request.columns(), "columns"); !bad.ok()) return bad;
  }
  const std::string id = request.dataset_id().empty() ? context.NewId() : request.dataset_id();
  const std::string name = Cat(request.parent(), "/datasets/", id);
  if (!NameMatches(kDatasets.pattern, name)) return BadField("dataset_id", "BAD_ID", "1 to 63 of [A-Za-z0-9._~-]");
  if (state.Find(kDatasets, name)) {
    return Refuse(absl::StatusCode::kAlreadyExists, "ID_TAKEN", "choose another dataset_id");
  }

  Decision decision{.names = {name}};
  v1::AnalyticsEvent event;
  v1::Dataset& dataset = *event.mutable_dataset_created()->mutable_dataset();
  dataset.set_name(name);
  dataset.set_uid(context.NewId());
  dataset.set_display_name(request.dataset().display_name());
  dataset.set_description(request.dataset().description());
  dataset.set_creator(who.user());
  dataset.set_release_policy(request.dataset().release_policy() == v1::RELEASE_POLICY_CUSTODIAN
                                 ? v1::RELEASE_POLICY_CUSTODIAN
                                 : v1::RELEASE_POLICY_AUTO);
  decision.Add(name, std::move(event));
  if (rows != nullptr) {
    v1::DatasetVersion version = NewVersion(context, name, 1, request.columns(), *rows);
    version.mutable_provenance()->set_source(v1::Provenance::SOURCE_UPLOAD);
    AddVersion(decision, std::move(version));
  }
  return decision;
}

absl::StatusOr<Decision> UpdateDataset(const view::State& state, const Context& context,
                                       const v1::UpdateDatasetRequest& request) {
  const std::string& name = request.dataset().name();
  const auto row = Managed(state, context, name);
  if (!row.ok()) return row.status();
  if (request.dataset().etag() != EtagOf(**row)) return StaleEtag(name);
  const auto& before = (*row)->As<v1::Dataset>();
  v1::Dataset after = before;
  for (const std::string& path : request.update_mask().paths()) {
    if (path == "display_name") {
      after.set_display_name(request.dataset().display_name());
    } else if (path == "description") {
      after.set_description(request.dataset().description());
    } else if (path == "release_policy") {
      after.set_release_policy(request.dataset().release_policy());
    } else {
      return BadField("update_mask", "BAD_MASK", "display_name, description and release_policy may change");
    }
  }
  if (absl::Status bad = CheckWords(after); !bad.ok()) return bad;
  if (after.release_policy() == v1::RELEASE_POLICY_UNSPECIFIED) {
    return BadField("dataset.release_policy", "BAD_POLICY", "AUTO or CUSTODIAN");
  }
  const bool protected_data = !before.source_trial().empty() || !before.readers().empty();
  if (protected_data && after.release_policy() != v1::RELEASE_POLICY_CUSTODIAN) {
    return BrokenRule("CUSTODIAN_REQUIRED", name, "results of imported or shared data are released by a custodian");
  }
  Decision decision{.names = {name}};
  if (after.SerializeAsString() == before.SerializeAsString()) return decision;
  v1::AnalyticsEvent event;
  *event.mutable_dataset_updated()->mutable_dataset() = std::move(after);
  decision.Add(name, std::move(event));
  return decision;
}

absl::StatusOr<Decision> ShareDataset(const view::State& state, const Context& context,
                                      const v1::ShareDatasetRequest& request) {
  const auto row = Managed(state, context, request.name());
  if (!row.ok()) return row.status();
  const auto& dataset = (*row)->As<v1::Dataset>();
  if (!NameMatches("organizations/*/users/*", request.user()) ||
      OrganizationOf(request.user()) != context.organization) {
    return BadField("user", "BAD_USER", "a user of this organisation: organizations/{o}/users/{u}");
  }
  Decision decision{.names = {request.name()}};
  if (std::find(dataset.readers().begin(), dataset.readers().end(), request.user()) != dataset.readers().end()) {
    return decision;
  }
  if (dataset.readers_size() >= kMaxReaders) return BrokenRule("TOO_MANY_READERS", request.name(), "end a share first");
  v1::AnalyticsEvent event;
  event.mutable_dataset_shared()->set_name(request.name());
  event.mutable_dataset_shared()->set_user(request.user());
  decision.Add(request.name(), std::move(event));
  return decision;
}

absl::StatusOr<Decision> UnshareDataset(const view::State& state, const Context& context,
                                        const v1::UnshareDatasetRequest& request) {
  const auto row = Managed(state, context, request.name());
  if (!row.ok()) return row.status();
  const auto& readers = (*row)->As<v1::Dataset>().readers();
  Decision decision{.names = {request.name()}};
  if (std::find(readers.begin(), readers.end(), request.user()) == readers.end()) return decision;
  v1::AnalyticsEvent event;
  event.mutable_dataset_unshared()->set_name(request.name());
  event.mutable_dataset_unshared()->set_user(request.user());
  decision.Add(request.name(), std::move(event));
  return decision;
}

absl::StatusOr<Decision> ImportFromTrial(const view::State& state, const Context& context,
                                         const v1::ImportFromTrialRequest& request, const StoredRows& rows,
                                         const event::v1::Position& position) {
  const auto row = VisibleDataset(state, context, request.name());
  if (!row.ok()) return row.status();
  if (!IsCustodian(context.principal, request.name())) {
    return Denied("NOT_CUSTODIAN", "a data custodian imports from trials");
  }
  if (!NameMatches("organizations/*/trials/*", request.trial()) ||
      OrganizationOf(request.trial()) != context.organization) {
    return BadField("trial", "BAD_TRIAL", "a trial of this organisation: organizations/{o}/trials/{t}");
  }
  if (absl::Status bad = CheckColumns(request.columns(), "columns"); !bad.ok()) return bad;
  const auto& dataset = (*row)->As<v1::Dataset>();
  if (dataset.latest_version() > 0 && dataset.source_trial() != request.trial()) {
    return BrokenRule("OTHER_SOURCE", request.name(), "a dataset keeps to one source; make another one");
  }
  v1::DatasetVersion version =
      NewVersion(context, request.name(), dataset.latest_version() + 1, request.columns(), rows);
  version.mutable_provenance()->set_source(v1::Provenance::SOURCE_TRIAL);
  version.mutable_provenance()->set_trial(request.trial());
  *version.mutable_provenance()->mutable_position() = position;
  Decision decision{.names = {version.name()}};
  AddVersion(decision, std::move(version));
  return decision;
}

absl::StatusOr<Decision> PublishVersion(const view::State& state, const Context& context,
                                        const v1::PublishVersionRequest& request) {
  const auto row = Publishable(state, context, request.name(), request.etag());
  if (!row.ok()) return row.status();
  Decision decision{.names = {request.name()}};
  if (!MayMove((*row)->As<v1::DatasetVersion>().state(), v1::DatasetVersion::STATE_PUBLISHED)) {
    return IllegalMove(request.name());
  }
  const auto dataset = state.Get<v1::Dataset>(kDatasets, DatasetOf(request.name()));
  if (!dataset->published_version().empty()) {
    AddVersionMove(decision, context, dataset->published_version(), v1::DatasetVersion::STATE_SUPERSEDED);
  }
  AddVersionMove(decision, context, request.name(), v1::DatasetVersion::STATE_PUBLISHED);
  return decision;
}

absl::StatusOr<Decision> RetractVersion(const view::State& state, const Context& context,
                                        const v1::RetractVersionRequest& request) {
  const auto row = Publishable(state, context, request.name(), request.etag());
  if (!row.ok()) return row.status();
  if (!MayMove((*row)->As<v1::DatasetVersion>().state(), v1::DatasetVersion::STATE_RETRACTED)) {
    return IllegalMove(request.name());
  }
  Decision decision{.names = {request.name()}};
  AddVersionMove(decision, context, request.name(), v1::DatasetVersion::STATE_RETRACTED);
  return decision;
}

}  // namespace trialog::analytics
