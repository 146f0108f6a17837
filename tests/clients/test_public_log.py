"""The audit log as a stranger verifies it: by HTTP, with public tools alone, and nothing to be learnt from it."""
import base64
import functools
import hashlib
import hmac
import http.server
import json
import pathlib
import re
import subprocess
import threading
import urllib.error
import urllib.request

import pytest
from clinic import Clinic
from organization import Organization
from server import DEADLINE
from trialog.audit.v1 import service_pb2

from client import eventually

TLOGCHECK = pathlib.Path(__file__).resolve().parents[2] / ".deps" / "bin" / "tlogcheck"
TEXTS = ("Marbleworth", "ada@example.org", "MRN-", "users/", "patients/", "organizations/")


def b64(value):
    return base64.b64encode(value).decode("ascii")


class PublicLog:
    """The pages of a server, and what a checker says of them."""

    def __init__(self, url):
        self.url = url
        self.key = self.page("/key").decode().strip()

    def page(self, path):
        with urllib.request.urlopen(self.url + path, timeout=DEADLINE) as answer:
            return answer.read()

    def check(self, url=None, **proofs):
        """Of all leaves, tiles and the checkpoint, and of proofs that were given by RPC."""
        command = [TLOGCHECK, url or self.url, self.key]
        return subprocess.run(command, input=json.dumps(proofs), capture_output=True, text=True, timeout=DEADLINE, check=False)

    def checked(self, **proofs):
        done = self.check(**proofs)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def public_log_of(server):
    port = re.search(r'"event":"public_log","port":"(\d+)"', server.log_file.read_text(encoding="utf-8"))[1]
    return PublicLog(f"http://127.0.0.1:{port}")


@pytest.fixture
def site(make_server):
    """A server with a public log, and a clinic that has done something."""
    server = make_server("--public_log_address=0")
    clinic = Clinic(Organization(server))
    clinic.log = public_log_of(server)
    clinic.auditor = clinic.organization.join("inspector", "AUDITOR").AuditService
    return clinic


def grown(site, size=1):
    """The latest checkpoint, once it has so many leaves."""

    def latest():
        checkpoint = site.auditor.GetCheckpoint(service_pb2.GetCheckpointRequest())
        return checkpoint if checkpoint.tree_size >= size else None

    return eventually(latest)


def write_much(site, count):
    for number in range(count):
        site.send(site.provider, site.patient, f"made-up text {number}")


