"""grpcurl, a client that knows nothing of this project: it learns all by reflection."""
import json
import subprocess

import pytest

import stubs
from client import SERVICES
from inventory import Biobank
from server import DEADLINE

GRPCURL = stubs.REPOSITORY / ".deps" / "bin" / "grpcurl"  # scripts/deps.sh test


@pytest.fixture(scope="module")
def grpcurl(server):
    """Runs grpcurl on the server; gives (exit code, output, errors)."""

    def run(*arguments, token=None, data=None):
        command = [GRPCURL, "-plaintext", "-format-error", "-max-time", str(DEADLINE)]
        command += ["-H", f"authorization: Bearer {token}"] if token else []
        command += ["-d", json.dumps(data)] if data is not None else []
        done = subprocess.run(
            [*command, server.target, *arguments], capture_output=True, text=True, timeout=2 * DEADLINE, check=False
        )
        return done.returncode, done.stdout, done.stderr

    return run


def test_grpcurl_lists_every_service(grpcurl):
    code, out, err = grpcurl("list")
    assert code == 0, err
    listed = set(out.split())
    assert set(SERVICES) | {"grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"} <= listed


def test_grpcurl_describes_every_method(grpcurl):
    for name, service in SERVICES.items():
        code, out, err = grpcurl("describe", name)
        assert code == 0, err
        for method in service.methods:
            assert f"rpc {method.name} (" in out, name


def test_grpcurl_reads_health(grpcurl):
    code, out, err = grpcurl("grpc.health.v1.Health/Check")
    assert code == 0, err
    assert json.loads(out) == {"status": "SERVING"}


def test_grpcurl_signs_in_and_lists_inventory(grpcurl, organization):
    biobank = Biobank(organization, "by-grpcurl")
    _, item = biobank.add_stocked_sample("GRPCURL")
    credentials = biobank.technician.credentials
    code, out, err = grpcurl(
        "trialog.auth.v1.AuthService/Login",
        data={
            "organization": organization.name,
            "username": credentials.username,
            "password": credentials.password,
        },
    )
    assert code == 0, err
    token = json.loads(out)["tokens"]["access_token"]
    code, out, err = grpcurl(
        "trialog.inventory.v1.InventoryService/ListInventoryItems", token=token, data={"parent": biobank.name}
    )
    assert code == 0, err
    (listed,) = json.loads(out)["inventory_items"]
    assert listed["name"] == item.name
    assert listed["sample_state"] == "SAMPLE_STATE_STORED"
    assert listed["quantity"] == {"units": "25", "scale": 1, "unit": "mL"}


def test_grpcurl_is_told_why_it_is_refused(grpcurl, organization):
    code, _, err = grpcurl("trialog.auth.v1.AuthService/WhoAmI")
    status = json.loads(err)
    assert code != 0 and status["code"] == 16  # UNAUTHENTICATED
    assert status["details"][0]["reason"] == "TOKEN_MISSING"
    token = organization.join("told-why", "ANALYST").token()
    code, _, err = grpcurl(
        "trialog.inventory.v1.SampleService/GetSample", token=token, data={"name": f"{organization.name}/biobanks/x"}
    )
    status = json.loads(err)
    assert code != 0 and status["code"] == 7  # PERMISSION_DENIED
    assert status["details"][0]["reason"] == "ROLE_MISSING"
