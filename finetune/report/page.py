"""One HTML page per run, complete in itself: no script, nothing fetched, every word of the rows escaped."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from finetune.report import data_tables, draw_scores, rounding, shown_rows, tables
from finetune.report.figures import OF_ROWS, Figure, draw
from finetune.report.folder import Run, events, only_cleaned, read
from finetune.report.gaps import gaps
from finetune.report.observations import observations
from finetune.report.verdict import of_rows, verdict
from finetune.write import write_text

FILE = "report.html"
STOPPED = {"length": "at the planned length", "early": "early, since no evaluation had a better score for long"}
WIDTH = 664  # pixels of the page, as in page.html


def write(run_dir: Path) -> Path:
    """Draw the figures of a run folder and write `report.html` into it: of the rows alone while nothing is trained."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True,
                              lstrip_blocks=True, undefined=StrictUndefined)
    drawn = {figure.file.stem: {"uri": _uri(figure.file), "title": figure.title, "caption": figure.caption,
                                "height": _height(figure)} for figure in draw(run_dir)}
    run = read(run_dir)
    content = environment.get_template("page.html").render(
        **_content(run), **_rows(run), data_figures={name: drawn.get(name) for name in OF_ROWS},
        figures=[figure for name, figure in drawn.items() if name not in OF_ROWS])
    file = run_dir / FILE
    # A lone surrogate in a row has no place in UTF-8, and must not end the run.
    write_text(file, content.encode("utf-8", errors="replace").decode())
    return file


def _content(run: Run) -> dict[str, Any]:
    return {
        "title": str(run.metrics.get("recipe") or run.recipe.get("recipe") or run.folder.resolve().name),
        "origin": _origin(run),
        "only_cleaned": only_cleaned(run),
        "verdict": of_rows(run) if only_cleaned(run) else verdict(run),
        "observations": observations(run),
        "scores": tables.scores(run),
        "baselines": tables.against_baselines(run),
        "by_label": tables.by_label(run),
        "calibration": tables.calibration(run),
        "mistakes": tables.mistakes(run),
        "of_mistakes": draw_scores.of_mistakes(run),
        "seen": tables.seen(run),
        "rules": tables.rules(run),
        "kept_rows": tables.kept_rows(run),
        "leakage": tables.leakage(run),
        "flagged": tables.flagged(run),
        "gaps": gaps(run),
        "export": tables.export(run),
        "export_reason": str(run.export.get("reason") or ""),
        "settings": tables.settings(run),
        "preprocessing": [line[:1].upper() + line[1:] for line in run.metrics.get("preprocessing") or ()],
        "defaults_known": any(entry.get("from") == "default" for entry in (run.recipe.get("values") or {}).values()),
        "command": str(run.recipe.get("command") or ""),
        "training": _training(run),
        "machine": _machine(run),
    }


def _rows(run: Run) -> dict[str, Any]:
    """What the section on the rows shows."""
    return {
        "tally": data_tables.tally(run),
        "advice": data_tables.advice(run),
        "advised": data_tables.advised(run),
        "remedies": data_tables.remedies(run),
        "suspected": data_tables.suspected(run),
        "judged_by": data_tables.judged_by(run),
        "unjudged": data_tables.unjudged(run),
        "suspects": shown_rows.suspects(run),
        "noise": data_tables.noise(run),
        "strange": data_tables.strange(run),
        "strangers": shown_rows.strangers(run),
        "clusters": shown_rows.clusters(run),
        "channels": data_tables.channels(run),
        "likeness": data_tables.likeness(run),
    }


def _origin(run: Run) -> list[tuple[str, str]]:
    backbone, data = run.metrics.get("backbone") or {}, run.metrics.get("data") or {}
    facts = [
        ("Task", str(run.metrics.get("says") or run.metrics.get("task") or "").replace("-", " ")),
        ("Backbone", _named(backbone, str(backbone.get("source") or ""))),
        ("Data", _named(data, str(run.metrics.get("source") or ""))),
        ("Started", str(run.recipe.get("time") or "").replace("T", " ").replace("+00:00", " UTC")),
    ]
    facts += [("Stage", "the rows were cleaned, nothing was trained yet")] if only_cleaned(run) else []
    return [(name, value) for name, value in facts if value]


def _named(entry: Any, source: str) -> str:
    if not entry.get("name"):
        return ""
    revision = f"revision {str(entry['revision'])[:12]}" if entry.get("revision") else ""
    details = [detail for detail in (source, revision, entry.get("license")) if detail]
    return f"{entry['name']} ({', '.join(map(str, details))})" if details else str(entry["name"])


def _training(run: Run) -> list[tuple[str, str]]:
    found = run.metrics.get("train") or {}
    steps = rounding.count(found.get("steps", len(events(run, "step")))) if found or run.log else ""
    facts = [
        ("Steps", steps),
        ("Epochs", rounding.epochs(found["epochs"]) if "epochs" in found else ""),
        ("Best step", rounding.count(found["best_step"]) if "best_step" in found else ""),
        ("Stopped", STOPPED.get(str(found["stopped"]), str(found["stopped"])) if "stopped" in found else ""),
        ("Time", rounding.duration(found["seconds"]) if "seconds" in found else ""),
        ("Rows per second", rounding.amount(found["rows_per_second"]) if "rows_per_second" in found else ""),
        ("Precision", _choice(found.get("precision"))),
        ("Threads", _choice(found.get("threads"))),
        ("Device", str(found.get("device", ""))),
        ("Processes", rounding.count(found["processes"]) if "processes" in found else ""),
    ]
    return [(name, value) for name, value in facts if value]


def _machine(run: Run) -> list[tuple[str, str]]:
    machine, versions = run.recipe.get("machine") or {}, run.recipe.get("versions") or {}
    units = {"cpu": "Processor", "cores": "Cores", "memory_gib": "Memory (GiB)", "flags": "Instructions",
             "accelerator": "Accelerator", "python": "Python"}
    facts = [(units.get(key, key), rounding.setting(value)) for key, value in machine.items()]
    facts += [("Commit", str(run.recipe["commit"]))] if run.recipe.get("commit") else []
    return facts + [(name, str(version)) for name, version in versions.items()]


def _choice(entry: Any) -> str:
    if not isinstance(entry, dict):
        return "" if entry is None else rounding.setting(entry)
    reason = f" ({entry['reason']})" if entry.get("reason") else ""
    return f"{rounding.setting(entry.get('choice'))}{reason}"


def _uri(file: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(file.read_bytes()).decode("ascii")


def _height(figure: Figure) -> int:
    """Height in pixels of the page, so that the text does not jump while pictures load."""
    from PIL import Image

    with Image.open(figure.file) as picture:
        return round(WIDTH * picture.height / picture.width)
