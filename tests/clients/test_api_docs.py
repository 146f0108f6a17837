"""docs/api is what scripts/api_docs.py writes from the protos, and everything in the protos has a comment."""
import json
import sys

import pytest

import stubs
from client import SERVICES

sys.path.append(str(stubs.REPOSITORY / "scripts"))  # Where scripts find each other.
import api_docs


@pytest.fixture(scope="module")
def protos():
    return api_docs.Protos()


@pytest.fixture(scope="module")
def pages(protos):
    return api_docs.pages(protos)


def test_everything_has_a_comment(protos):
    assert list(protos.uncommented()) == []


def test_what_has_no_comment_is_found(tmp_path):
    (tmp_path / "bare.proto").write_text(
        """syntax = "proto3";
package bare;
message Bare {
  // Has one.
  string said = 1;
  string unsaid = 2;
  oneof either { string left = 3; }
  message Inner { optional int32 number = 1; }
  enum Kind { KIND_UNSPECIFIED = 0; }
}
enum Top { TOP_UNSPECIFIED = 0; }
service BareService { rpc Do(Bare) returns (Bare); }
""",
        encoding="utf-8",
    )
    assert set(api_docs.Protos(tmp_path).uncommented()) == {
        "bare.Bare", "bare.Bare.unsaid", "bare.Bare.either", "bare.Bare.left", "bare.Bare.Inner",
        "bare.Bare.Inner.number", "bare.Bare.Kind", "bare.Bare.Kind.KIND_UNSPECIFIED", "bare.Top",
        "bare.Top.TOP_UNSPECIFIED", "bare.BareService", "bare.BareService.Do",
    }  # fmt: skip


def test_docs_api_is_what_the_script_writes(pages):
    assert api_docs.differences(pages) == []


def test_a_stale_and_a_left_over_page_are_found(pages, tmp_path):
    for name, text in pages.items():
        (tmp_path / name).write_text(text + ("more" if name == "auth.md" else ""), encoding="utf-8")
    (tmp_path / "gone.md").write_text("", encoding="utf-8")
    assert api_docs.differences(pages, tmp_path) == ["auth.md", "gone.md"]


def test_every_call_stands_with_its_access_rule(pages):
    for service in SERVICES.values():
        page = pages[service.full_name.split(".")[1] + ".md"]
        for method in service.methods:
            _, _, section = page.partition(f"### {service.name}/{method.name}\n")
            section = section.partition("\n#")[0]
            assert "- may be called by: " in section and "no rule" not in section, method.full_name
            assert "- REST: " in section, method.full_name


def test_every_link_leads_somewhere(pages):
    titles = {
        name: {api_docs.anchor(line.lstrip("# ")) for line in text.splitlines() if line.startswith("#")}
        for name, text in pages.items()
    }
    for name, text in pages.items():
        for target, mark in api_docs.re.findall(r"\]\((\S+?\.md)#(\S+?)\)", text):
            assert mark in titles[target], f"{name}: {target}#{mark}"


@pytest.mark.parametrize("service", api_docs.SERVICES)
def test_schemas_hold_every_message_of_the_calls(service, pages, protos):
    schema = json.loads(pages[f"{service}.schema.json"])
    definitions = schema["$defs"]
    for described in protos.services(f"trialog.{service}.v1"):
        for method in described.methods:
            for message in (method.input_type, method.output_type):
                fields = definitions[message.full_name].get("properties", {})
                assert set(fields) == {field.json_name for field in message.fields}

    def check(node):
        if isinstance(node, dict):
            if "$ref" in node:
                assert node["$ref"].removeprefix("#/$defs/") in definitions
            for value in node.values():
                check(value)
        elif isinstance(node, list):
            for value in node:
                check(value)

    check(schema)


def test_personal_and_unique_fields_are_marked(pages):
    mrn = next(line for line in pages["trials-data.md"].splitlines() if "`medical_record_number`" in line)
    assert "| yes | organization |" in mrn
    schema = json.loads(pages["trials.schema.json"])["$defs"]["trialog.trials.v1.Patient"]["properties"]
    assert schema["medicalRecordNumber"]["x-personal"] and schema["medicalRecordNumber"]["x-unique"] == "organization"
    assert "x-personal" not in schema["uid"]
