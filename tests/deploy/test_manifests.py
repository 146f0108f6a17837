"""What the manifests must be, whatever else they say."""
import re

import pytest
from manifests import DEPLOY, OVERLAYS, SERVICES, Manifests, containers_of, render, seconds, validate

OURS = [f"kubernetes/overlays/{overlay}" for overlay in OVERLAYS]
ALL = [*OURS, "kubernetes/acls"]


@pytest.fixture(scope="module", params=OURS)
def site(request):
    """What an overlay makes."""
    return Manifests(render(request.param))


def flags_of(container):
    """Its flags by name."""
    return dict(word.removeprefix("--").split("=", 1) for word in container["args"])


@pytest.mark.parametrize("folder", ALL)
def test_kubernetes_takes_every_field(folder):
    text = render(folder)
    status, printed = validate(text)
    assert status == 0, printed
    assert f"Valid: {len(Manifests(text).objects)}, Invalid: 0, Errors: 0, Skipped: 0" in printed


def test_a_field_that_there_is_not_is_found():
    status, printed = validate(render(OURS[0]).replace("terminationGracePeriodSeconds", "terminationGraceSeconds"))
    assert status == 1 and "terminationGraceSeconds" in printed


def test_each_service_has_what_a_service_needs(site):
    sets = site.all("StatefulSet")
    assert sets.keys() == {f"trialog-{service}" for service in SERVICES}
    assert site.all("PodDisruptionBudget").keys() == site.all("ServiceAccount").keys() == sets.keys()
    for name, workload in sets.items():
        labels = workload["spec"]["template"]["metadata"]["labels"].items()
        assert workload["spec"]["selector"]["matchLabels"].items() == labels
        assert site.all("PodDisruptionBudget")[name]["spec"]["selector"]["matchLabels"].items() == labels
        for spread in workload["spec"]["template"]["spec"]["topologySpreadConstraints"]:
            assert spread["labelSelector"]["matchLabels"].items() == labels
        for_callers, for_peers = site.all("Service")[name], site.all("Service")[workload["spec"]["serviceName"]]
        for service in (for_callers, for_peers):
            assert service["spec"]["clusterIP"] == "None" and service["spec"]["selector"].items() == labels
        # What a claim names answers while it hands over; who calls anew is led to who is ready.
        assert for_peers["spec"]["publishNotReadyAddresses"] and not for_callers["spec"].get("publishNotReadyAddresses")


def test_what_keeps_more_than_the_log_runs_once(site):
    """analytics' blobs are on a volume of one pod here."""
    assert site.all("StatefulSet")["trialog-analytics"]["spec"]["replicas"] == 1


def test_a_single_replica_can_be_moved(site):
    for budget in site.all("PodDisruptionBudget").values():
        assert budget["spec"]["maxUnavailable"] == 1 and "minAvailable" not in budget["spec"]


def test_there_is_time_to_drain(site):
    for workload in site.all("StatefulSet").values():
        spec = workload["spec"]["template"]["spec"]
        flags = flags_of(spec["containers"][0])
        # And for what comes before and after it: up to 16 s were seen where no broker answers.
        assert spec["terminationGracePeriodSeconds"] >= seconds(flags["drain"]) + 30


def test_a_long_catch_up_is_no_fault_and_a_short_pause_neither(site):
    for workload in site.all("StatefulSet").values():
        (server,) = workload["spec"]["template"]["spec"]["containers"]
        startup, liveness = server["startupProbe"], server["livenessProbe"]
        assert startup["periodSeconds"] * startup["failureThreshold"] >= 6 * 3600
        assert liveness["periodSeconds"] * liveness["failureThreshold"] >= 60
        assert "readinessProbe" in server


@pytest.mark.parametrize("folder", ALL)
def test_pods_may_do_nothing_but_their_work(folder):
    for spec in Manifests(render(folder)).pod_specs().values():
        pod = spec["securityContext"]
        assert pod["runAsNonRoot"] and pod["runAsUser"] > 0 and pod["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False and spec["enableServiceLinks"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
        assert all(not {"hostPath"} & volume.keys() for volume in spec["volumes"])
        for container in containers_of(spec):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
                "readOnlyRootFilesystem": True,
            }
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
            assert "memory" in container["resources"]["limits"]
            assert re.fullmatch(r"[\w./-]+:\d[\w.]*", container["image"]), "a tag that stays what it is"


def test_the_namespace_admits_nothing_less(site):
    (namespace,) = site.all("Namespace").values()
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("folder", ALL)
def test_no_secret_is_among_them(folder):
    assert not Manifests(render(folder)).all("Secret")


