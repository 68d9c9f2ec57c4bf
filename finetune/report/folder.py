"""A run folder as values: read once, with a note instead of an error for a part that is missing or damaged."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from finetune.errors import FinetuneError

Part = Mapping[str, Any]  # a parsed JSON object; empty where the run did not get that far

PARTS = {
    "recipe": "recipe.json",
    "quality": "data/quality.json",
    "augmented": "data/augmented.json",
    "log": "log.jsonl",
    "metrics": "metrics.json",
    "mistakes": "mistakes.jsonl",
    "export": "onnx/report.json",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """Everything that a report can say about one run."""

    folder: Path
    recipe: Part
    quality: Part
    augmented: Part
    metrics: Part
    export: Part
    log: Sequence[Part]
    mistakes: Sequence[Part]
    missing: tuple[str, ...]  # names of PARTS that the folder lacks
    damaged: tuple[str, ...]  # sentences on files and lines that cannot be read


@dataclass(frozen=True, slots=True)
class Baseline:
    """A baseline's primary score, and what the model gains over it on the same rows."""

    name: str
    score: Part  # value, and low and high where they were measured
    gain: Part


def read(run_dir: Path) -> Run:
    """The parts of a run folder; the folder itself must exist."""
    if not run_dir.is_dir():
        raise FinetuneError("report", f"{run_dir.absolute()} is not a run folder. Give a folder that `finetune run` "
                                      "made.")
    damaged: list[str] = []
    objects = {part: _object(run_dir, part, damaged=damaged)
               for part in ("recipe", "quality", "augmented", "metrics", "export")}
    lines = {part: _lines(run_dir, part, damaged=damaged) for part in ("log", "mistakes")}
    return Run(
        folder=run_dir,
        recipe=objects["recipe"], quality=objects["quality"], metrics=objects["metrics"], export=objects["export"],
        augmented=objects["augmented"], log=lines["log"], mistakes=lines["mistakes"],
        missing=tuple(part for part, file in PARTS.items() if not (run_dir / file).is_file()),
        damaged=tuple(damaged),
    )


def only_cleaned(run: Run) -> bool:
    """Whether the rows were cleaned and nothing was done with them yet."""
    return bool(run.quality) and {"log", "metrics", "mistakes", "export"} <= set(run.missing)


def split(run: Run, name: str) -> Part:
    """The scores of a split, empty where it was not scored."""
    return run.metrics.get("splits", {}).get(name) or {}


def headline(run: Run) -> tuple[str, Part]:
    """The split that the verdict rests on: test, or validation where there is no test."""
    name = "validation" if split(run, "validation") and not split(run, "test") else "test"
    return name, split(run, name)


def several(scores: Part) -> list[Part]:
    """The labels of rows that can have several, each decided on by its threshold; empty where rows have one label."""
    return [entry for entry in scores.get("per_class") or () if "threshold" in entry]


def counted(label: Part) -> str:
    """What the support of a label counts, one of them in a word."""
    return str(label.get("counted", "row"))


def primary(run: Run) -> str:
    """Name of the score that everything is chosen by."""
    return str(run.metrics.get("primary", "accuracy"))


def score_names(scores: Part) -> list[str]:
    """Names of the scores that carry a value, in file order."""
    return [name for name, entry in scores.items() if isinstance(entry, Mapping) and "value" in entry]


def baselines(run: Run) -> list[Baseline]:
    """The baselines that have the primary score, strongest first."""
    name = primary(run)
    found = [Baseline(key, entry[name], entry.get("gain") or {})
             for key, entry in (run.metrics.get("baselines") or {}).items() if name in entry]
    return sorted(found, key=lambda baseline: -baseline.score["value"])


def cleaning(run: Run) -> dict[str, Part]:
    """What every cleaning rule did, with the search for rows that two splits share as the last of them."""
    leakage = run.quality.get("leakage")
    return {**(run.quality.get("rules") or {}), **({"leakage": leakage} if leakage else {})}


def events(run: Run, kind: str) -> list[Part]:
    """The log lines of one kind, `step` or `eval`, that carry a finite loss."""
    return [line for line in run.log if line.get("event") == kind and finite(line.get("loss"))]


def interval(entry: Part) -> tuple[float, float] | None:
    """The lower and upper bound of a score or a difference, None where they were not measured."""
    low, high = entry.get("low"), entry.get("high")
    return (low, high) if finite(low) and finite(high) else None


def lost(artifact: Part) -> Part:
    """What an exported model loses of the primary score: value, low and high."""
    low, high = artifact.get("score_drop_interval") or (None, None)
    return {"value": artifact.get("score_drop"), "low": low, "high": high}


def failed(artifact: Part) -> bool:
    """Whether an exported model loses more than is allowed, or does not answer as PyTorch does."""
    return artifact.get("verdict") == "fail"


def published(artifact: Part) -> bool:
    """Whether an exported model lies in the run's ONNX folder: neither failed nor slower than the fp32 graph."""
    return artifact.get("verdict") not in ("fail", "slower")


def deployed(run: Run) -> Part | None:
    """The exported model to use, None where nothing was published."""
    return next((artifact for artifact in run.export.get("artifacts") or ()
                 if artifact.get("name") == run.export.get("default") and not failed(artifact)), None)


def setting(run: Run, key: str) -> Any:
    """The resolved value of a recipe key, None where it is not recorded."""
    return (run.recipe.get("values", {}).get(key) or {}).get("value")


def finite(value: Any) -> TypeGuard[float]:
    """Whether a value is a number that can be drawn or rounded."""
    return isinstance(value, int | float) and math.isfinite(value)


def _object(run_dir: Path, part: str, *, damaged: list[str]) -> Part:
    file = run_dir / PARTS[part]
    if not file.is_file():
        return {}
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        damaged.append(f"{PARTS[part]} cannot be read: {error}.")
        return {}
    if not isinstance(found, dict):
        damaged.append(f"{PARTS[part]} cannot be read: it holds no JSON object.")
        return {}
    return found


def _lines(run_dir: Path, part: str, *, damaged: list[str]) -> list[Part]:
    file = run_dir / PARTS[part]
    if not file.is_file():
        return []
    found: list[Part] = []
    for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError as error:
            damaged.append(f"{PARTS[part]}:{number} cannot be read: {error}.")
            continue
        if isinstance(value, dict):
            found.append(value)
        else:
            damaged.append(f"{PARTS[part]}:{number} cannot be read: it holds no JSON object.")
    return found
