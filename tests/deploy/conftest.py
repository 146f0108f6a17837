"""The manifests, rendered; what they are tested with is borrowed from the client tests."""
import pathlib
import sys

import pytest

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path += [str(TESTS / "clients"), str(TESTS / "kafka")]


def pytest_addoption(parser):
    parser.addoption("--build", default="build/release", help="build folder; the binaries are in its bin/")


def pytest_configure(config):
    """As for the client tests, which this folder borrows from."""
    import stubs

    stubs.install(config)


@pytest.fixture(scope="session")
def binaries(request):
    """Folder of the binaries under test."""
    return pathlib.Path(request.config.getoption("--build")).resolve() / "bin"