def test_each_secret_goes_where_it_is_needed_and_nowhere_else(site):
    holders = {}
    for name, workload in site.all("StatefulSet").items():
        for volume in workload["spec"]["template"]["spec"]["volumes"]:
            sources = [each["secret"] for each in volume.get("projected", {}).get("sources", [])]
            for secret in [*sources, *([volume["secret"]] if "secret" in volume else [])]:
                holders.setdefault(secret.get("name") or secret["secretName"], set()).add(name.removeprefix("trialog-"))
            assert (volume.get("secret") or volume.get("projected") or {"defaultMode": 0o400})["defaultMode"] == 0o400
    assert holders == {
        "trialog-service-key": set(SERVICES),
        "trialog-master-key": {"auth"},
        "trialog-init-token": {"auth"},
        "trialog-audit-key": {"audit"},
    } | {f"trialog-{what}-{service}": {service} for what in ("tls", "peer", "kafka") for service in SERVICES}


def test_no_volume_holds_a_key(site):
    """Keys are copied to memory; what auth keeps below keys/ is wrapped, and on a volume of its own."""
    for name, workload in site.all("StatefulSet").items():
        spec = workload["spec"]["template"]["spec"]
        volumes = {volume["name"]: volume for volume in spec["volumes"]}
        assert volumes["keys"]["emptyDir"]["medium"] == "Memory"
        mounts = {mount["mountPath"]: mount["name"] for mount in spec["containers"][0]["volumeMounts"]}
        assert mounts["/var/lib/trialog/keys"] == "keys"
        claims = {claim["metadata"]["name"] for claim in workload["spec"]["volumeClaimTemplates"]}
        more = {"trialog-auth": {"data-keys"}, "trialog-analytics": {"blobs"}}
        assert claims == {"data"} | more.get(name, set())
        assert {mounts[path] for path in mounts if mounts[path] in claims} == claims


def test_ports_are_reached_by_those_who_need_them(site):
    policies = {name: policy["spec"] for name, policy in site.all("NetworkPolicy").items()}
    everything = policies.pop("trialog-nothing-else")
    assert everything["policyTypes"] == ["Ingress", "Egress"] and not {"ingress", "egress"} & everything.keys()
    everyone = {"matchLabels": {"app.kubernetes.io/name": "trialog"}}
    assert everything["podSelector"] == everyone
    ports = {"Ingress": {}, "Egress": {}}
    for name, policy in policies.items():
        assert policy["podSelector"] == everyone
        for way in policy["policyTypes"]:
            for rule in policy[way.lower()]:
                assert rule["from" if way == "Ingress" else "to"], "somebody, not everybody"
                ports[way].setdefault(name, set()).update(port["port"] for port in rule["ports"])
    assert ports == {
        "Ingress": {"trialog-callers": {"grpc"}, "trialog-peers": {"peers"}, "trialog-metrics": {"metrics"}},
        "Egress": {"trialog-peers": {50052}, "trialog-kafka": {9093}, "trialog-names": {53}},
    }
    named = {(port["name"], port["containerPort"]) for spec in site.pod_specs().values() for port in spec["containers"][0].get("ports", [])}
    assert named == {("grpc", 50051), ("peers", 50052), ("metrics", 9464)}


def test_the_scripts_grant_what_the_list_says(tmp_path):
    """The Job's command, with a tool in the place of Kafka's that writes down what it is told."""
    import subprocess

    tool = tmp_path / "kafka-acls.sh"
    tool.write_text('#!/bin/sh\necho "$*"\n', encoding="ascii")
    tool.chmod(0o755)
    command = [DEPLOY / "kafka" / "grants.sh", DEPLOY / "kafka" / "acls.txt", tool, "--bootstrap-server", "kafka:9093"]
    printed = subprocess.run(command, check=True, timeout=30, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    lines = (DEPLOY / "kafka" / "acls.txt").read_text(encoding="utf-8").splitlines()
    grants = [line.split() for line in lines if line.strip() and not line.startswith("#")]
    assert len(printed) == len(grants)
    for said, (principals, operations, kind, names) in zip(printed, grants):
        expected = ["--bootstrap-server", "kafka:9093", "--add", "--force"]
        expected += ["--resource-pattern-type", "prefixed"] if names.endswith("*") else []
        expected += [word for name in principals.split(",") for word in ("--allow-principal", f"User:{name}")]
        expected += [word for operation in operations.split(",") for word in ("--operation", operation)]
        expected += [word for name in names.removesuffix("*").split(",") for word in (f"--{kind}", name)]
        assert said.split() == expected
