"""Whatever is sent, the answer says what is wrong, the server stays up and nothing is written."""
import base64
import hashlib
import hmac
import json
import time

import grpc
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

import access_table
from client import Caller, not_found, outcome, reason_of, refused, request_id
from inventory import Biobank, get_sample, items_of, milliliters, samples_of
from organization import Organization
from request_maker import every_method
from trialog.auth.v1 import auth_pb2
from trialog.inventory.v1 import inventory_item_pb2, sample_pb2
from watching import Watch

CREATE_SAMPLE = "trialog.inventory.v1.SampleService/CreateSample"
WATCH_SAMPLES = "trialog.inventory.v1.SampleService/WatchSamples"


@pytest.fixture(scope="module")
def biobank(organization):
    made = Biobank(organization, "hardened")
    for number in range(3):
        made.add_stocked_sample(f"BEFORE-{number}")
    return made


@pytest.fixture(autouse=True)
def nothing_is_written(server, biobank):
    """After every test here the server still runs and holds what it held before."""

    def content():
        return samples_of(biobank.technician, biobank.name), items_of(biobank.technician, biobank.name)

    before = content()
    yield
    assert server.alive()
    assert content() == before


def create(biobank, **changes):
    """A good CreateSample request with some fields of the sample made bad."""
    request = biobank.new_sample("BAD")
    for field, value in changes.items():
        setattr(request.sample, field, value)
    return request


# Requests.


def test_missing_fields_are_named(biobank):
    with refused("INVALID_ARGUMENT", "INVALID_REQUEST", field="sample"):
        biobank.technician.SampleService.CreateSample(sample_pb2.CreateSampleRequest(parent=biobank.name))
    request = create(biobank, identifier="", sample_type="")
    with refused("INVALID_ARGUMENT", "INVALID_REQUEST", field="sample.identifier") as caught:
        biobank.technician.SampleService.CreateSample(request)
    assert "sample_type" in str(caught.value.trailing_metadata())


@pytest.mark.parametrize(
    ("field", "length"), [("identifier", 129), ("identifier", 2000), ("handling_instructions", 70_000), ("tracking", 1_000_000)]
)
def test_too_long_text_is_named(biobank, field, length):
    with pytest.raises(grpc.RpcError) as caught:
        biobank.technician.SampleService.CreateSample(create(biobank, **{field: "x" * length}))
    with refused("INVALID_ARGUMENT", reason_of(caught.value), field=f"sample.{field}"):
        raise caught.value


def test_text_that_is_not_utf8_is_refused(biobank):
    good = create(biobank, tracking="TRACKING").SerializeToString()
    bad = good.replace(b"TRACKING", b"TRACK\xff\xfe\x80")
    assert len(bad) == len(good)
    with refused("INVALID_ARGUMENT", "MALFORMED_REQUEST"):
        biobank.technician.raw(CREATE_SAMPLE, bad)


def test_truncated_bytes_are_refused_at_every_length(biobank):
    request = create(biobank)
    request.ClearField("request_id")  # So that the sample, which must be there, ends the bytes.
    good = request.SerializeToString()
    for length in range(len(good)):
        with pytest.raises(grpc.RpcError) as caught:
            biobank.technician.raw(CREATE_SAMPLE, good[:length])
        assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT, length
        assert reason_of(caught.value) is not None, length


def test_random_bytes_are_refused(biobank):
    for seed in range(200):
        noise = hashlib.shake_256(f"noise {seed}".encode()).digest(seed)
        with pytest.raises(grpc.RpcError) as caught:
            biobank.technician.raw(CREATE_SAMPLE, noise)
        assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT, seed


def test_unknown_enum_number_is_named(biobank):
    with refused("INVALID_ARGUMENT", "INVALID_REQUEST", field="sample.state"):
        biobank.technician.SampleService.CreateSample(create(biobank, state=999))
    with refused("INVALID_ARGUMENT", "INVALID_REQUEST", field="state"):
        biobank.technician.SampleService.TransitionSample(
            sample_pb2.TransitionSampleRequest(name=f"{biobank.name}/samples/before-0", state=999)
        )


