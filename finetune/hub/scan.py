"""A look for secrets in every file of a push, texts and weights alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from finetune import redact

CHUNK = 2**24  # bytes read at a time
OVERLAP = 2**13  # bytes read twice, so that nothing hides on a border
BINARY = (".safetensors", ".onnx", ".png", ".model")
SHORTEST = 12  # characters that any shape has; random weights hardly ever spell that many
LENGTH_BYTES = 4  # tag and length before a string in protobuf may be letters, and would make one word with it


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
        for start, end in _printable(chunk):
            for place, kind in _shapes(chunk[start:end].decode("ascii"), binary=file.suffix in BINARY):
                yield offset + start + place, kind


def _printable(chunk: bytes) -> Iterator[tuple[int, int]]:
    """Start and end of what can be read; an expression would take ten times as long on a gigabyte of weights."""
    readable = np.zeros(256, bool)
    readable[[*b"\t\n\r", *range(0x20, 0x7F)]] = True
    edges = np.flatnonzero(np.diff(readable[np.frombuffer(chunk, np.uint8)], prepend=False, append=False))
    starts, ends = edges[::2], edges[1::2]
    long = ends - starts >= SHORTEST
    yield from zip(starts[long].tolist(), ends[long].tolist(), strict=True)


def _shapes(text: str, *, binary: bool) -> Iterator[tuple[int, str]]:
    for cut in range(LENGTH_BYTES + 1 if binary else 1):
        yield from ((cut + finding.start, finding.kind) for finding in redact.shapes(text[cut:]))


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
