"""A look for secrets in every file of a push, texts and weights alike."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from finetune import redact

CHUNK = 2**24  # bytes read at a time
OVERLAP = 2**13  # bytes read twice, so that nothing hides on a border
BINARY = (".safetensors", ".onnx", ".png", ".model")
PRINTABLE = re.compile(rb"[\t\n\r\x20-\x7e]{8,}")  # random weights hardly ever spell that many characters


def problems(files: Mapping[str, Path]) -> list[str]:
    """One line per secret found: file, place and kind, never the secret."""
    found = []
    for path, file in files.items():
        seen = dict.fromkeys(_name(path))
        seen |= dict.fromkeys(f"{_place(file, start)}: {kind}" for start, kind in sorted(set(_findings(file))))
        found += [f"{path}{place}" for place in seen]
    return found


def _name(path: str) -> Iterator[str]:
    for finding in redact.find(path):
        yield f": {finding.kind} in the name of the file"


def _findings(file: Path) -> Iterator[tuple[int, str]]:
    """Byte and kind of whatever looks secret."""
    literals = {spelling.encode("utf-8", errors="surrogateescape"): kind for spelling, kind in redact.known().items()}
    for offset, chunk in _chunks(file):
        for literal, kind in literals.items():
            if (start := chunk.find(literal)) >= 0:
                yield offset + start, kind
        for run in PRINTABLE.finditer(chunk):
            for finding in redact.shapes(run[0].decode("ascii")):
                yield offset + run.start() + finding.start, finding.kind


def _chunks(file: Path) -> Iterator[tuple[int, bytes]]:
    offset, chunk = 0, b""
    with file.open("rb") as opened:
        while fresh := opened.read(CHUNK):
            kept = chunk[-OVERLAP:]
            offset, chunk = opened.tell() - len(fresh) - len(kept), kept + fresh
            yield offset, chunk


def _place(file: Path, start: int) -> str:
    """The line in a text, the byte in anything else."""
    if file.suffix in BINARY:
        return f": byte {start:,}"
    with file.open("rb") as opened:
        line = opened.read(start).count(b"\n") + 1
    return f":{line}"
