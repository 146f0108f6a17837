"""What the demo must leave in trials and inventory, record by record, from the rows of its table alone."""
import calendar
import collections

import inventory
from client import pages
from demo_runs import LATER_BY_MISTAKE, wrongly_typed
from trialog.event.v1 import value_pb2
from trialog.trials.v1 import data_capture_pb2, enrollment_pb2, patient_pb2

FINALIZED = data_capture_pb2.DATA_CAPTURE_STATE_FINALIZED
NO_INFORMATION = value_pb2.MISSING_CODE_NO_INFORMATION
DAY = 24 * 3600


def plain(value):
    """What a value holds: the text, the number, or the code of what is missing."""
    return getattr(value, value.WhichOneof("kind"))


def items_of(capture):
    """{name: what it holds} of a capture."""
    return {item.name: plain(item.value) for item in capture.data_value}


def expected_items(row):
    """{kind of capture: its items} of a row; an empty cell is a code for what is missing."""

    def known(value):
        return NO_INFORMATION if value is None else value

    institution = row["inst"]
    return {
        "baseline": {
            "sex": {1: "male", 2: "female"}[row["sex"]],
            "age": row["age"],
            "institution": NO_INFORMATION if institution is None else f"institution {institution}",
            "ph_ecog": known(row["ph.ecog"]),
            "ph_karno": known(row["ph.karno"]),
        },
        "follow-up": {"vital_status": "dead" if row["status"] else "alive"},
        "reported": {
            "pat_karno": known(row["pat.karno"]),
            "meal_cal": known(row["meal.cal"]),
            "wt_loss": known(row["wt.loss"]),
        },
    }


def missing_items(capture):
    """Names of the items whose value is a code for what is missing."""
    return {item.name for item in capture.data_value if item.value.WhichOneof("kind") == "missing"}


def check_records(organization, rows):
    """Each patient, subject, capture, sample and stock item is there once, with what its row says."""
    coordinator = organization.join("checking-coordinator", "COORDINATOR")
    providers = check_patients(organization, rows, coordinator)
    enrolled = check_subjects(organization, rows, coordinator)
    check_captures(organization, rows, coordinator, providers, enrolled)
    check_samples(organization, rows)


def check_patients(organization, rows, coordinator):
    """Name of each row's provider."""
    request = patient_pb2.ListPatientsRequest(parent=organization.name)
    patients = pages(coordinator.PatientService.ListPatients, request, "patients")
    assert len(patients) == len({patient.medical_record_number for patient in patients}) == len(rows)
    by_name = {patient.name: patient for patient in patients}
    providers, of_institution = [], collections.defaultdict(set)
    for number, row in enumerate(rows, 1):
        patient = by_name[f"{organization.name}/patients/patient-{number}"]
        assert patient.user == f"{organization.name}/users/patient-{number}"
        (assigned,) = patient.providers
        providers.append(assigned.user)
        of_institution[row["inst"]].add(assigned.user)
    # One clinician an institution, and one for all who have none.
    assert all(len(users) == 1 for users in of_institution.values()), of_institution
    assert len(set(providers)) == len(of_institution)
    return providers


def check_subjects(organization, rows, coordinator):
    """Noon of the day of each row's enrolment, in seconds."""
    trial = f"{organization.name}/trials/lung"
    request = enrollment_pb2.ListSubjectsRequest(parent=trial)
    subjects = pages(coordinator.EnrollmentService.ListSubjects, request, "subjects")
    assert len(subjects) == len(rows)
    by_patient = {subject.patient: subject for subject in subjects}
    enrolled = []
    for number, row in enumerate(rows, 1):
        subject = by_patient[f"{organization.name}/patients/patient-{number}"]
        assert (subject.state == enrollment_pb2.SUBJECT_STATE_DECEASED) == bool(row["status"]), subject.name
        assert subject.consent.state == enrollment_pb2.CONSENT_STATE_GIVEN
        date = subject.enroll_date
        enrolled.append((subject.name, calendar.timegm((date.year, date.month, date.day, 12, 0, 0))))
    return enrolled


def check_captures(organization, rows, coordinator, providers, enrolled):
    trial = f"{organization.name}/trials/lung"
    request = data_capture_pb2.ListDataCapturesRequest(parent=trial)
    captures = pages(coordinator.DataCaptureService.ListDataCaptures, request, "data_captures")
    by_id = {capture.name.removeprefix(f"{trial}/dataCaptures/"): capture for capture in captures}
    # A survival time is computed of dates; nobody enters one.
    assert not [capture.name for capture in captures if "time" in items_of(capture)]
    wrong = wrongly_typed(rows)
    for index, row in enumerate(rows):
        number, (subject, day) = index + 1, enrolled[index]
        seen = {"baseline": day, "follow-up": day + row["time"] * DAY, "reported": day}
        by = {
            "baseline": providers[index],
            "follow-up": providers[index],
            "reported": f"{organization.name}/users/patient-{number}",
        }
        for kind, items in expected_items(row).items():
            capture = by_id.pop(f"{kind}-{number}")
            amended = kind == "follow-up" and index == wrong
            assert items_of(capture) == items, capture.name
            assert missing_items(capture) == {name for name in items if cell_of(row, name) is None}
            assert (capture.subject, capture.captured_by) == (subject, by[kind]), capture.name
            assert (capture.occur_time.seconds, capture.state) == (seen[kind], FINALIZED), capture.name
            assert (capture.version, bool(capture.amend_reason)) == (2 if amended else 1, amended), capture.name
    # What the scenes add.
    assert [name.rsplit("-", 1)[0] for name in by_id] == ["scene"]
    check_first_version(coordinator, f"{trial}/dataCaptures/follow-up-{wrong + 1}", enrolled[wrong][1], rows[wrong])


def check_first_version(coordinator, name, day, row):
    """The follow-up that was amended is kept as it was typed."""
    history = coordinator.DataCaptureService.GetDataCaptureHistory(
        data_capture_pb2.GetDataCaptureHistoryRequest(name=name)
    ).data_captures
    seen = {capture.version: capture.occur_time.seconds for capture in history}
    right = day + row["time"] * DAY
    assert seen == {1: right + LATER_BY_MISTAKE * DAY, 2: right}


def check_samples(organization, rows):
    """A sample of each patient, received, moved to the tank and counted there; and that of a scene."""
    manager = organization.join("checking-manager", "BIOBANK_MANAGER")
    biobank = f"{organization.name}/biobanks/main"
    expected = {f"sample-{number}": number for number in range(1, len(rows) + 1)} | {"scene-sample": 1}
    samples = inventory.samples_of(manager, biobank)
    assert {sample.name: sample.patient for sample in samples} == {
        f"{biobank}/samples/{name}": f"{organization.name}/patients/patient-{number}" for name, number in expected.items()
    }
    items = inventory.items_of(manager, biobank)
    assert len(items) == len(samples) == len(expected)
    assert {item.sample for item in items} == {sample.name for sample in samples}
    for item in items:
        assert item.location == f"{biobank}/storageLocations/tank", item.name
        assert item.quantity == inventory.milliliters(20), item.name


def cell_of(row, item):
    """The cell that an item comes from; of those that are never empty, anything."""
    columns = {"institution": "inst", "vital_status": "status"}
    return row[columns.get(item, item.replace("_", "."))]
