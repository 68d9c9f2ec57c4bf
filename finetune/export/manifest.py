"""`manifest.json`: what an export folder holds, by hash, so that a changed file is refused before it is opened."""

from __future__ import annotations

from pathlib import Path

from finetune.errors import ExportError
from finetune.write import digest, read_json, write_json

FORMAT = 1
NAME = "manifest.json"


def write(folder: Path, *, default: str) -> None:
    """List every file below the folder with its SHA-256; `default` is the model that predict takes."""
    files = {file.relative_to(folder).as_posix(): digest(file) for file in sorted(folder.rglob("*"))
             if file.is_file() and file.name != NAME}
    write_json(folder / NAME, {"format": FORMAT, "default": default, "files": files})


def check(folder: Path) -> str:
    """Verify every listed file; returns the file name of the default model."""
    if not (folder / NAME).is_file():
        raise ExportError(str(folder), f"holds no {NAME}, so it is no finished export. Run `finetune export RUN`.")
    manifest = read_json(folder / NAME)
    if manifest["format"] > FORMAT:
        raise ExportError(str(folder), f"was written by a newer version (format {manifest['format']}, known is "
                                       f"{FORMAT}). Update finetune.")
    for name, expected in manifest["files"].items():
        if not (folder / name).is_file() or digest(folder / name) != expected:
            raise ExportError(str(folder / name), "is missing or is not what was exported (its hash differs). "
                                                  "Export the run again: `finetune export RUN`.")
    default: str = manifest["default"]
    return default
