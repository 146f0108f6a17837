"""Nothing personal and no secret lies in the files, in whatever form: every flow leaves its texts, then the raw files are
searched (the server's --compress=false lets them be read)."""
import base64
import hashlib
import pathlib
import subprocess

import pytest
from google.type import date_pb2

import raw_search
from client import refused, request_id
from clinic import TrialSite, text_value
from inventory import Biobank
from organization import Organization, new_password
from server import Server
from test_statistics import Study, lung_rows, survival_by
from topics import everything_in, names_of_topics, whole_topics
from trialog.auth.v1 import grant_pb2, service_account_pb2, user_pb2
from trialog.inventory.v1 import inventory_item_pb2, sample_pb2
from trialog.trials.v1 import data_capture_pb2, medication_pb2, notification_pb2, patient_pb2, trial_pb2

# Unsealed on purpose: a sample's tracking reference. The search must find it.
CONTROL = "CONTROL-Tracking-77031"
BIRTH = date_pb2.Date(year=1931, month=11, day=29)


class Traces:
    """Texts as they are used: whatever passes through here must not be found."""

    def __init__(self):
        self.personal = set()
        self.secret = set()

    def text(self, text):
        """A made-up personal text."""
        self.personal.add(text)
        return text

    def password(self):
        """A password; neither it nor a plain hash of it may lie anywhere."""
        password = new_password()
        self.secret.add(password)
        for digest in (hashlib.md5, hashlib.sha1, hashlib.sha256, hashlib.sha512):
            self.secret.add(digest(password.encode()).digest())
        return password

    def tokens(self, person):
        """The tokens of a session."""
        self.secret |= {person.tokens.access_token, person.tokens.access_token.rsplit(".", 1)[1]}
        refresh = person.tokens.refresh_token
        self.secret |= {refresh, refresh[-24:]}
        return person


def leave_account_traces(traces, organization):
    password = traces.password()
    user = user_pb2.User(
        username=traces.text("Zephyrine.Quillfeather"),
        email=traces.text("zephyrine@quillfeather.example"),
        display_name=traces.text("Zephyrine Araminta Quillfeather"),
    )
    person = traces.tokens(organization.join("acc-1", "ANALYST", user=user, password=password))
    traces.tokens(organization.sign_in(password, email="zephyrine@quillfeather.example"))
    with refused("UNAUTHENTICATED", "SIGN_IN_FAILED"):
        organization.sign_in(traces.password(), username=traces.text("guessed-name-Wolfsbane"))
    invitation = organization.invite("ANALYST", email=traces.text("invited@hollyhock.example"))
    traces.secret.add(invitation)
    administrator = organization.administrator
    grant = administrator.UserService.GrantRole(
        user_pb2.GrantRoleRequest(
            parent=person.name,
            grant=grant_pb2.Grant(role=14, scope=organization.name, reason=traces.text("granted for Marigold audit")),
            request_id=request_id(),
        )
    )
    administrator.UserService.RevokeRole(
        user_pb2.RevokeRoleRequest(
            name=grant.name, reason=traces.text("revoked after Marigold audit"), request_id=request_id()
        )
    )
    account = administrator.ServiceAccountService.CreateServiceAccount(
        service_account_pb2.CreateServiceAccountRequest(
            parent=organization.name,
            service_account=service_account_pb2.ServiceAccount(
                display_name="Importer", description=traces.text("asked for by Dr Thistlewood")
            ),
            request_id=request_id(),
        )
    )
    key = administrator.ServiceAccountService.CreateKey(service_account_pb2.CreateKeyRequest(parent=account.name))
    traces.secret.add(key.key_secret)
    administrator.UserService.DeactivateUser(
        user_pb2.DeactivateUserRequest(
            name=person.name, reason=traces.text("left for Ravensworth clinic"), request_id=request_id()
        )
    )


