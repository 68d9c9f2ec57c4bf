"""A run as strangers may see it: without rows and without paths on somebody's disk."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from finetune.report import card, folder, page, shown_rows, tables
from finetune.report.folder import PARTS, Run
from finetune.write import write_json, write_lines

EXAMPLES = ("text", "image")  # what a mistake shows of its row


def write(run_dir: Path, place: Path, *, repository: str, examples: bool) -> None:
    """Card, scores, report and figures of a run for a repository, in an empty folder.

    With `examples` the report keeps the rows that fooled the model, those that cleaning shows, and some that it was
    shown in training.
    """
    run = folder.read(run_dir)
    names = _names(run)
    shown = {"recipe": {**run.recipe, "command": ""}, "metrics": run.metrics, "export": _export(run), "log": run.log,
             "quality": run.quality if examples else shown_rows.without_examples(run.quality),
             "mistakes": run.mistakes if examples else _told(run),
             "augmented": run.augmented if examples else {**run.augmented, "rows": []}}
    parts = place / ".parts"
    for part, file in PARTS.items():
        (parts / file).parent.mkdir(parents=True, exist_ok=True)
        if part not in run.missing:
            (write_lines if file.endswith(".jsonl") else write_json)(parts / file, _renamed(shown[part], names))
    page.write(parts)
    card.write(parts, repository=repository)
    for path in (page.FILE, card.FILE, "figures", PARTS["metrics"], PARTS["export"]):
        if (parts / path).exists():  # a run may have nothing to draw
            (place / path).parent.mkdir(exist_ok=True)
            (parts / path).rename(place / path)
    shutil.rmtree(parts)


def examples(run_dir: Path) -> list[str]:
    """The rows that a report with examples shows, one line each: where it is from and what of it is seen."""
    run = folder.read(run_dir)
    found = [f"{line.get('row', 'a row')}: {kind}" for line in (*run.mistakes[: tables.MOST_MISTAKES], *_seen(run))
             for kind in EXAMPLES if kind in line]
    cleaned = [f"{line.row or 'a row'}: {'image' if line.image else 'text'}" for line in shown_rows.shown(run)]
    return list(dict.fromkeys(found + cleaned))


def _seen(run: Run) -> list[folder.Part]:
    """The training rows in the figure of what the model sees, and those mixed into them."""
    rows = run.augmented.get("rows") or ()
    return [shown for row in rows for shown in (row, *({**version, "row": version["other_row"]} for version in
                                                       row.get("versions") or () if "other_row" in version))]


def _told(run: Run) -> list[dict[str, Any]]:
    """The mistakes without their rows: that there were some is no secret."""
    return [{key: value for key, value in line.items() if key not in (*EXAMPLES, "row")} for line in run.mistakes]


def _export(run: Run) -> dict[str, Any]:
    """The gate's report with the places that the files have in the repository; what is withheld or slow has none."""
    artifacts = [{**artifact, "file": None if not folder.published(artifact) else
                  "model.safetensors" if artifact.get("name") == "pytorch" else artifact.get("file")}
                 for artifact in run.export.get("artifacts") or ()]
    return {**run.export, "artifacts": artifacts}


def _names(run: Run) -> dict[str, str]:
    """Every place on disk that the run's settings name -> its last part; the longest first."""
    local = (run.metrics.get("backbone") or {}).get("source") == "folder"
    keys = ("data.files.", "data.images", "task.synonyms", "output_dir", *(("model.name",) if local else ()))
    settings = {key: str(entry.get("value") or "") for key, entry in (run.recipe.get("values") or {}).items()}
    found = {str(run.folder.resolve()), str(run.recipe.get("recipe") or "")}
    found |= {value for key, value in settings.items()
              if key.startswith(keys) or value.startswith(("/", "~/", "./", "../"))}
    return {place: Path(place).name for place in sorted(found, key=len, reverse=True) if Path(place).name != place}


def _renamed(value: Any, names: dict[str, str]) -> Any:
    """A JSON value with every place on disk cut down to its last part."""
    if isinstance(value, dict):
        return {key: _renamed(entry, names) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_renamed(entry, names) for entry in value]
    if isinstance(value, str) and not value.startswith("data:"):
        for place, name in names.items():
            value = value.replace(place, name) if place else value
    return value
