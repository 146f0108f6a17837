"""The commands of analytics, about records of the world."""
from client import request_id
from relation_commands import fresh, read, update
from test_statistics import COLUMNS, lung_rows, survival_by
from trialog.analytics.v1 import cohort_pb2, dataset_pb2

def add_analytics(world, under):
    _add_dataset(world, under)
    _add_cohort(world, under)
    _add_analysis(world, under)


def _add_dataset(world, under):
    study, organization = world.study, world.name
    rows = lung_rows()[:10]

    def datasets(_):
        return list(read(study.custodian, "DatasetService/ListDatasets", parent=organization, page_size=1000).datasets)

    def dataset(_=None):
        return read(study.analyst, "DatasetService/GetDataset", name=study.dataset)

    def version(published):
        """Name of a version in the scope of those who hold a role for the dataset."""
        name = study.create_dataset(next(world.datasets_in_scope), rows).name + "/versions/1"
        return study.publish(name) if published else name

    def of_version(name):
        return read(study.analyst, "DatasetService/GetVersion", name=name)

    def shared():
        """A reader's name that the dataset has."""
        user = f"{organization}/users/{fresh('reader')}"
        read(study.analyst, "DatasetService/ShareDataset", name=study.dataset, user=user, request_id=request_id())
        return user

    def importing(_):
        """Into a dataset that is new."""
        parent = {"parent": organization, "dataset_id": next(world.datasets_in_scope)}
        made = dataset_pb2.Dataset(display_name="Imported")
        name = read(study.custodian, "DatasetService/CreateDataset", **parent, dataset=made, request_id=request_id()).name
        columns = [dataset_pb2.Column(name="enroll_date", type=dataset_pb2.COLUMN_TYPE_DATE)]
        return {"name": name, "trial": world.site.trial, "columns": columns}

    def imported(name):
        return list(read(study.custodian, "DatasetService/ListVersions", parent=name).versions)

    under("Organisation, for new datasets", datasets).do(
        "DatasetService/CreateDataset",
        lambda _: {
            "parent": organization,
            "dataset_id": fresh("new"),
            "dataset": dataset_pb2.Dataset(display_name="New"),
            "columns": COLUMNS,
            "rows": rows,
        },
    )
    does = under("Dataset that its analyst uploaded", dataset).do
    does("DatasetService/UpdateDataset", lambda _: update(dataset(), "dataset", display_name=fresh("Renamed")))
    does("DatasetService/ShareDataset", lambda _: {"name": study.dataset, "user": f"{organization}/users/{fresh('reader')}"})
    does("DatasetService/UnshareDataset", lambda _: {"name": study.dataset, "user": shared()})
    does = under("Version of a dataset that its analyst uploaded", of_version).do
    does("DatasetService/PublishVersion", lambda _: {"name": version(published=False)})
    does("DatasetService/RetractVersion", lambda _: {"name": version(published=True)})
    under("Dataset that takes in a trial's data", imported).do("DatasetService/ImportFromTrial", importing, path=["trial"])


def _add_cohort(world, under):
    study = world.study

    def cohorts(_):
        return list(read(study.custodian, "CohortService/ListCohorts", parent=study.dataset, page_size=1000).cohorts)

    def cohort(name):
        return read(study.analyst, "CohortService/GetCohort", name=name)

    def drafted():
        return study.create_cohort(fresh("cohort"))

    under("Dataset and cohort that are worked with", cohorts).do(
        "CohortService/CreateCohort",
        lambda _: {
            "parent": study.dataset,
            "cohort_id": fresh("cohort"),
            "cohort": cohort_pb2.Cohort(display_name="New", dataset_version=study.version),
        },
    )
    does = under("Cohort, by who made it", cohort).do
    does("CohortService/UpdateCohort", lambda _: update(cohort(drafted()), "cohort", display_name=fresh("Renamed")))
    does("CohortService/FreezeCohort", lambda _: {"name": drafted()})
    does("CohortService/RetireCohort", lambda _: {"name": study.freeze(drafted())})


def _add_analysis(world, under):
    study, asking = world.study, world.caller("DATA_CUSTODIAN", "own")

    def analysis(name):
        """A worker takes it further, but for one that has ended."""
        return read(study.custodian, "AnalysisService/GetAnalysis", name=name)

    def analyses(cohort):
        """Their names; a worker takes them further meanwhile."""
        page = read(study.custodian, "AnalysisService/ListAnalyses", parent=cohort, page_size=1000)
        return [each.name for each in page.analyses]

    def cancelling(caller):
        """Of one that was just asked for; for others, of one that stays as it is."""
        asked = study.compute if caller is None else study.ask
        return {"name": asked(study.cohort, survival_by("sex"), by=study.analyst).name}

    def waiting(caller):
        """One that a reader asked for, or the custodian themself."""
        by = asking if caller == asking else study.colleague
        return {"name": study.compute(study.cohort, survival_by("sex"), by=by).name}

    under("Dataset and cohort that are worked with", analyses).do(
        "AnalysisService/RequestAnalysis", lambda _: {"parent": study.cohort, "spec": survival_by("sex")}
    )
    under("Analysis, by who asked for it", analysis).do(
        "AnalysisService/CancelAnalysis", cancelling, too_late=("FAILED_PRECONDITION", "ILLEGAL_STATE")
    )
    does = under("Result that waits for a custodian's decision", analysis).do
    does("AnalysisService/ReleaseAnalysis", waiting)
    does("AnalysisService/WithholdAnalysis", lambda caller: waiting(caller) | {"reason": "made-up reason"})