def leave_biobank_traces(traces, organization):
    biobank = Biobank(organization)
    sample = biobank.add_sample(
        "S-1",
        tracking=CONTROL,
        patient=f"{organization.name}/patients/{traces.text('known-to-a-sample-only')}",
        handling_instructions=traces.text("thaw under the violet lamp"),
    )
    biobank.transition(sample, "QUARANTINED", traces.text("label eaten by a badger"))
    biobank.transition(sample, "STORED")
    item = biobank.receive(
        sample,
        notes=[traces.text("note about the marmalade jar")],
        location_text=traces.text("behind the copper kettle"),
    )
    biobank.technician.InventoryService.MoveStock(
        inventory_item_pb2.MoveStockRequest(
            name=item.name,
            location=biobank.tank,
            movement_reason=traces.text("moved before the harvest feast"),
            request_id=request_id(),
        )
    )
    with refused("ALREADY_EXISTS", "IDENTIFIER_TAKEN"):
        biobank.technician.SampleService.CreateSample(
            sample_pb2.CreateSampleRequest(
                parent=biobank.name,
                sample=sample_pb2.Sample(
                    identifier="S-1", sample_type="BLD", handling_instructions=traces.text("refused: peppercorn")
                ),
            )
        )


def leave_clinic_traces(traces, site):
    person = site.add_patient(
        "personal",
        site.provider,
        display_name=traces.text("Ottoline Peregrine Featherstone"),
        medical_record_number=traces.text("MRN-90210-QX"),
        date_of_birth=BIRTH,
        contact=traces.text("7 Larkspur Lane, Mossy Hollow"),
        preferences=[text_value("greeting", traces.text("prefers Dame Ottoline"))],
        attributes=[text_value("ward", traces.text("the tapestry ward"))],
        trial_details=[text_value("histology", traces.text("a quilted histology"))],
    )
    site.patient = person
    site.subject = site.enroll(person)
    site.provider.MedicationService.AddFeedback(
        medication_pb2.AddFeedbackRequest(
            name=site.publish(site.order(instructions=traces.text("take with elderflower tea"))).name,
            feedback=traces.text("skip it on bonfire nights"),
            request_id=request_id(),
        )
    )
    site.send(person, site.provider, traces.text("may I dance the gavotte?"))
    site.book(
        1_900_000_000,
        1_900_001_800,
        reason=traces.text("her trembling left hand"),
        location=traces.text("the orangery, second door"),
    )
    preferences = person.NotificationService.GetPreferences(
        notification_pb2.GetPreferencesRequest(name=f"{person.name}/notificationPreferences")
    )
    preferences.contacts.add(
        channel=notification_pb2.NOTIFICATION_CHANNEL_SMS, address=traces.text("+41 79 555 01 99 77")
    )
    person.NotificationService.UpdatePreferences(
        notification_pb2.UpdatePreferencesRequest(
            preferences=preferences, update_mask={"paths": ["contacts"]}, request_id=request_id()
        )
    )
    with refused("ALREADY_EXISTS", "MRN_TAKEN"):
        site.provider.PatientService.CreatePatient(
            patient_pb2.CreatePatientRequest(
                parent=site.name,
                patient=patient_pb2.Patient(
                    medical_record_number="MRN-90210-QX", display_name=traces.text("Refused Foxglove")
                ),
            )
        )
    traces.tokens(person)


def leave_trial_traces(traces, site):
    capture = site.capture(traces.text("zirconium tremor, grade two"))
    capture.data_value[0].value.text = traces.text("zirconium tremor, grade three")
    capture.amend_reason = traces.text("misheard over the bagpipes")
    site.provider.DataCaptureService.AmendDataCapture(
        data_capture_pb2.AmendDataCaptureRequest(
            data_capture=capture, update_mask={"paths": ["data_value"]}, request_id=request_id()
        )
    )
    site.finalize_capture(capture)
    site.researcher.TrialService.PublishTrialEvent(
        trial_pb2.PublishTrialEventRequest(
            parent=site.trial,
            trial_event=trial_pb2.TrialEvent(
                title=traces.text("Picnic of the participants"), body=traces.text("bring your own gooseberries")
            ),
            request_id=request_id(),
        )
    )
    draft = site.draft("rejected")
    site.submit(draft.name)
    site.reviewer.TrialService.RejectTrial(
        trial_pb2.RejectTrialRequest(
            name=draft.name, state_reason=traces.text("written in a hurry by Cornelius"), request_id=request_id()
        )
    )