@pytest.mark.parametrize(
    "name", ["", "samples/before-0", "organizations/", "organizations/a b/biobanks/x/samples/y", "organizations/a//b"]
)
def test_malformed_name_is_named(biobank, name):
    with refused("INVALID_ARGUMENT", "INVALID_REQUEST" if not name else "BAD_NAME", field="name"):
        get_sample(biobank.technician, name)


def test_wrong_organisation_is_as_if_it_were_not_there(server, biobank):
    other = Biobank(Organization(server), "elsewhere")
    sample = other.add_sample("ELSEWHERE")
    with not_found():
        get_sample(biobank.technician, sample.name)
    with not_found():
        get_sample(biobank.technician, "organizations/no-such-organisation/biobanks/x/samples/y")
    request = create(biobank)
    request.parent = other.name
    with pytest.raises(grpc.RpcError) as existing:
        biobank.technician.SampleService.CreateSample(request)
    request.parent = "organizations/no-such-organisation/biobanks/x"
    with pytest.raises(grpc.RpcError) as absent:
        biobank.technician.SampleService.CreateSample(request)
    for caught in (existing, absent):
        assert caught.value.code() in (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.PERMISSION_DENIED)
    assert reason_of(existing.value) == reason_of(absent.value)
    assert existing.value.details() == absent.value.details()
    assert [found.name for found in samples_of(other.manager, other.name)] == [sample.name]


def test_huge_page_size_is_cut_and_a_negative_one_refused(biobank):
    assert len(samples_of(biobank.technician, biobank.name, page_size=2**31 - 1)) == 3
    with refused("INVALID_ARGUMENT", "INVALID_REQUEST", field="page_size"):
        samples_of(biobank.technician, biobank.name, page_size=-1)


def first_page_token(biobank):
    page = biobank.technician.SampleService.ListSamples(
        sample_pb2.ListSamplesRequest(parent=biobank.name, page_size=1)
    )
    assert page.next_page_token
    return page.next_page_token


def test_forged_page_token_is_refused(biobank):
    good = first_page_token(biobank)
    flipped = good[:-2] + ("A" if good[-2] != "A" else "B") + good[-1]
    for token in ("forged", "", good[:-4], flipped, base64.b64encode(b"\0" * 64).decode()):
        if not token:
            continue
        with refused("INVALID_ARGUMENT", "BAD_PAGE_TOKEN", field="page_token"):
            samples_of(biobank.technician, biobank.name, page_token=token)


def test_page_token_is_bound_to_its_list_and_filter(biobank):
    token = first_page_token(biobank)
    with refused("INVALID_ARGUMENT", "BAD_PAGE_TOKEN", field="page_token"):
        samples_of(biobank.technician, biobank.name, page_token=token, filter='sample_type = "BLD"')
    with refused("INVALID_ARGUMENT", "BAD_PAGE_TOKEN", field="page_token"):
        items_of(biobank.technician, biobank.name, page_token=token)


def test_forged_resume_token_is_refused(biobank):
    for token in ("forged", first_page_token(biobank)):
        request = sample_pb2.WatchSamplesRequest(parent=biobank.name, resume_token=token)
        with refused("INVALID_ARGUMENT", "BAD_RESUME_TOKEN", field="resume_token"):
            with Watch(biobank.technician.SampleService.WatchSamples(request)) as watch:
                watch.initial()


@pytest.mark.parametrize("text", ["state =", "state = ", "(((((", "no_such_field = 1", "identifier = \"x", "a" * 5000])
def test_bad_filter_is_refused(biobank, text):
    with pytest.raises(grpc.RpcError) as caught:
        samples_of(biobank.technician, biobank.name, filter=text)
    with refused("INVALID_ARGUMENT", "INVALID_REQUEST" if len(text) > 4096 else "BAD_FILTER", field="filter"):
        raise caught.value


