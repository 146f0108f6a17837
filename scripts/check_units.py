#!/usr/bin/env python3
"""Finds names that two source files of one library both keep to themselves, or that a file keeps to itself though a
header of the library declares it. Files of a library are compiled together (TRIALOG_UNITY): what is private to a file is
seen by those behind it, and a call could then reach an overload of another file without a word from the compiler.
usage: scripts/check_units.py    exits 1 and names each of them
"""
import collections
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIBRARY = re.compile(r"trialog_library\((\w+)\s+SRCS\s+([^()]*?)(?:\s+HDRS\s+([^()]*?))?\s+(?:DEPS|TESTS)\s", re.S)
TYPE = re.compile(r"^(?:class|struct|enum class|enum|union) (?:\[\[\w+\]\] )?(\w+)")
FUNCTION = re.compile(r"^[\w:<>,&*\[\] .]*?[ &*>](\w+)\(")
CONSTANT = re.compile(r"^(?:(?:inline|static|thread_local|constexpr|const) )+[\w:<>,*& ]*?[ &*>](\w+)(?:\[\w*\])*(?: =|\{|;|\()")
NOT_NAMES = {"operator", "if", "for", "while", "switch", "return", "TEST", "TEST_F", "requires"}


def name_of(line):
    """The name that a line at the left margin begins to define; None for all else."""
    if not line or line[0] in " }#/\t" or line.startswith(("template", "using", "namespace", "public", "private", "static_assert")):
        return None
    for pattern in (TYPE, CONSTANT, FUNCTION):
        found = pattern.match(line)
        if found:
            return None if found.group(1) in NOT_NAMES else found.group(1)
    return None


def private_names(text):
    """What stands in the unnamed namespaces of a source file."""
    names, inside = set(), False
    for line in text.splitlines():
        if line == "namespace {":
            inside = True
        elif line == "}  // namespace":
            inside = False
        elif inside and name_of(line):
            names.add(name_of(line))
    return names


def declared_names(text):
    return {name_of(line) for line in text.splitlines()} - {None}


def libraries():
    for listing in sorted([*ROOT.glob("platform/**/CMakeLists.txt"), *ROOT.glob("services/**/CMakeLists.txt")]):
        for name, sources, headers in LIBRARY.findall(listing.read_text()):
            files = [listing.parent / source for source in sources.split() if source.endswith(".cc")]
            yield name, files, [listing.parent / header for header in (headers or "").split()]


def faults():
    for library, sources, headers in libraries():
        users = collections.defaultdict(list)
        for source in sources:
            for name in private_names(source.read_text()):
                users[name].append(source.name)
        for header in headers:
            for name in declared_names(header.read_text()):
                if name in users:
                    users[name].append(header.name)
        for name, files in sorted(users.items()):
            if len(files) > 1:
                yield f"{library}: {name} is private to {' and '.join(sorted(files))}: give each its own"


def main():
    found = list(faults())
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