def leave_statistics_traces(traces, organization):
    study = Study(organization)
    rows = lung_rows()
    rows[0].values[2].text = traces.text("DECEASED-at-Bramblewick")
    rows[1].subject = traces.text("subject-code-kingfisher")
    study.create_dataset("traced", rows)
    study.publish(f"{organization.name}/datasets/traced/versions/1")
    cohort = study.freeze(study.create_cohort("traced", dataset=f"{organization.name}/datasets/traced"))
    study.compute(cohort, survival_by("sex"))


def birth_date_forms():
    """A date of birth as texts and as the bytes of google.type.Date."""
    return {
        "1931-11-29",
        "29.11.1931",
        "11/29/1931",
        "19311129",
        BIRTH.SerializeToString(deterministic=True),
    }


@pytest.fixture(scope="module")
def stopped(binaries, tmp_path_factory):
    """The files of a server through which all flows went, and what must not be in them."""
    flags = ["--compress=false", "--log_calls=all", "--metrics_address=0"]
    server = Server(binaries, tmp_path_factory.mktemp("at-rest"), *flags).start()
    traces = Traces()
    organization = Organization(server)
    leave_account_traces(traces, organization)
    leave_biobank_traces(traces, organization)
    site = TrialSite(organization)
    leave_clinic_traces(traces, site)
    leave_trial_traces(traces, site)
    leave_statistics_traces(traces, Organization(server))
    traces.personal |= birth_date_forms()
    traces.secret.add(organization.administrator.credentials.password)
    traces.tokens(organization.administrator)
    metrics_file(server).write_text(server.metrics(), encoding="utf-8")
    server.kill()  # As a crash leaves them: the write-ahead log.
    crashed = raw_search.find(traces.personal | traces.secret | {CONTROL}, files_of(server))
    server.start()
    server.stop()  # As an orderly stop leaves them: tables.
    if Server.kafka:
        topics_file(server).write_bytes(b"\0".join(topic_records(server)))
    return server, traces, crashed


@pytest.fixture(scope="module")
def decoded(stopped, binaries, tmp_path_factory):
    """(file with every key and value of every family of every database, {(database, family): entries})"""
    server, _, _ = stopped
    file = tmp_path_factory.mktemp("decoded") / "keys-and-values"
    with file.open("wb") as out:
        done = subprocess.run(
            [binaries / "rocksdb_dump", server.data], stdout=out, stderr=subprocess.PIPE, text=True, check=True, timeout=60
        )
    entries = {}
    for line in done.stderr.splitlines():
        path, family, count = line.rsplit(" ", 2)
        entries[str(pathlib.Path(path).relative_to(server.data)), family] = int(count)
    return file, entries


def topic_records(server):
    """What each record in the topics of a server on Kafka holds: private, public and keys."""
    brokers, prefix = server.log_flags[1], server.log_flags[-1]
    names = names_of_topics(brokers, prefix)
    services = ("auth", "inventory", "trials", "analytics", "audit")
    wanted = {f"{prefix}{service}.log" for service in services} | {f"{prefix}{service}.events" for service in services[:-1]}
    assert set(names) == wanted | {f"{prefix}keys"}
    return [everything_in(message) for message in whole_topics(brokers, *names)]


def topics_file(server):
    """Where the records of all topics were written to, one behind the other."""
    return server.log_file.with_name("topics.bin")


def metrics_file(server):
    """Where the metrics page was written to, so that it is searched too."""
    return server.log_file.with_name("metrics.txt")


def files_of(server):
    """All files but the operator's own key files; the event log and the metrics page among them."""
    keys = {server.data / "keys" / name for name in ("master.key", "service.key", "audit.key", "init.token")}
    besides = [server.log_file, metrics_file(server), *([topics_file(server)] if topics_file(server).exists() else [])]
    return [file for file in raw_search.files_below(server.data, *besides) if file not in keys]


