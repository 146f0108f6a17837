"""Flow B, statistics: sign up, create a dataset with rows, a cohort by criteria, ask for an analysis, get the result live,
message a colleague; on the NCCTG lung data (tests/data); and who sees what."""
import csv
import datetime

import pytest
from google.type import date_pb2

import stubs
from client import not_found, refused, request_id
from clinic import Clinic, TrialSite
from organization import Organization
from trialog.analytics.v1 import analysis_pb2, cohort_pb2, dataset_pb2, result_pb2
from trialog.event.v1 import value_pb2
from trialog.trials.v1 import messaging_pb2
from watching import Watch

Analysis = analysis_pb2.Analysis
Operator = cohort_pb2.Condition.Comparison
# A worker takes an analysis no further from here.
ENDED = {Analysis.STATE_SUCCEEDED, Analysis.STATE_FAILED, Analysis.STATE_RELEASED, Analysis.STATE_WITHHELD}
COLUMNS = [
    dataset_pb2.Column(name="enroll_date", type=dataset_pb2.COLUMN_TYPE_DATE),
    dataset_pb2.Column(name="last_contact_date", type=dataset_pb2.COLUMN_TYPE_DATE),
    dataset_pb2.Column(name="state", type=dataset_pb2.COLUMN_TYPE_TEXT),
    dataset_pb2.Column(name="sex", type=dataset_pb2.COLUMN_TYPE_INTEGER),
    dataset_pb2.Column(name="inst", type=dataset_pb2.COLUMN_TYPE_INTEGER),
    dataset_pb2.Column(name="age", type=dataset_pb2.COLUMN_TYPE_INTEGER),
]


def whole(text):
    if not text:
        return value_pb2.Value(missing=value_pb2.MISSING_CODE_NOT_AVAILABLE)
    return value_pb2.Value(integer=int(float(text)))


def day(number):
    date = datetime.date(1997, 5, 19) + datetime.timedelta(days=number)
    return value_pb2.Value(date=date_pb2.Date(year=date.year, month=date.month, day=date.day))


def lung_rows():
    """The trial's data as a site has them: dates and a state; no survival time."""
    with open(stubs.REPOSITORY / "tests" / "data" / "lung.csv", newline="", encoding="utf-8") as file:
        return [
            dataset_pb2.DataRow(
                subject=f"subject-{number}",
                values=[
                    day(number),
                    day(number + int(row["time"])),
                    value_pb2.Value(text="DECEASED" if row["status"] == "1" else "FOLLOW_UP"),
                    whole(row["sex"]),
                    whole(row["inst"]),
                    whole(row["age"]),
                ],
            )
            for number, row in enumerate(csv.DictReader(file))
        ]


def survival_by(column):
    """The log-rank test of survival between the groups of a column."""
    return analysis_pb2.AnalysisSpec(
        log_rank=analysis_pb2.SurvivalSpec(
            start_column="enroll_date",
            end_column="last_contact_date",
            event_column="state",
            event_value=value_pb2.Value(text="DECEASED"),
            group_column=column,
        )
    )


