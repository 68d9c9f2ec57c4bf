"""Looks into an ONNX file without a runtime: protobuf's wire format, and where ONNX keeps what may be dangerous."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types; groups (3, 4) are not used by ONNX
# Field numbers of onnx.proto under which messages lie that hold a node or a tensor, by message.
INSIDE = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
}
TEXTS = {"node": {4: "operator", 7: "domain"}, "entry": {1: "key", 2: "value"}}  # strings that are told
DEEPEST = 64  # graphs within graphs, counted in messages; protobuf itself stops at 100


@dataclass(frozen=True, slots=True)
class Found:
    """What stands in one node or in one entry that says where a tensor lies outside the file."""

    kind: str  # node or entry
    texts: dict[str, str]  # node: operator and domain; entry: key and value


def read(file: Path) -> list[Found]:
    """Every node and every entry on external data, in whichever graph, function or attribute it hides.

    Raises ValueError for what is no protobuf message; an empty file is one without nodes.
    """
    if not file.stat().st_size:
        return []
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        whole = memoryview(mapped)
        try:
            return list(_walk(whole))
        finally:
            whole.release()


def _walk(whole: memoryview) -> Iterator[Found]:
    """Without recursion: how deep messages lie within each other is up to the file."""
    waiting = [("model", 0, len(whole), 0)]
    while waiting:
        kind, start, end, depth = waiting.pop()
        if depth > DEEPEST:
            raise ValueError(f"messages lie more than {DEEPEST} deep within each other")
        texts: dict[str, str] = {}
        for number, first, last in _fields(whole, start, end):
            if inner := INSIDE.get(kind, {}).get(number):
                waiting.append((inner, first, last, depth + 1))
            elif name := TEXTS.get(kind, {}).get(number):
                texts[name] = bytes(whole[first:last]).decode("utf-8", errors="replace")
        if kind in TEXTS:
            yield Found(kind, texts)


def _fields(whole: memoryview, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Number, first byte and end of every field of a message that has a length; the others are stepped over."""
    at = start
    while at < end:
        tag, at = _varint(whole, at, end)
        number, wire = tag >> 3, tag & 7
        if wire == BYTES:
            size, at = _varint(whole, at, end)
            yield number, at, at + size
            at += size
        elif wire == VARINT:
            _, at = _varint(whole, at, end)
        elif wire in (FIXED32, FIXED64):
            at += 4 if wire == FIXED32 else 8
        else:
            raise ValueError(f"wire type {wire} at byte {at}")
        if at > end or not number:
            raise ValueError(f"a field does not end within its message, at byte {at}")


def _varint(whole: memoryview, at: int, end: int) -> tuple[int, int]:
    value, shift = 0, 0
    while at < end and shift < 70:
        byte = whole[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise ValueError(f"a number does not end, at byte {at}")