def test_public_tools_verify_checkpoint_tiles_entries_and_proofs(site):
    first = grown(site)
    write_much(site, 150)  # Each is several leaves: more than one tile is full.
    latest = grown(site, 2 * 256 + 1)
    entries = eventually(lambda: site.auditor.ListEntries(service_pb2.ListEntriesRequest(parent=site.name, page_size=50)).entries)
    inclusion = []
    for entry in entries[:: max(1, len(entries) // 10)]:
        shown = site.auditor.GetEntry(service_pb2.GetEntryRequest(name=entry.name))
        inclusion.append({"index": shown.proof.tree_index, "size": shown.proof.tree_size,
                          "leaf": b64(shown.entry.material.leaf), "hashes": [b64(each) for each in shown.proof.hashes]})  # fmt: skip
    grown(site, max(each["size"] for each in inclusion))
    proof = site.auditor.GetConsistencyProof(
        service_pb2.GetConsistencyProofRequest(from_size=first.tree_size, to_size=latest.tree_size)
    )
    consistency = [{"from": proof.from_size, "to": proof.to_size, "from_root": b64(first.root), "hashes": [b64(h) for h in proof.hashes]}]
    found = site.log.checked(inclusion=inclusion, consistency=consistency)
    assert found["size"] >= latest.tree_size and found["tiles"] >= 4
    assert found["origin"] == latest.origin
    assert site.log.page("/key").decode().startswith(latest.origin + "+")
    # It can say no.
    bad = [dict(inclusion[0], leaf=b64(b"another"))]
    assert "inclusion" in site.log.check(inclusion=bad).stderr
    bad = [dict(consistency[0], from_root=b64(hashlib.sha256(b"another").digest()))]
    assert "consistency" in site.log.check(consistency=bad).stderr


def test_a_proof_is_a_file_that_is_checked_without_a_server(site, tmp_path):
    write_much(site, 5)
    listed = site.auditor.ListEntries(service_pb2.ListEntriesRequest(parent=site.name, page_size=5))
    for entry in listed.entries:
        shown = eventually(lambda entry=entry: site.auditor.GetEntry(service_pb2.GetEntryRequest(name=entry.name)))
        file = tmp_path / "entry.tlog-proof"
        file.write_text(shown.tlog_proof, encoding="utf-8")
        checked = subprocess.run([TLOGCHECK, file, site.log.key], capture_output=True, text=True, timeout=DEADLINE, check=False)
        assert checked.returncode == 0, checked.stderr
        said = json.loads(checked.stdout)
        assert said["index"] == shown.entry.tree_index and base64.b64decode(said["leaf"]) == shown.entry.material.leaf
        assert shown.tlog_proof.endswith(shown.checkpoint.note)
        file.write_text(shown.tlog_proof.replace(f"\nindex {said['index']}\n", f"\nindex {said['index'] - 1}\n"), encoding="utf-8")
        assert subprocess.run([TLOGCHECK, file, site.log.key], capture_output=True, timeout=DEADLINE, check=False).returncode == 1


class Folder:
    """A copy of the log as files, served by somebody else."""

    def __init__(self, log, folder):
        self.folder = folder
        size = int(self.keep(log, "/checkpoint").splitlines()[1])
        for kind in ("0", "entries"):
            for path, _ in self.paths(kind, size):
                self.keep(log, path)
        for path, _ in self.paths("1", size // 256):
            self.keep(log, path)
        self.size = size

    @staticmethod
    def paths(kind, count):
        for index in range(0, count, 256):
            width = min(256, count - index)
            assert index // 256 < 1000
            yield f"/tile/{kind}/{index // 256:03}" + (f".p/{width}" if width < 256 else ""), width

    def keep(self, log, path):
        file = self.folder / path[1:]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(log.page(path))
        return file.read_bytes()

    def files(self):
        return sorted(path for path in self.folder.rglob("*") if path.is_file())


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):  # pylint: disable=arguments-differ
        pass

    def guess_type(self, path):
        return "text/plain; charset=utf-8" if str(path).endswith("checkpoint") else "application/octet-stream"


@pytest.fixture
def copy(site, tmp_path):
    """All pages in a folder, on a server of its own."""
    write_much(site, 100)
    grown(site, 300)
    (tmp_path / "copy").mkdir()
    made = Folder(site.log, tmp_path / "copy")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=made.folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        made.url = f"http://127.0.0.1:{server.server_port}"
        yield made
        server.shutdown()
        thread.join()


def test_a_copy_as_files_verifies_and_any_flipped_byte_in_it_is_found(site, copy, chance):
    whole = site.log.check(copy.url)
    assert whole.returncode == 0, whole.stderr
    for file in copy.files():
        kept = file.read_bytes()
        for _ in range(3):
            at, bit = chance.randrange(len(kept)), 1 << chance.randrange(8)
            file.write_bytes(kept[:at] + bytes([kept[at] ^ bit]) + kept[at + 1 :])
            assert site.log.check(copy.url).returncode == 1, (file, at, bit)
        file.write_bytes(kept[:-1])
        assert site.log.check(copy.url).returncode == 1, f"{file} was cut short"
        file.write_bytes(kept)
    assert site.log.check(copy.url).returncode == 0


def test_pages_tell_a_stranger_nothing(site, copy):
    """Neither a word, nor a way to try a guess: who knows an entry to the last byte cannot tell whether it is there."""
    pages = b"".join(file.read_bytes() for file in copy.files())
    for text in (*TEXTS, site.name.split("/")[1]):
        for form in (text.encode(), text.encode().hex().encode(), base64.b64encode(text.encode()).rstrip(b"=")):
            assert form not in pages, text
    listed = site.auditor.ListEntries(service_pb2.ListEntriesRequest(parent=site.name, page_size=20))
    shown = [site.auditor.GetEntry(service_pb2.GetEntryRequest(name=entry.name)).entry.material for entry in listed.entries]
    commitments = {material.leaf[-32:] for material in shown}
    assert len(commitments) == len(shown)
    for material in shown:
        # What a guesser can compute without the salt: plain hashes of what it guessed, in each order and form.
        known = (material.content, material.record_hash, hashlib.sha256(material.content).digest())
        framed = b"".join(len(part).to_bytes(8, "big") + part for part in known[:2])
        guesses = {hashlib.sha256(part).digest() for part in (*known, framed, known[0] + known[1])}
        guesses |= {hmac.new(bytes(32), b"trialog.audit.commitment.v1" + framed, hashlib.sha256).digest()}
        assert not any(guess in pages for guess in guesses | {known[0], known[1], material.salt})
        # With it, it is this leaf.
        assert hmac.new(material.salt, b"trialog.audit.commitment.v1" + framed, hashlib.sha256).digest() == material.leaf[-32:]


def test_only_what_is_signed_is_shown_and_nothing_else_is_there(site):
    size = grown(site).tree_size
    for path in ("/", "/metrics", "/tile/0/900", f"/tile/0/{(size + 5000) // 256:03}", "/tile/entries/900.p/1", "/etc/passwd"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            site.log.page(path)
        assert refused.value.code == 404, path


def test_without_the_flag_there_are_no_pages(server):
    assert "public_log" not in server.log_file.read_text(encoding="utf-8")
