"""Lines of SECURITY.md that need a running server: what a stolen key, a spent token and an administrator's rights are worth."""
import base64
import hmac
import json
import shutil
from struct import pack

import grpc
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from client import Caller, eventually, reason_of, refused, request_id
from inventory import Biobank, samples_of
from organization import Organization, new_password
from server import DEADLINE
from trialog.auth.v1 import auth_pb2, organization_pb2, user_pb2
from trialog.audit.v1 import service_pb2
from trialog.inventory.v1 import sample_pb2
from watching import Watch

LIST_SAMPLES = "trialog.inventory.v1.SampleService/ListSamples"


def parts(*texts):
    return b"".join(pack(">Q", len(text)) + text for text in texts)


def page_token(server, method, parent, position):
    """A token as docs/formats/tokens.md says, under the key that the server's own are made with."""
    text = (server.data / "keys" / "service.key").read_text(encoding="ascii").strip()
    secret = bytes.fromhex(text) if len(text) == 64 else base64.b64decode(text + "==")
    key = HKDF(hashes.SHA256(), 32, b"trialog.standalone.v1", b"page tokens").derive(secret)
    signed = parts(b"trialog.token.v1") + b"\1" + parts(method.encode(), parent.encode(), b"", b"", position)
    raw = b"\1\1" + hmac.digest(key, signed, "sha256") + position
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def test_page_tokens_of_the_stolen_service_key_show_no_more(server, organization):
    biobank = Biobank(organization, "keyed")
    names = [biobank.add_sample(f"KEYED-{number}").name for number in range(3)]
    forged = page_token(server, LIST_SAMPLES, biobank.name, names[0].encode())
    assert [sample.name for sample in samples_of(biobank.technician, biobank.name, page_token=forged)] == names[1:]
    stranger = organization.join("keyed-stranger", "LAB_TECHNICIAN", scope=f"{organization.name}/biobanks/elsewhere")
    assert samples_of(stranger, biobank.name, page_token=forged) == []


def test_a_token_says_which_organisation_by_its_signature(server, organization):
    other = Organization(server)
    header, claims, signature = other.administrator.token().split(".")
    read = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    moved = base64.urlsafe_b64encode(json.dumps(read | {"org": organization.id}).encode()).rstrip(b"=").decode()
    with refused("UNAUTHENTICATED", "TOKEN_KEY_UNKNOWN"):
        Caller(server.target, f"{header}.{moved}.{signature}").AuthService.WhoAmI(auth_pb2.WhoAmIRequest())


def create(server, token, organization_id):
    return Caller(server.target).OrganizationService.CreateOrganization(
        organization_pb2.CreateOrganizationRequest(
            organization_id=organization_id,
            organization=organization_pb2.Organization(display_name="Made-up clinic"),
            administrator=user_pb2.User(username="root"),
            password=new_password(),
            init_token=token,
        )
    )


def test_one_time_token_is_spent_for_ever(make_server):
    server = make_server()
    token = (server.data / "keys" / "init.token").read_text(encoding="ascii").strip()
    with refused("INVALID_ARGUMENT", "DISPLAY_NAME_INVALID"):  # What is refused spends nothing.
        Caller(server.target).OrganizationService.CreateOrganization(
            organization_pb2.CreateOrganizationRequest(
                organization_id="nameless",
                organization=organization_pb2.Organization(display_name="x" * 201),
                administrator=user_pb2.User(username="root"),
                password=new_password(),
                init_token=token,
            )
        )
    assert create(server, token, "the-one").name == "organizations/the-one"
    for restart in (server.stop, server.kill, lambda: (server.stop(), shutil.rmtree(server.data / "stores"))):
        restart()
        server.start()
        for organization_id in ("second", "third", "fourth"):  # In several partitions of the log.
            with refused("PERMISSION_DENIED", "INIT_TOKEN_USED"):
                create(server, token, organization_id)
    assert create(server, server.new_init_token(), "second").name == "organizations/second"


def test_what_an_administrator_does_is_recorded(organization):
    root = organization.administrator
    auditor = organization.join("watching", "AUDITOR")
    person = organization.join("made-by-root", "ANALYST")
    organization.grant(person, "LAB_TECHNICIAN")
    organization.revoke(person, "ANALYST")
    root.UserService.DeactivateUser(user_pb2.DeactivateUserRequest(name=person.name, request_id=request_id()))
    wanted = {"InvitationCreated", "RoleGranted", "RoleRevoked", "UserDeactivated"}

    def kinds():
        request = service_pb2.ListEntriesRequest(parent=organization.name, filter=f'actor.name = "{root.name}"')
        found = {entry.content.type.rsplit(".", 1)[1] for entry in auditor.AuditService.ListEntries(request).entries}
        return found if wanted <= found else None

    assert eventually(kinds)


def test_an_open_stream_ends_when_the_role_does(organization):
    biobank = Biobank(organization, "streamed")
    request = sample_pb2.WatchSamplesRequest(parent=biobank.name)
    with Watch(biobank.technician.SampleService.WatchSamples(request, timeout=DEADLINE)) as watch:
        watch.initial()
        organization.revoke(biobank.technician, "LAB_TECHNICIAN")
        with pytest.raises(grpc.RpcError) as ended:
            watch.next()
    assert (ended.value.code().name, reason_of(ended.value)) == ("ABORTED", "WATCH_ACCESS_CHANGED")
