"""Files that are complete or absent: atomic writes, hashes, and what a full disk means."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # no space, none left of a quota, or of what one file may have


def is_full(error: OSError) -> bool:
    """Whether a write failed because there is no room for it."""
    return error.errno in FULL


@contextmanager
def os_errors(place: Path) -> Iterator[None]:
    """The operating system's error, as a full disk's, which safetensors 0.8 and tokenizers 0.22 put into a text."""
    try:
        yield
    except Exception as error:  # of tokenizers, nothing more precise
        said = re.search(r"\bos error (\d+)", str(error))
        if said is None:
            raise
        raise OSError(int(said[1]), os.strerror(int(said[1])), str(place)) from error


def write_text(file: Path, text: str) -> None:
    """Write a file under another name, sync it, then rename it into place."""
    _write(file, [text])


def write_json(file: Path, value: Any) -> None:
    """A value as readable JSON, atomically."""
    write_text(file, json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


def write_lines(file: Path, values: Iterable[Any], *, mode: int = 0o666) -> None:
    """One JSON value a line, atomically; `mode` says who may read the file."""
    _write(file, (json.dumps(value, ensure_ascii=False) + "\n" for value in values), mode)


def _write(file: Path, parts: Iterable[str], mode: int = 0o666) -> None:
    draft = file.with_name(f".{file.name}.draft")
    try:
        draft.unlink(missing_ok=True)  # one that a killed process left may be readable by others
        draft.touch(mode=mode)
        with draft.open("w", encoding="utf-8") as opened:
            opened.writelines(parts)
        sync(draft)
        draft.replace(file)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def read_json(file: Path) -> Any:
    """What `write_json` wrote."""
    return json.loads(file.read_text(encoding="utf-8"))


def read_lines(file: Path) -> list[Any]:
    """What `write_lines` wrote."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line]


def digest(file: Path) -> str:
    """SHA-256 of a file, in hex."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Force a file or a folder's entries to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
