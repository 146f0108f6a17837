"""Two replicas of analytics over one folder of blobs: each takes every call, and an analysis outlives whoever computes it."""
import time

from fleet import UP_DEADLINE
from test_fleet import await_owned, retried
from test_statistics import Study, lung_rows, survival_by
from trialog.analytics.v1 import analysis_pb2, cohort_pb2

from organization import Organization

RELEASED = analysis_pb2.Analysis.STATE_RELEASED


def test_either_replica_takes_every_call_and_analyses_go_on_when_one_dies(make_fleet):
    fleet = make_fleet(analytics=2, inventory=0, audit=0)
    first, second = fleet.replicas["analytics"]
    await_owned(first, 1)
    await_owned(second, 1)
    organization = Organization(fleet)

    def at(replica):
        for person in (study.analyst, study.colleague, study.custodian):
            person.reconnect(fleet.target_with(replica))
        return study

    study = Study(organization)  # Made, published and frozen where the first replica is asked.
    results, counted = {}, {}
    for replica in (first, second):  # One of them owns the partition; rows are read and results shown at both.
        analysis = at(replica).compute(study.cohort, survival_by("sex"))
        assert analysis.state == RELEASED, analysis
        results[replica] = study.result(analysis)
        # Counted where it is asked, so from the rows themselves, which only the owner has stored.
        request = cohort_pb2.EvaluateCohortRequest(name=study.cohort)
        counted[replica], _ = retried(lambda: study.analyst.CohortService.EvaluateCohort(request))
        # What looks before it submits is decided where its organisation is written for.
        name = study.create_dataset(f"of-{replica.peer.rsplit(':', 1)[1]}").name
        study.publish(f"{name}/versions/1")
        cohort = study.freeze(study.create_cohort("again", dataset=name))
        assert study.compute(cohort, survival_by("sex")).state == RELEASED
    assert results[first].survival == results[second].survival
    assert counted[first] == counted[second] and counted[first].attrition.start.exact == len(lung_rows())
    assert list((fleet.folder / "blobs").iterdir()) and not any((replica.data / "blobs").exists() for replica in (first, second))

    # Whoever computes it dies right after it was asked for.
    name = study.ask(study.cohort, survival_by("sex")).name
    owner = fleet.owners("analytics")[partition_of(study, name)]
    survivor = second if owner is first else first
    owner.kill()
    at(survivor)
    request = analysis_pb2.GetAnalysisRequest(name=name)
    deadline = time.monotonic() + UP_DEADLINE
    while retried(lambda: study.analyst.AnalysisService.GetAnalysis(request))[0].state != RELEASED:
        assert time.monotonic() < deadline, survivor.last_words()
        time.sleep(0.1)
    owner.start()
    shown, _ = retried(lambda: at(owner).result(analysis_pb2.Analysis(name=name)))
    assert shown.survival == results[first].survival


def partition_of(study, analysis):
    """The partition that an analysis stands in."""
    read = study.analyst.service("trialog.analytics.v1.AnalysisService")._stub.GetAnalysis.with_call
    _, told = read(analysis_pb2.GetAnalysisRequest(name=analysis), metadata=study.analyst.metadata())
    return int(dict(told.trailing_metadata())["trialog-position"].split("/")[0])
