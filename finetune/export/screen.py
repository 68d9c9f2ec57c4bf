"""What an export folder may not hold, looked for before anything of it is opened: links, programs, traps.

A manifest proves no more than that a folder is as it was written; who wrote it may have meant harm.
"""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Callable, Collection, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from finetune.export import wire

PICKLED = {".pkl", ".pickle", ".pt", ".pth", ".bin", ".ckpt", ".joblib", ".dill", ".cloudpickle", ".npy", ".npz", ".h5",
           ".hdf5", ".keras", ".pb", ".mar", ".nemo"}  # formats that can carry a program inside
PROGRAMS = {".py", ".pyc", ".pyd", ".so", ".dll", ".dylib", ".exe", ".sh", ".bat", ".js", ".wasm", ".jar", ".whl",
            ".egg", ".ipynb"}
READ = {"finetune.json", "processor.json", "tokenizer.json"}  # besides the model: what predicting opens
DOMAINS = {"", "ai.onnx", "ai.onnx.ml", "com.microsoft", "com.microsoft.nchwc"}  # operators that the runtime brings
OUTSIDE = {"EPContext"}  # operators of these domains that name files
LONGEST_JSON = 256 * 2**20

# Keys under which a configuration names code, and the values of them that do.
CODE: dict[str, Callable[[Any], bool]] = {
    "auto_map": bool,
    "custom_pipelines": bool,
    "custom_pipeline": bool,
    "custom_generate": bool,
    "trust_remote_code": bool,
    "use_kernels": bool,
    "_target_": lambda value: isinstance(value, str),
    "attn_implementation": lambda value: "/" in str(value),  # a kernel to be fetched
    "_attn_implementation": lambda value: "/" in str(value),
    "_attn_implementation_internal": lambda value: "/" in str(value),
    "experts_implementation": lambda value: "/" in str(value),
    "chat_template": lambda value: "__" in str(value),
}
_KEYS = re.compile(b'"(?:' + b"|".join(map(re.escape, (key.encode() for key in CODE))) + rb')"|\\u')


def entries(folder: Path, listed: Collection[str]) -> list[str]:
    """What must not even be read, as `file: what is wrong`; `listed` are the files that the manifest names."""
    outside = [f"{name!r}: is listed, but is not a place within the folder" for name in listed if not _is_inside(name)]
    return outside or [f"{name}: {what}" for file in sorted(folder.rglob("*"))
                       if (what := _entry(file, name := file.relative_to(folder).as_posix(), listed))]


def contents(folder: Path, listed: Collection[str]) -> list[str]:
    """What is wrong inside the listed files, which `entries` has passed."""
    return [f"{name}: {what}" for name in sorted(listed) for what in _content(folder, name, listed)]


def _is_inside(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return bool(parts) and not name.startswith("/") and ".." not in parts and not set("\\:\0") & set(name)


def _entry(file: Path, name: str, listed: Collection[str]) -> str | None:
    """What is wrong with a file for what it is, its content aside."""
    state, suffix = file.lstat(), file.suffix.lower()
    if stat.S_ISLNK(state.st_mode):
        return "is a link, and only what lies in the folder itself is opened. Copy the folder with what it points to"
    if stat.S_ISDIR(state.st_mode):
        return None
    if not stat.S_ISREG(state.st_mode):
        return "is not an ordinary file"
    if state.st_nlink > 1:
        return "is a hard link: the same file lies elsewhere too, where it can be changed. Copy the folder"
    if suffix in PICKLED or suffix in PROGRAMS:
        return f"{suffix} files can hold a program, and none belongs here"
    if (name in READ or suffix == ".onnx") and name not in listed:  # a model may open those beside it
        return "is not listed in manifest.json, so nobody vouches for it"
    return "holds a pickle or an archive, and none belongs here" if _is_packed(file) else None


def _is_packed(file: Path) -> bool:
    with file.open("rb") as opened:
        head = opened.read(6)
    return (head[:4] == b"PK\x03\x04" or head[:2] == b"\x1f\x8b" or head == b"\x93NUMPY"
            or (head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05")))


def _content(folder: Path, name: str, listed: Collection[str]) -> Iterator[str]:
    if name.lower().endswith(".json"):
        yield from _settings(folder / name)
    if name.lower().endswith(".onnx"):
        yield from _graph(folder / name, name, listed)


def _settings(file: Path) -> Iterator[str]:
    """The keys of a configuration that name code; read whole only where one of them may stand in it."""
    if file.stat().st_size > LONGEST_JSON:
        yield f"has more than {LONGEST_JSON // 2**20} MiB, too much for a configuration"
        return
    content = file.read_bytes()
    if not _KEYS.search(content):
        return
    named: dict[str, None] = {}

    def note(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        named.update(dict.fromkeys(key for key, value in pairs if key in CODE and CODE[key](value)))
        return dict(pairs)

    try:
        json.loads(content, object_pairs_hook=note)
    except (ValueError, RecursionError):
        yield "is not readable JSON"
    for key in named:
        yield f"names code to be run, under {key!r}"


def _graph(file: Path, name: str, listed: Collection[str]) -> Iterator[str]:
    """What an ONNX file would take from elsewhere: weights beside the folder, operators that the runtime lacks."""
    try:
        found = wire.read(file)
    except ValueError as error:
        yield f"is not an ONNX file ({error})"
        return
    places = {part.texts.get("value", "") for part in found if part.kind == "entry"
              and part.texts.get("key") == "location"}
    for place in sorted(places):
        beside = (PurePosixPath(name).parent / place).as_posix()
        if not _is_inside(place) or "/" in place or beside not in listed:
            yield f"takes weights from {place!r}, which is not a listed file beside it"
    operators = {(part.texts.get("domain", ""), part.texts.get("operator", "")) for part in found
                 if part.kind == "node"}
    for domain, operator in sorted(operators):
        if domain not in DOMAINS or operator in OUTSIDE:
            yield f"has the operator {operator!r} of {domain or 'ONNX'!r}, which could run or read what is not here"
