"""Ways to make an export folder do harm: each changes one thing in a good one."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from onnx import TensorProto, helper

from finetune.export import manifest, screen

FILES = ("config.json", "finetune.json", "int8/model.onnx", "model.onnx", "processor.json", "tokenizer.json")
Change = Callable[[Path], object]


class Canary:
    """Writes a file when it is unpickled."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.place}",)


def weights(name: str = "table", *, place: str | None = None, key: str = "location") -> TensorProto:
    """Ten words by two labels; with `place` they are said to lie outside the file."""
    tensor = helper.make_tensor(name, TensorProto.FLOAT, [10, 2], [float(i) for i in range(20)])
    if place is not None:
        tensor.ClearField("float_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key=key, value=place)
    return tensor


def graph(*, table: TensorProto | None = None, nodes: tuple[Any, ...] = (), sparse: tuple[Any, ...] = ()) -> Any:
    inputs = [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["rows", "tokens"])]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["rows", 2])]
    own = [helper.make_node("Gather", ["table", "input_ids"], ["each"]),
           helper.make_node("ReduceMax", ["each"], ["logits"], axes=[1], keepdims=0)]
    made = helper.make_graph([*own, *nodes], "words", inputs, outputs, [table or weights()])
    made.sparse_initializer.extend(sparse)
    return made


def model(functions: tuple[Any, ...] = (), **parts: Any) -> bytes:
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("mine", 1)]
    made = helper.make_model(graph(**parts), opset_imports=opsets, functions=list(functions), ir_version=9)
    return bytes(made.SerializeToString())


def added(name: str, content: bytes) -> Change:
    return lambda folder: (folder / name).write_bytes(content)


def settings(name: str, key: str, value: Any, *, nested: bool = False, escaped: bool = False) -> Change:
    def change(folder: Path) -> None:
        file = folder / name
        own = json.loads(file.read_text()) if file.exists() else {}
        extra = {key: value}
        text = json.dumps(own | ({"text_config": {"parts": [extra]}} if nested else extra))
        spelt = f'"\\u{ord(key[0]):04x}{key[1:]}"'
        file.write_text(text.replace(f'"{key}"', spelt) if escaped else text)
    return change


def network(content: Callable[[], bytes]) -> Change:
    return lambda folder: (folder / "model.onnx").write_bytes(content())


def linked(name: str, *, hard: bool = False) -> Change:
    def change(folder: Path) -> None:
        away = folder.parent / "away"
        shutil.move(folder / name, away)
        os.link(away, folder / name) if hard else (folder / name).symlink_to(away)
    return change


def listed(name: str) -> Change:
    """A manifest that names a file elsewhere, which is there and whose hash is right."""
    def change(folder: Path) -> None:
        (folder.parent / "elsewhere.onnx").write_bytes(model())
        content = json.loads((folder / manifest.NAME).read_text())
        hashed = content["files"]["model.onnx"]
        (folder / manifest.NAME).write_text(json.dumps(content | {"files": content["files"] | {name: hashed}}))
    return change


def branch(inner: Any) -> Any:
    """An `If` whose two ways are the same graph."""
    return helper.make_node("If", ["flag"], ["unused"], then_branch=inner, else_branch=inner)


def deep(depth: int) -> bytes:
    inner = b""
    for _ in range(depth):
        for number in (6, 5, 1):  # attribute -> node -> graph
            inner = bytes([number << 3 | 2]) + size(len(inner)) + inner
    return b"\x3a" + size(len(inner)) + inner


def size(number: int) -> bytes:
    found = b""
    while number > 0x7F:
        found, number = found + bytes([number & 0x7F | 0x80]), number >> 7
    return found + bytes([number])


CONFIGS = ("config.json", "tokenizer_config.json", "processor.json")
VALUES = {
    "auto_map": {"AutoModel": "thief.py--Model"}, "custom_pipelines": {"text": {"impl": "thief.Pipeline"}},
    "custom_pipeline": "thief", "custom_generate": "thief/repo", "trust_remote_code": True, "use_kernels": True,
    "_target_": "os.system", "attn_implementation": "thief/kernel", "_attn_implementation": "thief/kernel",
    "_attn_implementation_internal": "thief/kernel", "experts_implementation": "thief/kernel",
    "chat_template": "{{ ''.__class__.__mro__ }}",
}
ELSEWHERE = ("../away.data", "/etc/hostname", "int8/../../away.data", "int8/away.data", "away.data", "", "..", ".", "C:\\away.data",
             "..\\away.data", "\\\\host\\away.data", "file:///etc/hostname", "config.json/../../away.data", "./../away.data")
PLACES = ("../elsewhere.onnx", "int8/../../elsewhere.onnx", "/etc/hostname", "..", "", "C:elsewhere.onnx", "..\\elsewhere.onnx", "a\0b")

CASES: dict[str, tuple[Change, str]] = {}
for suffix in sorted(screen.PICKLED):
    CASES[f"pickle in weights{suffix}"] = (added(f"weights{suffix}", b"?"), "files can hold a program")
for suffix in sorted(screen.PROGRAMS):
    CASES[f"program{suffix}"] = (added(f"modeling{suffix}", b"import os"), "files can hold a program")
