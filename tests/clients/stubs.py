"""Generates Python code from the repository's protos, as any client would."""
import importlib
import os
import pathlib
import shutil
import sys
import tempfile

import google.protobuf
import grpc_tools
from grpc_tools import protoc

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


def proto_files():
    """Paths of all protos below proto/, as imports name them."""
    root = REPOSITORY / "proto"
    return sorted(str(path.relative_to(root)) for path in root.rglob("*.proto"))


def generate(folder):
    """Writes message and service modules of every proto to `folder`."""
    well_known = pathlib.Path(grpc_tools.__file__).parent / "_proto"
    arguments = [
        "protoc",
        f"-I{REPOSITORY / 'proto'}",
        f"-I{REPOSITORY / '.deps' / 'googleapis'}",
        f"-I{well_known}",
        f"--python_out={folder}",
        f"--grpc_python_out={folder}",
        *proto_files(),
    ]
    if protoc.main(arguments) != 0:
        raise RuntimeError(f"protoc failed (protobuf {google.protobuf.__version__})")


def _module(proto, suffix):
    return importlib.import_module(proto.removesuffix(".proto").replace("/", ".") + suffix)


def services():
    """Descriptors of all services of all protos."""
    return [
        service
        for proto in proto_files()
        for service in _module(proto, "_pb2").DESCRIPTOR.services_by_name.values()
    ]


def stub_class(service):
    """The generated stub of a service descriptor."""
    return getattr(_module(service.file.name, "_pb2_grpc"), service.name + "Stub")


def install(config):
    """Generates the stubs for this run, where it and its child processes find them; they go with it."""
    folder = tempfile.mkdtemp(prefix="trialog-stubs-")
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    generate(folder)
    here = str(pathlib.Path(__file__).parent)
    sys.path.insert(0, folder)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [folder, here, os.environ.get("PYTHONPATH")]))
