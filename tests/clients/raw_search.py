"""Finds texts in raw files however they are written: as they are, hexadecimal or base64, in any case."""
import base64
import pathlib

SHORTEST = 6  # Shorter texts would be found by chance.


def _base64_cores(data):
    """What base64 of anything that holds `data` must contain, for each of the three alignments and both alphabets."""
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + data + bytes(3))
        core = encoded[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]
        yield core
        yield core.translate(bytes.maketrans(b"+/", b"-_"))


def forms(text):
    """(patterns found in any case, patterns found exactly) of a text, or of bytes."""
    data = text.encode() if isinstance(text, str) else text
    assert len(data) >= SHORTEST, text
    any_case = {data.hex().encode()} | ({data.lower()} if isinstance(text, str) else set())
    exact = set(_base64_cores(data)) | (set() if isinstance(text, str) else {data})
    return any_case, exact


def files_below(*paths):
    """All files at or below these paths."""
    for path in map(pathlib.Path, paths):
        yield from (each for each in ([path] if path.is_file() else sorted(path.rglob("*"))) if each.is_file())


def find(texts, files):
    """{text: [files that hold it in any form]} of those found."""
    patterns = {text: forms(text) for text in texts}
    found = {}
    for file in files:
        exact_content = file.read_bytes()
        folded_content = exact_content.lower()
        for text, (any_case, exact) in patterns.items():
            if any(each in folded_content for each in any_case) or any(each in exact_content for each in exact):
                found.setdefault(text, []).append(file)
    return found
