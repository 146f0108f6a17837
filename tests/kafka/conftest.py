"""A secure Kafka of their own for the tests of this folder, on ports that were free, in a folder that goes with it."""
import pathlib
import sys

import pytest

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "clients"))


def pytest_addoption(parser):
    parser.addoption("--build", default="build/release", help="build folder; the binaries are in its bin/")
    parser.addoption("--seed", type=int, help="of the faults and clients of test_faults.py; drawn when not given, and printed")
    parser.addoption("--fault_seconds", type=int, default=1, help="no fault of a run begins later than this")
    parser.addoption("--notices", type=int, default=5000, help="that a notifier is killed twenty times during")
    parser.addoption("--fault_limits", action="store_true", help="a longest wait over what is promised fails the test")
    parser.addoption("--fault_clients", type=int, default=64, help="how many clients work meanwhile")
    parser.addoption("--previous", type=pathlib.Path, help="binaries of an earlier build, to run beside those of this one")
    parser.addoption("--fault_runs", type=int, default=1, help="how many runs, each with the next seed")
    for service, count in (("auth", 3), ("audit", 3)):
        parser.addoption(f"--{service}_replicas", type=int, default=count, help=f"replicas of {service} in test_faults.py")


def pytest_configure(config):
    """As for the client tests, which this folder borrows from."""
    import stubs

    stubs.install(config)


def pytest_terminal_summary(terminalreporter):
    """What the tests of faults have to say, also when they passed."""
    from faults import SAID

    if SAID:
        terminalreporter.section("faults")
        terminalreporter.write_line("\n".join(SAID))


@pytest.fixture(scope="session")
def binaries(request):
    """Folder of the binaries under test."""
    return pathlib.Path(request.config.getoption("--build")).resolve() / "bin"


@pytest.fixture(scope="session")
def kafka(tmp_path_factory):
    """One broker, started by `kafka.sh up 1 --secure`; it ends with the tests."""
    from secure_kafka import SecureKafka

    started = SecureKafka(tmp_path_factory.mktemp("kafka"))
    try:
        yield started.up()
    finally:
        started.down()


@pytest.fixture(scope="session")
def plain_kafka(tmp_path_factory):
    """One broker in the clear; it ends with the tests."""
    from fleet import Kafka

    started = Kafka(tmp_path_factory.mktemp("plain-kafka"))
    yield started
    started.down()


@pytest.fixture
def make_fleet(plain_kafka, binaries, tmp_path):
    """Starts a fleet of one test; it ends with it."""
    from fleet import Fleet

    fleets = []

    def make(*flags, **replicas):
        fleets.append(Fleet(tmp_path, binaries, plain_kafka, *flags, **replicas))
        return fleets[-1].start()

    yield make
    for fleet in fleets:
        fleet.kill()
