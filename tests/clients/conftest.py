"""Runs the standalone for the tests: real binaries, generated stubs, one server for the session."""
import os
import pathlib
import random
import subprocess

import pytest

import stubs


# The tests' own; the servers that they start refuse variables which are no flag of theirs.
SEED = os.environ.pop("TRIALOG_SEED", None)


def pytest_addoption(parser):
    parser.addoption("--kafka", help="addresses of brokers: the servers' logs are there instead of in their folders")
    parser.addoption("--build", default="build/release", help="build folder; the binaries are in its bin/")


def pytest_configure(config):
    """Generates the stubs before any test module imports them; child processes find them by PYTHONPATH."""
    config.addinivalue_line("markers", "embedded: about the files of the embedded log")
    stubs.install(config)
    import server

    server.Server.kafka = config.getoption("--kafka")


def pytest_collection_modifyitems(config, items):
    """On Kafka, leaves out what is about the files of the embedded log, or needs its clock to be another."""
    if not config.getoption("--kafka"):
        return
    for item in items:
        if item.get_closest_marker("embedded"):
            item.add_marker(pytest.mark.skip(reason="about the embedded log"))


@pytest.fixture(scope="session")
def binaries(request):
    """Folder of the binaries under test."""
    return pathlib.Path(request.config.getoption("--build")).resolve() / "bin"


@pytest.fixture
def chance():
    """Chance from a seed that is printed with a failure."""
    seed = SEED or str(random.SystemRandom().randrange(10**9))
    print(f"TRIALOG_SEED={seed}")
    return random.Random(seed)


@pytest.fixture
def make_server(binaries, tmp_path):
    """Makes servers of one test, with flags of their own; they end with it."""
    from server import Server

    servers = []

    def make(*flags, clock=None, variables=None):
        folder = tmp_path / f"server-{len(servers)}"
        folder.mkdir()
        servers.append(Server(binaries, folder, *flags).start(clock, variables=variables))
        return servers[-1]

    yield make
    for server in servers:
        server.kill()


@pytest.fixture
def clocked_server(binaries, tmp_path):
    """A server that is told how its time passes: `order("later", 60)`. It begins ten minutes behind, since the deadlines of
    calls are by the true clock."""
    from server import Server

    started = Server(binaries, tmp_path)
    started.stdin = subprocess.PIPE
    yield started.start(clock="-10m")
    started.kill()


@pytest.fixture(scope="session")
def server(binaries, tmp_path_factory):
    """The server that most tests share; each in an organisation of its own."""
    from server import Server

    started = Server(binaries, tmp_path_factory.mktemp("standalone")).start()
    yield started
    assert started.alive(), "the server went down during the tests"
    started.stop()


@pytest.fixture(scope="module")
def organization(server):
    """A fresh organisation for the tests of one file."""
    from organization import Organization

    return Organization(server)
