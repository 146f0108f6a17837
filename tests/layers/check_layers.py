#!/usr/bin/env python3
"""Arrows point inward: platform/ includes no service, no service another, and a domain nothing that does input or output.

usage: check_layers.py REPOSITORY
"""
import pathlib
import re
import sys

# Programs are put together from several services.
PROGRAMS = {"standalone", "single", "process", "trialogctl"}
# What a domain may not know.
IMPURE = re.compile(r"grpc|rocksdb/|librdkafka|platform/(rpc|service|callers|facts|log|runtime|telemetry|blob|reaction)/|platform/view/(store|rocks)")
INCLUDE = re.compile(r'^#include ["<]([^">]+)[">]', re.M)


def is_test(path):
    return re.search(r"(_test|_bench)\.cc$|(^|/)(test|testing)", path.name) or path.stem.endswith(
        ("testing", "test_world", "clinical_world", "lung_dataset", "test_logs", "test_service"))


def faults(root):
    for path in sorted([*root.glob("platform/**/*.[hc]*"), *root.glob("services/**/*.[hc]*")]):
        if path.suffix not in (".h", ".cc") or is_test(path):
            continue
        parts = path.relative_to(root).parts
        for included in INCLUDE.findall(path.read_text()):
            other = included.split("/")
            if parts[0] == "platform" and other[0] == "services":
                yield f"{path.relative_to(root)}: platform includes {included}"
            if parts[0] == "services" and other[0] == "services" and parts[1] not in PROGRAMS:
                if other[1] != parts[1] and not (path.name == "main.cc" and other[1] in PROGRAMS):
                    yield f"{path.relative_to(root)}: a service includes another's {included}"
            if parts[:1] == ("services",) and "domain" in parts and IMPURE.search(included):
                yield f"{path.relative_to(root)}: a domain includes {included}"


def main():
    root = pathlib.Path(sys.argv[1])
    found = list(faults(root))
    print("\n".join(found) or "all arrows point inward")
    return 1 if found else 0


sys.exit(main())