class Study:
    """A statistician with the lung data, a colleague and a custodian."""

    def __init__(self, organization):
        self.organization = organization
        self.analyst = organization.join("analyst", "ANALYST")
        self.colleague = organization.join("colleague", "ANALYST")
        self.custodian = organization.join("custodian", "DATA_CUSTODIAN")
        self.dataset = self.create_dataset("lung").name
        self.version = self.publish(f"{self.dataset}/versions/1")
        self.cohort = self.freeze(self.create_cohort("all"))

    def create_dataset(self, dataset_id, rows=None):
        return self.analyst.DatasetService.CreateDataset(
            dataset_pb2.CreateDatasetRequest(
                parent=self.organization.name,
                dataset_id=dataset_id,
                dataset=dataset_pb2.Dataset(display_name="Lung", description="Made-up description"),
                columns=COLUMNS,
                rows=lung_rows() if rows is None else rows,
                request_id=request_id(),
            )
        )

    def publish(self, version):
        return self.analyst.DatasetService.PublishVersion(
            dataset_pb2.PublishVersionRequest(name=version, request_id=request_id())
        ).name

    def create_cohort(self, cohort_id, *criteria, by=None, dataset=None):
        dataset = dataset or self.dataset
        return (by or self.analyst).CohortService.CreateCohort(
            cohort_pb2.CreateCohortRequest(
                parent=dataset,
                cohort_id=cohort_id,
                cohort=cohort_pb2.Cohort(
                    display_name=cohort_id, dataset_version=f"{dataset}/versions/1", criteria=criteria
                ),
                request_id=request_id(),
            )
        ).name

    def freeze(self, cohort, by=None):
        return (by or self.analyst).CohortService.FreezeCohort(
            cohort_pb2.FreezeCohortRequest(name=cohort, request_id=request_id())
        ).name

    def ask(self, cohort, spec, by=None):
        return (by or self.analyst).AnalysisService.RequestAnalysis(
            analysis_pb2.RequestAnalysisRequest(parent=cohort, spec=spec, request_id=request_id())
        )

    def watch(self, cohort, by=None):
        request = analysis_pb2.WatchAnalysesRequest(parent=cohort)
        return Watch((by or self.analyst).AnalysisService.WatchAnalyses(request))

    def compute(self, cohort, spec, by=None):
        """The analysis once no worker takes it further, awaited on a live query."""
        with self.watch(cohort, by) as watch:
            watch.initial()
            name = self.ask(cohort, spec, by).name
            return watch.until(
                lambda change: change.analysis.name == name and change.analysis.state in ENDED
            ).analysis

    def result(self, analysis, by=None):
        return (by or self.analyst).AnalysisService.GetAnalysisResult(
            analysis_pb2.GetAnalysisResultRequest(name=analysis.name)
        )


@pytest.fixture(scope="module")
def study(organization):
    return Study(organization)


def get(person, analysis):
    return person.AnalysisService.GetAnalysis(analysis_pb2.GetAnalysisRequest(name=analysis.name))


def criterion(column, operator, integer):
    return cohort_pb2.Criterion(
        display_name=f"{column} {operator} {integer}",
        condition=cohort_pb2.Condition(
            comparison=Operator(column=column, operator=operator, value=value_pb2.Value(integer=integer))
        ),
    )


# The arrows.


def test_dataset_is_created_with_its_rows_and_published(study):
    name = study.create_dataset("with-rows").name
    version = study.publish(f"{name}/versions/1")
    dataset = study.analyst.DatasetService.GetDataset(dataset_pb2.GetDatasetRequest(name=name))
    assert (dataset.creator, dataset.latest_version) == (study.analyst.name, 1)
    assert dataset.published_version == version
    versions = study.analyst.DatasetService.ListVersions(dataset_pb2.ListVersionsRequest(parent=name)).versions
    assert [(version.row_count, version.state) for version in versions] == [
        (228, dataset_pb2.DatasetVersion.STATE_PUBLISHED)
    ]
    assert versions[0].provenance.source == dataset_pb2.Provenance.SOURCE_UPLOAD
    assert list(versions[0].columns) == COLUMNS


def test_users_reach_their_own_datasets(study):
    def names(person):
        listed = person.DatasetService.ListDatasets(dataset_pb2.ListDatasetsRequest(parent=study.organization.name))
        return {dataset.name for dataset in listed.datasets}

    assert study.dataset in names(study.analyst)
    assert study.dataset not in names(study.colleague)


def test_cohort_is_created_by_criteria_and_counted(study):
    cohort = study.create_cohort(
        "older-men", criterion("sex", Operator.OPERATOR_EQ, 1), criterion("age", Operator.OPERATOR_GE, 60)
    )
    attrition = study.analyst.CohortService.EvaluateCohort(cohort_pb2.EvaluateCohortRequest(name=cohort)).attrition
    with open(stubs.REPOSITORY / "tests" / "data" / "lung.csv", newline="", encoding="utf-8") as file:
        men = [row for row in csv.DictReader(file) if row["sex"] == "1"]
    older = [row for row in men if float(row["age"]) >= 60]
    assert attrition.start.exact == 228
    assert [step.remaining.exact for step in attrition.steps] == [len(men), len(older)]
    assert attrition.members.exact == len(older)
    assert study.freeze(cohort) == cohort
    frozen = study.analyst.CohortService.GetCohort(cohort_pb2.GetCohortRequest(name=cohort))
    assert frozen.state == cohort_pb2.Cohort.STATE_FROZEN