@pytest.mark.parametrize("units", [-1, -(2**63)])
def test_negative_amount_is_refused(biobank, units):
    item = items_of(biobank.technician, biobank.name)[0]
    with refused("INVALID_ARGUMENT", "BAD_QUANTITY"):
        biobank.technician.InventoryService.AdjustStock(
            inventory_item_pb2.AdjustStockRequest(
                name=item.name,
                counted_quantity=milliliters(units),
                cause=inventory_item_pb2.ADJUSTMENT_CAUSE_COUNT,
                request_id=request_id(),
            )
        )


def test_message_above_the_limits_is_refused(biobank):
    just_above = create(biobank).SerializeToString() + b"\x32" + _varint(4 * 1024 * 1024) + b"x" * (4 * 1024 * 1024)
    with refused("INVALID_ARGUMENT", "REQUEST_TOO_LARGE"):
        biobank.technician.raw(CREATE_SAMPLE, just_above)
    with refused("RESOURCE_EXHAUSTED", None):  # gRPC itself.
        biobank.technician.raw(CREATE_SAMPLE, just_above * 2)


def _varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def test_unknown_method_is_unimplemented(biobank):
    with pytest.raises(grpc.RpcError) as caught:
        biobank.technician.raw("trialog.inventory.v1.SampleService/DropSamples", b"")
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_call_past_its_deadline_is_told_so(biobank):
    far_ahead = [("trialog-min-position", "0/9000000000000000000")]
    with pytest.raises(grpc.RpcError) as caught:
        biobank.technician.SampleService.GetSample(
            sample_pb2.GetSampleRequest(name=f"{biobank.name}/samples/before-0"), timeout=0.2, metadata=far_ahead
        )
    # Client and server watch the same deadline; either may be the first to say so.
    assert (caught.value.code().name, reason_of(caught.value)) in [
        ("DEADLINE_EXCEEDED", None),
        ("UNAVAILABLE", "POSITION_NOT_REACHED"),
    ]
    with refused("INVALID_ARGUMENT", "BAD_POSITION"):
        biobank.technician.SampleService.GetSample(
            sample_pb2.GetSampleRequest(name=f"{biobank.name}/samples/before-0"),
            metadata=[("trialog-min-position", "nowhere")],
        )


# Tokens.


