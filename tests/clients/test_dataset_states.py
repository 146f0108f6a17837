"""Datasets, cohorts and analyses after they were made: changed, taken back, retired, cancelled, no longer shared."""
import grpc
import pytest

from audited import await_entry
from client import not_found, reason_of, refused, request_id
from test_statistics import Operator, Study, criterion, get, lung_rows, survival_by
from trialog.analytics.v1 import analysis_pb2, cohort_pb2, dataset_pb2
from trialog.event.v1 import record_pb2


@pytest.fixture(scope="module")
def study(organization):
    return Study(organization)


def dataset_of(person, name):
    return person.DatasetService.GetDataset(dataset_pb2.GetDatasetRequest(name=name))


def cohort_of(person, name):
    return person.CohortService.GetCohort(cohort_pb2.GetCohortRequest(name=name))


def test_dataset_is_renamed(study):
    dataset = study.create_dataset("renamed", lung_rows()[:10])
    dataset.display_name = "Made-up other name"
    request = dataset_pb2.UpdateDatasetRequest(
        dataset=dataset, update_mask={"paths": ["display_name"]}, request_id=request_id()
    )
    study.analyst.DatasetService.UpdateDataset(request)
    shown = dataset_of(study.analyst, dataset.name)
    assert (shown.display_name, shown.description) == ("Made-up other name", "Made-up description")
    request.request_id = request_id()
    with refused("ABORTED", "ETAG_MISMATCH"):
        study.analyst.DatasetService.UpdateDataset(request)


def test_retracted_version_gives_no_more_analyses(study):
    dataset = study.create_dataset("retracted").name
    version = f"{dataset}/versions/1"
    retract = dataset_pb2.RetractVersionRequest(name=version, request_id=request_id())
    with refused("FAILED_PRECONDITION", "ILLEGAL_STATE"):
        study.analyst.DatasetService.RetractVersion(retract)
    study.publish(version)
    cohort = study.freeze(study.create_cohort("early", dataset=dataset))
    retract.request_id = request_id()
    study.analyst.DatasetService.RetractVersion(retract)
    shown = study.analyst.DatasetService.GetVersion(dataset_pb2.GetVersionRequest(name=version))
    assert shown.state == dataset_pb2.DatasetVersion.STATE_RETRACTED
    with refused("FAILED_PRECONDITION", "VERSION_RETRACTED"):
        study.ask(cohort, survival_by("sex"))


def test_reader_no_longer_sees_what_is_not_shared_any_more(study):
    dataset = study.create_dataset("shared-for-a-while", lung_rows()[:10]).name
    share = dataset_pb2.ShareDatasetRequest(name=dataset, user=study.colleague.name, request_id=request_id())
    study.analyst.DatasetService.ShareDataset(share)
    assert list(dataset_of(study.colleague, dataset).readers) == [study.colleague.name]
    unshare = dataset_pb2.UnshareDatasetRequest(name=dataset, user=study.colleague.name, request_id=request_id())
    with refused("PERMISSION_DENIED", "NOT_DATASET_OWNER"):
        study.colleague.DatasetService.UnshareDataset(unshare)
    study.analyst.DatasetService.UnshareDataset(unshare)
    assert not dataset_of(study.analyst, dataset).readers
    with not_found():
        dataset_of(study.colleague, dataset)
    with not_found():
        study.colleague.DatasetService.UnshareDataset(unshare)


def rows_of(person, version, **fields):
    return person.DatasetService.ListRows(dataset_pb2.ListRowsRequest(parent=version, **fields))


def test_rows_are_read_back_page_by_page_as_they_were_given(study):
    given = lung_rows()
    version = f"{study.create_dataset('read-back', given).name}/versions/1"
    read, token = [], ""
    while True:
        page = rows_of(study.analyst, version, page_size=100, page_token=token)
        read += page.rows
        token = page.next_page_token
        if not token:
            break
        assert len(page.rows) == 100
    assert read == given
    assert len(rows_of(study.analyst, version).rows) == 50
    with refused("INVALID_ARGUMENT", "BAD_PAGE_TOKEN"):
        rows_of(study.analyst, version, page_token="made-up")