def test_small_cohort_is_not_counted_exactly(study):
    cohort = study.create_cohort("few", criterion("inst", Operator.OPERATOR_EQ, 33))
    attrition = study.analyst.CohortService.EvaluateCohort(cohort_pb2.EvaluateCohortRequest(name=cohort)).attrition
    assert attrition.members.WhichOneof("kind") != "exact"
    assert attrition.steps[0].excluded.WhichOneof("kind") != "exact"


def test_result_comes_live_with_the_reference_figures(study):
    analysis = study.compute(study.cohort, survival_by("sex"))
    assert analysis.state == Analysis.STATE_RELEASED
    live = result_pb2.AnalysisResult.FromString(analysis.result)
    assert live == study.result(analysis)
    men, women = live.survival.curves
    assert (men.n.exact, men.events.exact, men.median) == (138, 112, 270)
    assert (women.n.exact, women.events.exact, women.median) == (90, 53, 426)
    assert live.survival.log_rank.chi_square == pytest.approx(10.3267, abs=5e-4)
    assert live.survival.log_rank.p_value == pytest.approx(0.001311, abs=5e-6)
    assert live.dataset_version == study.version


def test_requests_of_a_cohort_are_listed_latest_first(study):
    cohort = study.freeze(study.create_cohort("listed"))
    made = [study.ask(cohort, survival_by(column)).name for column in ("sex", "inst")]
    listed = study.analyst.AnalysisService.ListAnalyses(analysis_pb2.ListAnalysesRequest(parent=cohort)).analyses
    assert [analysis.name for analysis in listed] == made[::-1]
    assert all(analysis.requester == study.analyst.name for analysis in listed)


def test_groups_that_are_too_small_are_hidden(study):
    analysis = get(study.analyst, study.compute(study.cohort, survival_by("inst")))
    assert analysis.state == Analysis.STATE_RELEASED
    result = study.result(analysis)
    hidden = [curve for curve in result.survival.curves if curve.n.WhichOneof("kind") != "exact"]
    assert {curve.group for curve in hidden} >= {"4", "33"}
    assert result.hidden_count > 0
    assert all(not curve.steps and not curve.HasField("median") for curve in hidden)
    assert all(step.at_risk >= result.threshold for curve in result.survival.curves for step in curve.steps)


def test_result_is_computed_again_to_the_same_bytes(study):
    analysis = study.compute(study.cohort, survival_by("sex"))
    verified = study.analyst.AnalysisService.VerifyAnalysis(analysis_pb2.VerifyAnalysisRequest(name=analysis.name))
    assert verified.same and verified.stored_sha256 == verified.computed_sha256


def test_plot_is_drawn_of_released_figures(study):
    analysis = study.compute(study.cohort, survival_by("sex"))
    plot = study.analyst.AnalysisService.GetPlot(analysis_pb2.GetPlotRequest(name=analysis.name))
    assert plot.content_type == "image/svg+xml"
    assert b"<svg" in plot.content


def test_colleague_is_messaged_about_the_analysis(study):
    analysis = study.ask(study.cohort, survival_by("sex"))
    clinic = Clinic.__new__(Clinic)
    clinic.name = study.organization.name
    with clinic.watch_messages(study.colleague) as watch:
        watch.initial()
        sent = clinic.send(study.analyst, study.colleague, "made-up: have a look", context=analysis.name)
        live = watch.until(lambda change: change.name == sent.name).message
    assert (live.body, live.context, live.state) == (
        "made-up: have a look",
        analysis.name,
        messaging_pb2.Message.STATE_SENT,
    )


# Sharing, release by a second person, versions.


def test_shared_datasets_results_wait_for_a_custodian(study):
    shared = study.create_dataset("shared").name
    study.publish(f"{shared}/versions/1")
    with not_found():
        study.create_cohort("stranger", by=study.colleague, dataset=shared)
    study.analyst.DatasetService.ShareDataset(
        dataset_pb2.ShareDatasetRequest(name=shared, user=study.colleague.name, request_id=request_id())
    )
    cohort = study.freeze(study.create_cohort("guest", by=study.colleague, dataset=shared), by=study.colleague)
    analysis = study.compute(cohort, survival_by("sex"), by=study.colleague)
    assert analysis.state == Analysis.STATE_SUCCEEDED and not analysis.result
    with refused("PERMISSION_DENIED", "ROLE_MISSING"):
        study.colleague.AnalysisService.ReleaseAnalysis(
            analysis_pb2.ReleaseAnalysisRequest(name=analysis.name, request_id=request_id())
        )
    released = study.custodian.AnalysisService.ReleaseAnalysis(
        analysis_pb2.ReleaseAnalysisRequest(name=analysis.name, request_id=request_id())
    )
    assert (released.state, released.decider) == (Analysis.STATE_RELEASED, study.custodian.name)
    assert study.result(analysis, by=study.colleague).survival.curves[0].median == 270


