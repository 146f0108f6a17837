// What the domain tests share: people, an organisation, and given events folded by Evolve.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "platform/errors/errors.h"
#include "services/analytics/domain/analysis.h"
#include "services/analytics/domain/cohort.h"
#include "services/analytics/domain/dataset.h"
#include "services/analytics/domain/evolve.h"
#include "services/analytics/domain/names.h"
#include "services/analytics/domain/tables.h"

namespace trialog::analytics {

class World : public testing::Test {
 protected:
  static Principal Person(const std::string& id, Role role) {
    Principal person{.organization = "o"};
    person.caller.set_kind(event::v1::Caller::KIND_USER);
    person.caller.set_name(Cat("organizations/o/users/", id));
    person.grants = {{role, "organizations/o"}};
    return person;
  }
  static Principal Worker() {
    Principal worker{.organization = "o"};
    worker.internal = true;
    return worker;
  }

  Context As(const Principal& principal) {
    Context context{.principal = principal, .organization = principal.organization};
    context.command_id.assign(16, 'c');
    context.command_id.back() = static_cast<char>(++commands_);
    context.record_time.set_seconds(1'700'000'000 + commands_);
    return context;
  }

  // Applies a decision that must be one, and tells what happened.
  std::string Do(const Context& context, const absl::StatusOr<Decision>& decision) {
    if (!decision.ok()) return ReasonOf(decision.status());
    Apply(AnalyticsDomain(), context, *decision, state_);
    std::string kinds;
    for (const NewEvent& event : decision->events) {
      const std::string_view type = TypeOf(*event.body);
      Append(kinds, kinds.empty() ? "" : " ", type.substr(type.rfind('.') + 1));
    }
    return kinds;
  }

  static v1::CreateDatasetRequest NewDataset() {
    v1::CreateDatasetRequest request;
    request.set_parent("organizations/o");
    request.set_dataset_id("d");
    request.mutable_dataset()->set_display_name("Lung");
    v1::Column& column = *request.add_columns();
    column.set_name("age");
    column.set_type(v1::COLUMN_TYPE_INTEGER);
    return request;
  }

  std::string CreateOwn(const Principal& who) {
    const Context context = As(who);
    return Do(context, CreateDataset(state_, context, NewDataset(), &rows_));
  }
  std::string Publish(const Principal& who, int version = 1) {
    v1::PublishVersionRequest request;
    request.set_name(VersionName(kDataset, version));
    const Context context = As(who);
    return Do(context, PublishVersion(state_, context, request));
  }
  std::string Share(const Principal& who, const std::string& with) {
    v1::ShareDatasetRequest request;
    request.set_name(kDataset);
    request.set_user(Cat("organizations/o/users/", with));
    const Context context = As(who);
    return Do(context, ShareDataset(state_, context, request));
  }
  std::string MakeCohort(const Principal& who, const std::string& id = "c") {
    v1::CreateCohortRequest request;
    request.set_parent(kDataset);
    request.set_cohort_id(id);
    request.mutable_cohort()->set_display_name("All");
    request.mutable_cohort()->set_dataset_version(VersionName(kDataset, 1));
    const Context context = As(who);
    return Do(context, CreateCohort(state_, context, request));
  }
  std::string Freeze(const Principal& who, int revision = 1, const std::string& id = "c") {
    v1::FreezeCohortRequest request;
    request.set_name(Cat(kDataset, "/cohorts/", id));
    const Context context = As(who);
    return Do(context, FreezeCohort(state_, context, request, {}, revision));
  }
  std::string Ask(const Principal& who, const std::string& id = "a") {
    v1::RequestAnalysisRequest request;
    request.set_parent(kCohort);
    request.set_analysis_id(id);
    request.mutable_spec()->mutable_describe()->add_columns("age");
    const Context context = As(who);
    return Do(context, RequestAnalysis(state_, context, request));
  }
  static std::string AnalysisName(const std::string& id) { return Cat(kCohort, "/analyses/", id); }
  std::string Compute(const std::string& id, size_t rows) {
    Context context = As(Worker());
    Do(context, StartAnalysis(state_, context, AnalysisName(id)));
    RowNumbers set;
    for (size_t row = 0; row < rows; ++row) set.Add(row);
    context = As(Worker());
    return Do(context, CompleteAnalysis(state_, context, AnalysisName(id), {set}, {}));
  }
  std::string Release(const Principal& who, const std::string& id = "a") {
    v1::ReleaseAnalysisRequest request;
    request.set_name(AnalysisName(id));
    const Context context = As(who);
    return Do(context, ReleaseAnalysis(state_, context, request));
  }
  v1::Analysis::State StateOf(const std::string& id) {
    return state_.Get<v1::Analysis>(kAnalyses, AnalysisName(id))->state();
  }

  static constexpr const char* kDataset = "organizations/o/datasets/d";
  static constexpr const char* kCohort = "organizations/o/datasets/d/cohorts/c";
  const Principal ann_ = Person("ann", ROLE_ANALYST);
  const Principal bob_ = Person("bob", ROLE_ANALYST);
  const Principal cleo_ = Person("cleo", ROLE_DATA_CUSTODIAN);
  StoredRows rows_{.row_count = 100};
  view::ChangeSet state_{view::EmptyState()};
  int commands_ = 0;
};

}  // namespace trialog::analytics