def test_search_finds_a_text_in_every_form(tmp_path):
    text = "Planted Person 4711"
    for number, written in enumerate(
        [
            text.encode(),
            text.upper().encode(),
            text.encode().hex().encode(),
            text.encode().hex().upper().encode(),
            *(base64.b64encode(b"xyz"[:before] + text.encode() + b"tail") for before in range(3)),
            *(base64.urlsafe_b64encode(b"\xff\xfe"[:before] + text.encode()) for before in range(3)),
        ]
    ):
        file = tmp_path / f"{number}.bin"
        file.write_bytes(b"\0\x01before" + written + b"\xffafter")
        assert raw_search.find({text}, [file]) == {text: [file]}, written
    empty = tmp_path / "empty.bin"
    empty.write_bytes(bytes(1000) + b"Planted Person 4712")
    assert raw_search.find({text}, [empty]) == {}


@pytest.mark.embedded
def test_control_text_is_found_in_log_and_store_and_once_planted_everywhere(stopped, tmp_path):
    server, _, crashed = stopped
    log_files = [file for file in crashed[CONTROL] if (server.data / "log") in file.parents]
    assert log_files, "the log's own files do not hold the unsealed control text"
    found = raw_search.find({CONTROL}, files_of(server))[CONTROL]
    folders = {file.relative_to(server.data).parts[0] for file in found}
    assert {"log", "stores"} <= folders
    planted = tmp_path / "000042.sst"
    planted.write_bytes(b"\0" * 100 + b"Zephyrine.Quillfeather" + b"\0" * 100)
    assert raw_search.find({"zephyrine.quillfeather"}, [planted])


@pytest.mark.skipif("not config.getoption('--kafka')", reason="the log is in a folder")
def test_control_text_is_found_in_the_topics(stopped):
    server, _, _ = stopped
    assert topics_file(server) in raw_search.find({CONTROL}, files_of(server))[CONTROL]


def test_no_personal_text_is_in_any_file(stopped):
    server, traces, crashed = stopped
    assert {text: files for text, files in crashed.items() if text in traces.personal} == {}
    assert raw_search.find(traces.personal, files_of(server)) == {}


def test_every_database_is_decoded_whole(stopped, decoded):
    server, _, _ = stopped
    file, entries = decoded
    databases = {str(each.parent.relative_to(server.data)) for each in server.data.rglob("CURRENT")}
    assert {database for database, _ in entries} == databases
    for name in ("auth", "inventory", "trials", "analytics", "audit"):
        of_service = {family: n for (database, family), n in entries.items() if database.endswith(name) and n}
        assert len(of_service) >= 3, (name, entries)
    assert raw_search.find({CONTROL}, [file]) == {CONTROL: [file]}, "the unsealed control text is not found"


def test_no_personal_text_and_no_secret_is_in_a_decoded_key_or_value(stopped, decoded):
    _, traces, _ = stopped
    assert raw_search.find(traces.personal | traces.secret, [decoded[0]]) == {}


def test_no_secret_is_in_any_file(stopped):
    server, traces, crashed = stopped
    assert {text: files for text, files in crashed.items() if text in traces.secret} == {}
    assert raw_search.find(traces.secret, files_of(server)) == {}


def test_event_log_and_metrics_name_nobody(stopped):
    server, _, _ = stopped
    calls = [line for line in server.log_lines() if line["event"] == "call"]
    assert len({line["method"] for line in calls}) > 20, "every flow left its calls"
    for file in (server.log_file, metrics_file(server)):
        assert "organizations/" not in file.read_text(encoding="utf-8"), "resource names are for the records"


def test_secrets_are_for_their_owner_alone(stopped):
    server, _, _ = stopped
    for file in (server.data / "keys").iterdir():
        if file.is_file():
            assert file.stat().st_mode & 0o077 == 0, file
