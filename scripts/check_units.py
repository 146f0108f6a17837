#!/usr/bin/env python3
"""Finds names that two source files of one library both keep to themselves, or that a file keeps to itself and a header
declares which only its neighbours include. Files of a library are compiled together (TRIALOG_UNITY): each sees what is
private to those before it and what they include, and a call could then reach another overload without a word from the
compiler.
usage: scripts/check_units.py    exits 1 and names each of them
"""
import collections
import functools
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIBRARY = re.compile(r"trialog_library\((\w+)\s+SRCS\s+([^()]*?)(?:\s+(?:HDRS|DEPS|TESTS)\s|\))", re.S)
INCLUDE = re.compile(r'^#include "((?:platform|services|tests)/[^"]+)"', re.M)
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


@functools.cache
def declared_names(header):
    return {name_of(line) for line in header.read_text().splitlines()} - {None}


@functools.cache
def included(file):
    """The project's headers that a file includes, through others too."""
    direct = {ROOT / path for path in INCLUDE.findall(file.read_text())}
    found, new = set(), {path for path in direct if path.exists()}
    while new:
        found |= new
        new = {ROOT / path for header in new for path in INCLUDE.findall(header.read_text())} - found
        new = {path for path in new if path.exists()}
    return found


def libraries():
    """The source files of each library."""
    for listing in sorted(path for top in ("platform", "services", "tests") for path in ROOT.glob(f"{top}/**/CMakeLists.txt")):
        for name, sources in LIBRARY.findall(listing.read_text()):
            yield name, [listing.parent / source for source in sources.split() if source.endswith(".cc")]


def faults():
    for library, sources in libraries():
        users = collections.defaultdict(list)
        headers = set().union(*map(included, sources))
        for source in sources:
            for name in private_names(source.read_text()):
                users[name].append(source.name)
                users[name] += [header.name for header in headers - included(source) if name in declared_names(header)]
        for name, files in sorted(users.items()):
            if len(files) > 1:
                yield f"{library}: {name} is in {' and '.join(sorted(set(files)))}: give each its own"


def main():
    found = list(faults())
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
