"""Pods without a container runtime: each in a network of its own, with the names, users, mounts and read-only root that Kubernetes gives
them, by Linux namespaces. What a process is started with comes from the manifests and nowhere else."""
import ctypes
import os
import pathlib
import selectors
import subprocess

from manifests import DEADLINE, command_of, environment_of

CONTAINER_SH = pathlib.Path(__file__).with_name("container.sh")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NEW_NAMESPACES = 0x00020000 | 0x40000000  # CLONE_NEWNS | CLONE_NEWNET
GATEWAY = "10.244.0.1"


def run(*words, **more):
    """Runs what must succeed."""
    return subprocess.run(list(map(str, words)), check=True, timeout=DEADLINE, **more)


class Network:
    """This process's own network and mounts, and a bridge that pods are on. All of it ends with the process."""

    def __init__(self, folder):
        if ctypes.CDLL(None, use_errno=True).unshare(NEW_NAMESPACES) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        run("mount", "--make-rprivate", "/")
        run("mount", "-t", "tmpfs", "tmpfs", "/run")
        self.hosts = folder / "hosts"
        self.hosts.write_text("127.0.0.1 localhost\n", encoding="ascii")
        self.hosts.chmod(0o644)
        run("mount", "--bind", self.hosts, "/etc/hosts")
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", "pods", "type", "bridge")
        run("ip", "address", "add", f"{GATEWAY}/16", "dev", "pods")
        run("ip", "link", "set", "pods", "up")
        self._count = 0

    def name(self, address, *names):
        """Makes an address known by these names to everybody."""
        with open(self.hosts, "a", encoding="ascii") as file:
            file.writelines(f"{address} {name}\n" for name in names)

    def add_pod(self, name):
        """The network of one pod; gives its address."""
        self._count += 1
        address, link = f"10.244.1.{self._count}", f"pod{self._count}"
        run("ip", "netns", "add", name)
        run("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name)
        run("ip", "link", "set", link, "master", "pods", "up")
        # Names are in a file; who may have IPv6 would also ask a names' server, which there is none, and wait for it.
        run("ip", "netns", "exec", name, "sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6")
        for words in (["address", "add", f"{address}/16", "dev", "eth0"], ["link", "set", "eth0", "up"], ["link", "set", "lo", "up"]):
            run("ip", "-n", name, *words)
        return address


class Pod:
    """One pod of a StatefulSet, or of a Job (no ordinal)."""

    def __init__(self, cluster, workload, ordinal=None):
        template, metadata = workload["spec"]["template"], workload["metadata"]
        self.name = metadata["name"] if ordinal is None else f"{metadata['name']}-{ordinal}"
        self.object = {
            "metadata": {"name": self.name, "namespace": metadata["namespace"], "labels": template["metadata"]["labels"]}
        }
        self.cluster, self.workload, self.spec = cluster, workload, template["spec"]
        self.folder = cluster.folder / "pods" / self.name
        self.folder.mkdir(parents=True)
        self.log_file = self.folder / "log"
        self.address = cluster.network.add_pod(self.name)
        security = self.spec["securityContext"]
        self.user, self.group = security["runAsUser"], security["fsGroup"]
        self.process, self._printed = None, b""
        self._make_volumes()

    def _make_volumes(self):
        claims = [claim["metadata"] for claim in self.workload["spec"].get("volumeClaimTemplates", [])]
        for volume in [*self.spec["volumes"], *claims]:
            self._make_volume(volume)

    def _make_volume(self, volume):
        """A folder as the kubelet makes it: of the pod's group, which may read what is in a Secret."""
        folder = self.folder / "volumes" / volume["name"]
        folder.mkdir(parents=True, exist_ok=True)
        if "emptyDir" in volume:
            assert volume["emptyDir"]["medium"] == "Memory"
            run("mount", "-t", "tmpfs", "-o", f"size={volume['emptyDir']['sizeLimit'].removesuffix('i')}", "tmpfs", folder)
        if source := volume.get("secret") or volume.get("projected"):
            self._write_secret(folder, source["defaultMode"] | 0o040, self._secret_files(source))
        os.chown(folder, 0, self.group)
        folder.chmod(0o2777 if "emptyDir" in volume else 0o2775)

    def _secret_files(self, source):
        files = {}
        for name, optional in self._secret_names(source):
            if name in self.cluster.secrets or not optional:
                files |= self.cluster.secrets[name]
        return files

    @staticmethod
    def _secret_names(source):
        if "secretName" in source:
            return [(source["secretName"], source.get("optional", False))]
        return [(each["secret"]["name"], each["secret"].get("optional", False)) for each in source["sources"]]

    def _write_secret(self, folder, mode, files):
        """Links to a link to a folder, so that all files change at once."""
        (folder / "..2026").mkdir()
        (folder / "..data").symlink_to("..2026")
        for name, content in files.items():
            path = folder / "..2026" / name
            path.write_bytes(content)
            path.chmod(mode)
            os.chown(path, 0, self.group)
            (folder / name).symlink_to(f"..data/{name}")

    def _mounts(self, container):
        """What container.sh reads, outer mounts first."""
        lines = []
        for mount in sorted(container["volumeMounts"], key=lambda mount: mount["mountPath"].count("/")):
            source = self.folder / "volumes" / mount["name"]
            if "subPath" in mount:  # Made by the kubelet with the volume's mode.
                source = source / mount["subPath"]
                if not source.exists():
                    source.mkdir()
                    os.chown(source, 0, self.group)
                    source.chmod(0o2775)
            lines.append(f"{'ro' if mount.get('readOnly') else 'rw'} {source} {mount['mountPath']}\n")
        return "".join(lines)

    def _spawn(self, container, stdout):
        assert container["securityContext"]["readOnlyRootFilesystem"]
        variables = environment_of(container, self.object, self.cluster.config_maps)
        root = self.folder / f"root-{container['name']}"
        root.mkdir(exist_ok=True)
        # Whatever ends this process ends the pods: here for unshare, in container.sh for what it waits for.
        words = ["setpriv", "--pdeathsig=KILL", "nsenter", f"--net=/run/netns/{self.name}"]
        words += ["unshare", "--mount", "--uts", "--ipc", "--pid", "--fork"]
        words += ["sh", "-eu", CONTAINER_SH, root, self.name, self.cluster.programs, self.user, self.group]
        with open(self.log_file, "ab") as log:
            process = subprocess.Popen(
                [*map(str, words), *command_of(container, variables)],
                env=variables | {"PATH": PATH},
                stdin=subprocess.PIPE,
                stdout=stdout or log,
                stderr=log,
            )
        process.stdin.write(self._mounts(container).encode())
        process.stdin.close()
        return process

    def initialise(self):
        """Runs the init containers, one after the other."""
        for container in self.spec.get("initContainers", []):
            assert self._spawn(container, None).wait(DEADLINE) == 0, self.last_words()

    def run(self):
        """Runs a pod that ends, and gives its exit status."""
        self.initialise()
        return self._spawn(self.spec["containers"][0], None).wait(DEADLINE)

    def start(self):
        """Starts the server; await_serving waits for it."""
        self.initialise()
        self.process = self._spawn(self.container, subprocess.PIPE)

    def restart(self):
        """Starts it as a new pod of the same name: what its claims hold is there, what was in memory is not."""
        for volume in self.spec["volumes"]:
            folder = self.folder / "volumes" / volume["name"]
            if "emptyDir" in volume:
                run("umount", folder)
                self._make_volume(volume)
        self._printed = b""
        self.start()

    @property
    def container(self):
        """The one that is not an init container."""
        (container,) = self.spec["containers"]
        return container

    def await_serving(self):
        """Waits until it says that it has read its log."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while b"serving on port" not in self._printed:
                read = os.read(self.process.stdout.fileno(), 4096) if selector.select(DEADLINE) else b""
                assert read, f"{self.name} printed {self._printed}: {self.last_words()}"
                self._printed += read

    def last_words(self):
        """The end of its log."""
        return self.log_file.read_text(errors="replace")[-3000:]

    @property
    def pid(self):
        """Of the container's process 1, as this machine counts."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii")
        return int(children.split()[0])

    def enter(self, *words):
        """Runs a command in the running container, as the kubelet runs a probe's; gives its exit status."""
        command = ["nsenter", "--target", self.pid, "--mount", "--net", "--pid", "--root", "--wd=/"]
        command += ["setpriv", f"--reuid={self.user}", f"--regid={self.group}", f"--groups={self.group}", "--no-new-privs", "--", *words]
        with open(self.log_file, "ab") as log:
            return subprocess.run(
                list(map(str, command)), check=False, timeout=DEADLINE, stdout=log, stderr=log, env={"PATH": PATH}
            ).returncode

    def probe(self, kind):
        """The exit status of a probe, as the manifest has it."""
        return self.enter(*self.container[f"{kind}Probe"]["exec"]["command"])

    def terminate(self, number):
        """Sends the container's process 1 a signal."""
        os.kill(self.pid, number)

    def wait(self, timeout):
        """Waits for its end; gives the exit status."""
        status = self.process.wait(timeout)
        self.process.stdout.close()
        self.process = None
        return status

    def kill(self):
        """Ends it at once."""
        if self.process:
            self.process.kill()  # Of unshare; the container's process 1 goes with it.
            self.wait(DEADLINE)


class Cluster:
    """What the manifests, ConfigMaps and Secrets of a site make, on one machine."""

    def __init__(self, folder, network, manifests, secrets, programs):
        self.folder, self.network, self.manifests, self.secrets, self.programs = folder, network, manifests, secrets, programs
        self.config_maps = manifests.all("ConfigMap")
        self.pods = {}

    def job(self, name):
        """A pod of a Job."""
        return Pod(self, self.manifests.all("Job")[name])

    def stateful_set(self, name, replicas):
        """The pods of a StatefulSet, with the names that its headless Service gives them."""
        workload = self.manifests.all("StatefulSet")[name]
        for ordinal in range(replicas):
            pod = Pod(self, workload, ordinal)
            self.pods[pod.name] = pod
            for service in self.manifests.all("Service").values():
                labels = pod.object["metadata"]["labels"].items()
                if service["spec"]["clusterIP"] != "None" or not service["spec"]["selector"].items() <= labels:
                    continue
                host = f"{service['metadata']['name']}.{service['metadata']['namespace']}.svc"
                self.network.name(pod.address, host)
                if workload["spec"]["serviceName"] == service["metadata"]["name"]:
                    self.network.name(pod.address, f"{pod.name}.{host}")

    def kill(self):
        """Ends all pods at once."""
        for pod in self.pods.values():
            pod.kill()