def test_reading_rows_is_recorded_with_who_did_it(study, organization):
    auditor = organization.join("rows-auditor", "AUDITOR")
    version = f"{study.create_dataset('watched-over', lung_rows()[:3]).name}/versions/1"
    rows_of(study.analyst, version)
    entry = await_entry(auditor, organization, f'entity = "{version}" AND action = "ListRows"')
    access = record_pb2.Access.FromString(entry.content.payload)
    assert (entry.content.actor.name, access.purpose, access.count) == (study.analyst.name, "ROWS", 3)
    assert list(access.subjects) == [version]


def test_rows_are_not_for_those_whom_a_dataset_is_shared_with(study):
    dataset = study.create_dataset("counted-only", lung_rows()[:10]).name
    version = f"{dataset}/versions/1"
    with not_found():
        rows_of(study.colleague, version)
    share = dataset_pb2.ShareDatasetRequest(name=dataset, user=study.colleague.name, request_id=request_id())
    study.analyst.DatasetService.ShareDataset(share)
    with refused("PERMISSION_DENIED", "ROWS_NOT_READABLE"):
        rows_of(study.colleague, version)
    assert len(rows_of(study.custodian, version).rows) == 10


def test_draft_of_a_cohort_is_changed_until_it_is_frozen(study):
    name = study.create_cohort("changes", criterion("sex", Operator.OPERATOR_EQ, 1))
    cohort = cohort_of(study.analyst, name)
    cohort.criteria.append(criterion("age", Operator.OPERATOR_GE, 60))
    request = cohort_pb2.UpdateCohortRequest(cohort=cohort, update_mask={"paths": ["criteria"]}, request_id=request_id())
    study.analyst.CohortService.UpdateCohort(request)
    assert list(cohort_of(study.analyst, name).criteria) == list(cohort.criteria)
    request.request_id = request_id()
    with refused("ABORTED", "ETAG_MISMATCH"):
        study.analyst.CohortService.UpdateCohort(request)
    study.freeze(name)
    attrition = study.analyst.CohortService.GetAttrition(cohort_pb2.GetAttritionRequest(name=name))
    assert len(attrition.steps) == 2
    request.cohort.etag, request.request_id = cohort_of(study.analyst, name).etag, request_id()
    with refused("FAILED_PRECONDITION", "NOT_DRAFT"):
        study.analyst.CohortService.UpdateCohort(request)


def test_retired_cohort_is_asked_for_no_more_analyses(study):
    name = study.create_cohort("retired")
    retire = cohort_pb2.RetireCohortRequest(name=name, request_id=request_id())
    with refused("FAILED_PRECONDITION", "ILLEGAL_STATE"):
        study.analyst.CohortService.RetireCohort(retire)
    study.freeze(name)
    retire.request_id = request_id()
    study.analyst.CohortService.RetireCohort(retire)
    listed = study.analyst.CohortService.ListCohorts(cohort_pb2.ListCohortsRequest(parent=study.dataset)).cohorts
    assert cohort_pb2.Cohort.STATE_RETIRED in [cohort.state for cohort in listed if cohort.name == name]
    with refused("FAILED_PRECONDITION", "COHORT_NOT_FROZEN"):
        study.ask(name, survival_by("sex"))


def cancel(study, analysis):
    study.analyst.AnalysisService.CancelAnalysis(
        analysis_pb2.CancelAnalysisRequest(name=analysis.name, request_id=request_id())
    )


def cancelled(study):
    """An analysis that was cancelled before the worker was done with it: of many, one that it did not come to."""
    for _ in range(100):
        analysis = study.ask(study.cohort, survival_by("sex"))
        try:
            cancel(study, analysis)
        except grpc.RpcError as error:
            assert reason_of(error) == "ILLEGAL_STATE", error
        else:
            return analysis
    raise AssertionError("each was done before it could be cancelled")


def test_cancelled_analysis_gives_no_result(study):
    analysis = cancelled(study)
    assert get(study.analyst, analysis).state == analysis_pb2.Analysis.STATE_CANCELLED
    with refused("FAILED_PRECONDITION", "RESULT_NOT_SHOWN"):
        study.result(analysis)


def test_analysis_that_has_ended_is_not_cancelled(study):
    analysis = study.compute(study.cohort, survival_by("sex"))
    with refused("FAILED_PRECONDITION", "ILLEGAL_STATE"):
        cancel(study, analysis)
    assert get(study.analyst, analysis) == analysis
