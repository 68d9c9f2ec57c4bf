"""`manifest.json`: what an export folder holds, by hash, so that a changed file is refused before it is opened."""

from __future__ import annotations

from pathlib import Path

from finetune.errors import ExportError
from finetune.export import screen
from finetune.write import digest, read_json, write_json

FORMAT = 1
NAME = "manifest.json"
AGAIN = "Export the run again: `finetune export RUN`."


def write(folder: Path, *, default: str) -> None:
    """List every file below the folder with its SHA-256; `default` is the model that predict takes."""
    files = {file.relative_to(folder).as_posix(): digest(file) for file in sorted(folder.rglob("*"))
             if file.is_file() and file != folder / NAME}
    write_json(folder / NAME, {"format": FORMAT, "default": default, "files": files})


def check(folder: Path) -> str:
    """Verify every listed file; returns the file name of the default model, which is one of them.

    Files that are not listed (the gate's report, a user's notes) are not opened; what a folder may not hold at all
    stands in `screen`. Raises ExportError.
    """
    if not (folder / NAME).is_file():
        raise ExportError(str(folder), f"holds no {NAME}, so it is not a finished export. Run `finetune export RUN`.")
    listed, default = _read(folder / NAME)
    _refuse(folder, screen.entries(folder, listed))
    for name, expected in listed.items():
        if not (folder / name).is_file() or digest(folder / name) != expected:
            raise ExportError(str(folder / name), f"is missing or is not what was exported (its hash differs). {AGAIN}")
    _refuse(folder, screen.contents(folder, listed))
    if default not in listed:
        raise ExportError(str(folder / NAME), "names no model that is listed in it: no model passed the gate, or the "
                                              f"file was changed. {AGAIN}")
    return default


def _refuse(folder: Path, problems: list[str]) -> None:
    if problems:
        raise ExportError(str(folder), f"is not opened: {'; '.join(problems[:8])}"
                                       f"{f' and {len(problems) - 8:,} more' if len(problems) > 8 else ''}. "
                                       "Take a model from whom you trust, or export the run again.")


def _read(file: Path) -> tuple[dict[str, str], str]:
    """The hashes by file, and the default model."""
    try:
        content = read_json(file)
        format = content["format"]
        if format == FORMAT:
            return dict(content["files"]), str(content["default"])
    except (ValueError, KeyError, TypeError) as error:
        raise ExportError(str(file), f"cannot be read. {AGAIN}") from error
    raise ExportError(str(file.parent), f"was written by another version (format {format!r}, known is {FORMAT}). "
                                        f"Update finetune. {AGAIN}")