def _part(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _read(part):
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def _signed(header, claims, sign):
    text = _part(json.dumps(header).encode()) + "." + _part(json.dumps(claims).encode())
    return text + "." + _part(sign(text.encode()))


def _es256(key):
    def sign(text):
        r, s = utils.decode_dss_signature(key.sign(text, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    return sign


@pytest.fixture
def token(biobank):
    """A good token, taken apart: header, claims, signature."""
    header, claims, signature = biobank.technician.token().split(".")
    return _read(header), _read(claims), signature


@pytest.fixture
def refuses(server, biobank):
    """Expects a call with this token to be UNAUTHENTICATED for this reason, in a unary call and in a stream."""

    def check(bearer, reason):
        caller = Caller(server.target, bearer)
        with refused("UNAUTHENTICATED", reason):
            caller.SampleService.CreateSample(create(biobank))
        with refused("UNAUTHENTICATED", reason):
            next(caller.SampleService.WatchSamples(sample_pb2.WatchSamplesRequest(parent=biobank.name)))

    return check


def test_call_without_token_is_refused(refuses):
    refuses(None, "TOKEN_MISSING")


@pytest.mark.parametrize("text", ["x", "a.b.c", "....", "e30.e30.", "Bearer", "x" * 5000])
def test_text_that_is_no_token_is_refused(refuses, text):
    refuses(text, "TOKEN_MALFORMED")


def test_token_of_another_key_is_refused(refuses, token):
    header, claims, _ = token
    refuses(_signed(header, claims, _es256(ec.generate_private_key(ec.SECP256R1()))), "TOKEN_SIGNATURE")


def test_token_of_an_unknown_key_is_refused(refuses, token):
    header, claims, _ = token
    sign = _es256(ec.generate_private_key(ec.SECP256R1()))
    refuses(_signed(header | {"kid": "made-up"}, claims, sign), "TOKEN_KEY_UNKNOWN")
    # Far ahead of everything that was recorded: the wait for its key has an end.
    refuses(_signed(header | {"kid": "made-up"}, claims | {"pos": 2**40}, sign), "TOKEN_KEY_UNKNOWN")


def test_token_without_signature_is_refused(refuses, token):
    header, claims, signature = token
    for algorithm in ("none", "None", "NONE", ""):
        refuses(_signed(header | {"alg": algorithm}, claims, lambda _: b""), "TOKEN_ALGORITHM")
    refuses(_signed(header, claims, lambda _: b""), "TOKEN_SIGNATURE")


def test_token_signed_with_the_public_key_as_a_secret_is_refused(refuses, organization, token):
    header, claims, _ = token
    keys = organization.nobody.AuthService.ListSigningKeys(
        auth_pb2.ListSigningKeysRequest(parent=organization.name)
    ).keys
    key = next(key for key in keys if key.uid == header["kid"])
    x, y = (int.from_bytes(base64.urlsafe_b64decode(part + "=="), "big") for part in (key.x, key.y))
    public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    encodings = [
        public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint),
        key.x.encode(),
    ]
    for secret in encodings:
        forged = _signed(header | {"alg": "HS256"}, claims, lambda text, s=secret: hmac.digest(s, text, "sha256"))
        refuses(forged, "TOKEN_ALGORITHM")


def test_token_that_brings_its_own_key_is_refused(refuses, token):
    header, claims, _ = token
    key = ec.generate_private_key(ec.SECP256R1())
    numbers = key.public_key().public_numbers()
    jwk = {"kty": "EC", "crv": "P-256"} | {
        name: _part(number.to_bytes(32, "big")) for name, number in (("x", numbers.x), ("y", numbers.y))
    }
    refuses(_signed(header | {"jwk": jwk}, claims, _es256(key)), "TOKEN_HEADER")


def test_changed_claims_break_the_signature(refuses, token, organization, biobank):
    header, claims, signature = token
    for change in ({"sub": organization.administrator.name}, {"exp": claims["exp"] + 3600}, {"sid": "other"}):
        text = _part(json.dumps(header).encode()) + "." + _part(json.dumps(claims | change).encode())
        refuses(text + "." + signature, "TOKEN_SIGNATURE")


def test_forged_token_of_another_organisation_is_refused(server, refuses, token):
    header, claims, _ = token
    other = Organization(server)
    sign = _es256(ec.generate_private_key(ec.SECP256R1()))
    refuses(_signed(header, claims | {"org": other.id}, sign), "TOKEN_KEY_UNKNOWN")


def test_expired_forgery_is_refused(refuses, token):
    header, claims, _ = token
    past = {"iat": int(time.time()) - 900, "exp": int(time.time()) - 600}
    refuses(_signed(header, claims | past, _es256(ec.generate_private_key(ec.SECP256R1()))), "TOKEN_SIGNATURE")


@pytest.mark.embedded
def test_expired_token_is_refused_and_its_session_goes_on(make_server):
    server = make_server(clock="-10m")  # Its token is ten minutes old for the one that comes after.
    person = Organization(server).join("was-here", "ANALYST")
    expired = person.tokens.access_token
    server.stop()
    server.start()
    late = Caller(server.target, expired)
    for method in every_method():
        if not access_table.options()[method].public:
            assert outcome(late, method) == ("UNAUTHENTICATED", "TOKEN_EXPIRED", set()), method
    renewed = person.reconnect(server.target).AuthService.WhoAmI(auth_pb2.WhoAmIRequest())
    assert renewed.identity.user.name == person.name
