"""The manifests as `kustomize build` renders them, and what Kubernetes makes of their fields."""
import base64
import pathlib
import re
import subprocess

import yaml

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = REPOSITORY / "deploy"
TOOLS = REPOSITORY / ".deps" / "bin"
SCHEMAS = REPOSITORY / ".deps" / "kubernetes-schemas"
OVERLAYS = ("small", "production")
SERVICES = ("auth", "inventory", "trials", "analytics", "audit")
DEADLINE = 60


def render(folder):
    """The text of a kustomization, a folder below deploy/."""
    command = [TOOLS / "kustomize", "build", DEPLOY / folder]
    return subprocess.run(command, check=True, timeout=DEADLINE, stdout=subprocess.PIPE, text=True).stdout


def validate(text):
    """What kubeconform says: (exit status, output). It knows all kinds from files, and refuses fields that they do not have."""
    location = str(SCHEMAS) + "/{{.ResourceKind}}{{.KindSuffix}}.json"
    command = [TOOLS / "kubeconform", "-strict", "-summary", "-schema-location", location, "-"]
    result = subprocess.run(command, input=text, check=False, timeout=DEADLINE, stdout=subprocess.PIPE, text=True)
    return result.returncode, result.stdout


class Manifests:
    """The objects of a rendered text, by kind and name."""

    def __init__(self, text):
        self.objects = [document for document in yaml.safe_load_all(text) if document]

    def all(self, kind):
        """Those of a kind, by name."""
        return {each["metadata"]["name"]: each for each in self.objects if each["kind"] == kind}

    def pod_specs(self):
        """What each StatefulSet and Job runs, by name."""
        return {
            each["metadata"]["name"]: each["spec"]["template"]["spec"]
            for each in self.objects
            if each["kind"] in ("StatefulSet", "Job")
        }


def secrets_of(text):
    """What a text of Secrets holds: {name: {key: bytes}}."""
    return {
        name: {key: base64.b64decode(value) for key, value in secret["data"].items()}
        for name, secret in Manifests(text).all("Secret").items()
    }


def containers_of(spec):
    """All containers of a pod."""
    return spec.get("initContainers", []) + spec["containers"]


def field_of(pod, path):
    """What the downward API gives for a path."""
    if found := re.fullmatch(r"metadata\.labels\['(.*)'\]", path):
        return pod["metadata"]["labels"][found[1]]
    section, name = path.split(".")
    return pod[section][name]


def environment_of(container, pod, config_maps):
    """The environment of a container: ConfigMaps first, then what is named."""
    variables = {}
    for source in container.get("envFrom", []):
        variables |= config_maps[source["configMapRef"]["name"]]["data"]
    for each in container.get("env", []):
        where = each.get("valueFrom")
        variables[each["name"]] = field_of(pod, where["fieldRef"]["fieldPath"]) if where else expanded(each["value"], variables)
    return variables


def expanded(text, variables):
    """$(NAME) as Kubernetes replaces it in command and args: only what there is, and $$ for one $."""
    return re.sub(
        r"\$\$|\$\((\w+)\)", lambda found: "$" if found[0] == "$$" else variables.get(found[1], found[0]), text
    )


def command_of(container, variables):
    """The command line of a container."""
    words = container.get("command", []) + container.get("args", [])
    return [expanded(word, variables) for word in words]


def seconds(text):
    """A duration of ours in seconds, of those that the manifests use."""
    return int(re.fullmatch(r"(\d+)s", text)[1])