for name in FILES:
    for protocol in (2, 3, 4, 5):
        CASES[f"pickle {protocol} as {name}"] = (
            lambda folder, name=name, protocol=protocol: (folder / name).write_bytes(pickle.dumps(Canary(folder.parent / "canary"), protocol)),
            "holds a pickle or an archive")
    CASES[f"archive as {name}"] = (added(name, b"PK\x03\x04data.pkl"), "holds a pickle or an archive")
    CASES[f"link as {name}"] = (linked(name), "is a link")
    CASES[f"hard link as {name}"] = (linked(name, hard=True), "is a hard link")
for key, value in VALUES.items():
    for name in CONFIGS:
        CASES[f"{key} in {name}"] = (settings(name, key, value), f"names code to be run, under '{key}'")
    CASES[f"{key} deep inside"] = (settings("config.json", key, value, nested=True), f"names code to be run, under '{key}'")
    CASES[f"{key} in escapes"] = (settings("config.json", key, value, escaped=True), f"names code to be run, under '{key}'")
for place in ELSEWHERE:
    CASES[f"weights at {place!r}"] = (network(lambda place=place: model(table=weights(place=place))), "takes weights from")
for place in PLACES:
    CASES[f"listed at {place!r}"] = (listed(place), "is not a place within the folder")
AWAY = weights("hidden", place="../away.data")
CONSTANT = helper.make_node("Constant", [], ["unused"], value=AWAY)
STRANGE = helper.make_node("Steal", ["each"], ["unused"], domain="mine")
CALL = helper.make_function("mine", "Call", [], ["unused"], [CONSTANT], [helper.make_opsetid("", 17)])
CONTEXT = helper.make_node("EPContext", ["each"], ["unused"], domain="com.microsoft", ep_cache_context="../away.bin")
INNER = helper.make_graph([CONSTANT], "inner", [], [])
CASES |= {
    "weights in a node": (network(lambda: model(nodes=(CONSTANT,))), "takes weights from '../away.data'"),
    "weights in a branch": (network(lambda: model(nodes=(branch(INNER),))), "takes weights from '../away.data'"),
    "weights in a branch of a branch": (network(lambda: model(nodes=(branch(helper.make_graph([branch(INNER)], "outer", [], [])),))), "takes weights from"),
    "weights in a function": (network(lambda: model(functions=(CALL,))), "takes weights from '../away.data'"),
    "weights in a sparse tensor": (network(lambda: model(sparse=(helper.make_sparse_tensor(AWAY, helper.make_tensor("at", TensorProto.INT64, [1], [0]), [10, 2]),))), "takes weights from"),
    "weights twice placed": (network(lambda: model(table=weights(place="model.onnx")) + b"\x3a" + size(len(part := b"\x2a" + size(len(t := AWAY.SerializeToString())) + t)) + part), "takes weights from '../away.data'"),
    "unknown operator": (network(lambda: model(nodes=(STRANGE,))), "has the operator 'Steal' of 'mine'"),
    "unknown operator in a branch": (network(lambda: model(nodes=(branch(helper.make_graph([STRANGE], "inner", [], [])),))), "has the operator 'Steal'"),
    "context of another runtime": (network(lambda: model(nodes=(CONTEXT,))), "has the operator 'EPContext'"),
    "cut network": (network(lambda: model()[:-3]), "is not an ONNX file"),
    "text as network": (added("model.onnx", b"not a network"), "is not an ONNX file"),
    "number without end": (added("model.onnx", b"\x08" + b"\xff" * 40), "is not an ONNX file"),
    "length beyond the file": (added("model.onnx", b"\x3a\xff\xff\xff\xff\x0f"), "is not an ONNX file"),
    "group": (added("model.onnx", b"\x0b\x0c"), "is not an ONNX file"),
    "field zero": (added("model.onnx", b"\x02\x00"), "is not an ONNX file"),
    "graphs without end": (network(lambda: deep(2_000)), "deep within each other"),
    "linked folder": (lambda folder: (shutil.move(folder / "int8", folder.parent / "int8"), (folder / "int8").symlink_to(folder.parent / "int8")), "is a link"),
    "dangling link": (lambda folder: (folder / "notes").symlink_to("nowhere"), "is a link"),
    "link to itself": (lambda folder: (folder / "notes").symlink_to("notes"), "is a link"),
    "link to the folder": (lambda folder: (folder / "notes").symlink_to("."), "is a link"),
    "link to a device": (lambda folder: (folder / "notes").symlink_to("/dev/zero"), "is a link"),
    "pipe": (lambda folder: os.mkfifo(folder / "notes"), "is not an ordinary file"),
    "socket": (lambda folder: bound(folder / "notes"), "is not an ordinary file"),
    "brackets without end": (added("config.json", b'{"auto_map": ' + b"[" * 200_000), "is not readable JSON"),
    "key in what is no JSON": (added("config.json", b'{"auto_map": {'), "is not readable JSON"),
    "huge settings": (lambda folder: os.truncate(folder / "config.json", screen.LONGEST_JSON + 1), "too much for a configuration"),
    "key twice": (added("config.json", b'{"auto_map": {"AutoModel": "thief"}, "auto_map": null}'), "under 'auto_map'"),
}
for name in ("processor.json", "tokenizer.json"):
    for content in (b"", b"[]", b"\xff\xfe", pickle.dumps({"a": 1}, 0)):
        CASES[f"{content[:8]!r} as {name}"] = (added(name, content), "its processor cannot be read")
UNVOUCHED = ("finetune.json", "processor.json", "tokenizer.json")  # taken off the list, not changed

def bound(place: Path) -> None:
    with contextlib.chdir(place.parent), socket.socket(socket.AF_UNIX) as made:  # its name may have about 100 bytes
        made.bind(place.name)
