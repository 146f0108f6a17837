"""The image's recipe, without building it: what it copies is there, it configures from that alone, and installs what the programs need."""
import re
import shutil
import subprocess

from manifests import DEADLINE, DEPLOY, REPOSITORY, Manifests, containers_of, render

DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
PROGRAMS = ("trialog-auth", "trialog-inventory", "trialog-trials", "trialog-analytics", "trialog-audit", "trialogctl")


def copied():
    """(sources, target) of each COPY from the repository."""
    lines = re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.M)
    return [(words[:-1], words[-1]) for words in map(str.split, lines)]


def test_it_configures_from_what_it_copies_and_builds_what_it_takes(tmp_path):
    for sources, target in copied():
        for source in map(REPOSITORY.joinpath, sources):
            if source.is_dir():
                shutil.copytree(source, tmp_path / target)
            else:
                place = tmp_path / target / source.name if target.endswith("/") else tmp_path / target
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, place)
    (tmp_path / ".deps").mkdir()
    (tmp_path / ".deps" / "googleapis").symlink_to(REPOSITORY / ".deps" / "googleapis")  # As scripts/deps.sh image makes it.
    (configure, targets) = re.search(r"^RUN (cmake --preset run) && ninja -C build/run (.*)$", DOCKERFILE, re.M).groups()
    subprocess.run(configure.split(), cwd=tmp_path, check=True, timeout=5 * DEADLINE, stdout=subprocess.DEVNULL)
    assert tuple(targets.split()) == PROGRAMS
    subprocess.run(["ninja", "-C", "build/run", "-n", *PROGRAMS], cwd=tmp_path, check=True, timeout=DEADLINE, stdout=subprocess.DEVNULL)
    taken = re.search(r"^COPY --from=build (.*)$", DOCKERFILE, re.M)[1].split()
    assert taken == ["/source/.deps/bin/grpc-health-probe", *(f"/source/build/run/bin/{name}" for name in PROGRAMS), "/usr/local/bin/"]


def test_it_installs_the_libraries_that_the_programs_are_linked_with(binaries):
    libraries = set()
    for program in PROGRAMS:
        command = ["objdump", "-p", binaries / program]
        printed = subprocess.run(command, check=True, timeout=DEADLINE, stdout=subprocess.PIPE, text=True).stdout
        libraries |= set(re.findall(r"NEEDED\s+(\S+)", printed))
    folder = "/x86_64-linux-gnu/"
    paths = [f"*{folder}{library}" for library in libraries]
    command = ["dpkg-query", "--search", *paths]
    printed = subprocess.run(command, check=True, timeout=DEADLINE, stdout=subprocess.PIPE, text=True).stdout
    owners = {line.split(":")[0] for line in printed.splitlines() if not line.startswith("diversion")}
    words = re.search(r"--no-install-recommends\s+(.*?)\s+&&", DOCKERFILE)[1].split()
    assert owners - {"libc6", "libgcc-s1"} == set(words)


def test_it_is_what_the_manifests_start():
    stages = re.findall(r"^FROM (\S+)", DOCKERFILE, re.M)
    assert len(set(stages)) == 1 and re.fullmatch(r"debian:12\.\d+-slim", stages[0])
    user, group = re.search(r"^USER (\d+):(\d+)$", DOCKERFILE, re.M).groups()
    manifests = Manifests(render("kubernetes/overlays/production"))
    programs = {f"/usr/local/bin/{name}" for name in (*PROGRAMS, "grpc-health-probe")}
    for spec in manifests.pod_specs().values():
        assert (spec["securityContext"]["runAsUser"], spec["securityContext"]["runAsGroup"]) == (int(user), int(group))
        for container in containers_of(spec):
            probes = [container[key]["exec"]["command"][0] for key in container if key.endswith("Probe")]
            for word in [container["command"][0], *probes]:
                assert word == "find" or word in programs or word == "/usr/local/bin/trialog-$(SERVICE)"
