"""Damage in an old file of the log stops the organisations whose records it holds, and nobody else."""
import re
import shutil
import subprocess

import grpc
import pytest

from inventory import Biobank, samples_of
from organization import Organization

SAMPLES = 120  # More than a block of the file holds.


def damage(log, text):
    """Flips one bit amid all that holds `text`, where what belongs to nobody else stands around it; the table hit."""
    for table in sorted(log.glob("*.sst")):
        data = bytearray(table.read_bytes())
        found = [match.start() for match in re.finditer(re.escape(text), data)]
        if len(found) > SAMPLES:
            data[found[len(found) // 2] + len(text) + 50] ^= 1
            table.write_bytes(data)
            return table
    raise AssertionError("no table holds it")


@pytest.mark.embedded
def test_damage_stops_the_partition_it_is_in_and_verify_names_the_file(make_server):
    server = make_server("--compress=false")
    biobanks = []
    for number in range(3):
        organization = Organization(server, f"damaged-{number}")
        biobanks.append(Biobank(organization))
        for sample in range(SAMPLES):
            biobanks[-1].add_sample(f"S{sample}", tracking="x" * 120)
    server.stop()
    server.start()  # Writes what stood in the write-ahead log to tables.
    server.stop()
    hit = biobanks[1]
    table = damage(server.data / "log", f"{hit.name}/samples/".encode())
    shutil.rmtree(server.data / "stores" / "inventory")  # So that the log is read from its beginning.

    verified = subprocess.run(
        [server.binaries / "trialogctl", "verify", "--data", server.data], capture_output=True, text=True, timeout=120
    )
    assert verified.returncode == 1 and table.name in verified.stdout + verified.stderr

    server.start()
    for biobank in biobanks:
        technician = biobank.technician.reconnect(server.target)
        if biobank is hit:
            for call in (
                lambda: samples_of(technician, biobank.name),
                lambda: technician.SampleService.CreateSample(biobank.new_sample("NEW")),
            ):
                with pytest.raises(grpc.RpcError) as refused:
                    call()
                assert refused.value.code() in (grpc.StatusCode.DATA_LOSS, grpc.StatusCode.UNAVAILABLE)
        else:
            assert len(samples_of(technician, biobank.name)) == SAMPLES
            assert technician.SampleService.CreateSample(biobank.new_sample("NEW")).identifier == "NEW"