def test_watch_of_analyses_ends_for_whom_a_dataset_is_shared_with(study):
    shared = study.create_dataset("shared-while-watched").name
    with study.watch(f"{shared}/cohorts/-", by=study.colleague) as watch:
        assert watch.initial() == []
        study.analyst.DatasetService.ShareDataset(
            dataset_pb2.ShareDatasetRequest(name=shared, user=study.colleague.name, request_id=request_id())
        )
        with refused("ABORTED", "WATCH_ACCESS_CHANGED"):
            watch.next()


def test_withheld_result_stays_hidden(study):
    shared = study.create_dataset("withheld").name
    study.publish(f"{shared}/versions/1")
    study.analyst.DatasetService.ShareDataset(
        dataset_pb2.ShareDatasetRequest(name=shared, user=study.colleague.name, request_id=request_id())
    )
    cohort = study.freeze(study.create_cohort("guest", by=study.colleague, dataset=shared), by=study.colleague)
    analysis = study.compute(cohort, survival_by("sex"), by=study.colleague)
    study.custodian.AnalysisService.WithholdAnalysis(
        analysis_pb2.WithholdAnalysisRequest(name=analysis.name, reason="made-up reason", request_id=request_id())
    )
    shown = get(study.colleague, analysis)
    assert shown.state == Analysis.STATE_WITHHELD and not shown.result


def test_another_analysts_data_are_not_there_in_get_list_and_watch(study):
    analysis = study.compute(study.cohort, survival_by("sex"))
    stranger = study.colleague
    with not_found():
        get(stranger, analysis)
    with not_found():
        stranger.DatasetService.GetDataset(dataset_pb2.GetDatasetRequest(name=study.dataset))
    with not_found():
        stranger.CohortService.GetCohort(cohort_pb2.GetCohortRequest(name=study.cohort))
    with not_found():
        study.ask(study.cohort, survival_by("sex"), by=stranger)
    assert not stranger.AnalysisService.ListAnalyses(analysis_pb2.ListAnalysesRequest(parent=study.cohort)).analyses
    with study.watch(study.cohort, by=stranger) as watch:
        assert watch.initial() == []


def test_rows_that_do_not_fit_their_columns_are_refused(study):
    rows = lung_rows()
    rows[3].values[3].text = "1"
    with refused("INVALID_ARGUMENT", "WRONG_VALUE_TYPE"):
        study.create_dataset("unfit", rows)


def test_custodian_imports_a_trials_final_captures(server):
    site = TrialSite(Organization(server))
    custodian = site.organization.join("custodian", "DATA_CUSTODIAN", "ANALYST")
    site.finalize_capture(site.capture("imported"))
    dataset = custodian.DatasetService.CreateDataset(
        dataset_pb2.CreateDatasetRequest(
            parent=site.name, dataset_id="trial", dataset=dataset_pb2.Dataset(display_name="Trial")
        )
    )
    version = custodian.DatasetService.ImportFromTrial(
        dataset_pb2.ImportFromTrialRequest(
            name=dataset.name,
            trial=site.trial,
            columns=[
                dataset_pb2.Column(name="enroll_date", type=dataset_pb2.COLUMN_TYPE_DATE),
                dataset_pb2.Column(name="note", type=dataset_pb2.COLUMN_TYPE_TEXT),
            ],
            request_id=request_id(),
        )
    )
    assert (version.row_count, version.provenance.source) == (1, dataset_pb2.Provenance.SOURCE_TRIAL)
    assert version.provenance.trial == site.trial
    with refused("PERMISSION_DENIED", "ROLE_MISSING"):
        site.provider.DatasetService.ImportFromTrial(dataset_pb2.ImportFromTrialRequest(name=dataset.name))
