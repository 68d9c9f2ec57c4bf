"""The model card: front matter that the Hub understands, and a body without a single word of the rows."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

from finetune.report import rounding, tables
from finetune.report.folder import (
    Part,
    Run,
    counted,
    deployed,
    finite,
    headline,
    primary,
    read,
    score_names,
    setting,
    several,
    split,
)
from finetune.report.gaps import wide_intervals
from finetune.report.names import AVERAGES, metric_name
from finetune.report.observations import num_cut, weak_labels
from finetune.report.verdict import verdict
from finetune.write import write_text

FILE = "README.md"
WRITES = "summarization"
MOST_LABELS, MOST_LISTED = 100, 25
HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?", re.ASCII)
# What the Hub calls a score, where that differs, and what it shows beside a model to be tried.
HUB_METRICS = {"pearson": "pearsonr", "spearman": "spearmanr", "r2": "r_squared", "rouge1": "rouge", "rouge2": "rouge",
               "rougeL": "rouge"}
WIDGETS = {"token-classification": {"text": "Maria Costa of the city council lives in Porto."},
           "question-answering": {"text": "Where does Maria live?", "context": "Maria Costa lives in Porto."}}
SPECIAL = re.compile(r"([\\`*_\[\]|#~])")
LICENSES = {  # identifiers that the Hub knows; any other is `other` with a name
    "afl-3.0", "agpl-3.0", "apache-2.0", "artistic-2.0", "bsd", "bsd-2-clause", "bsd-3-clause", "bsl-1.0", "cc",
    "cc0-1.0", "cc-by-2.0", "cc-by-3.0", "cc-by-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nc-nd-4.0",
    "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "cc-by-nd-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "creativeml-openrail-m",
    "ecl-2.0", "epl-2.0", "gemma", "gpl", "gpl-2.0", "gpl-3.0", "isc", "lgpl", "lgpl-2.1", "lgpl-3.0", "llama2",
    "llama3", "mit", "mpl-2.0", "ms-pl", "odbl", "odc-by", "openrail", "openrail++", "osl-3.0", "pddl", "unlicense",
    "wtfpl", "zlib",
}


def write(run_dir: Path, *, repository: str | None = None) -> Path:
    """Write `README.md` into a run folder; for a repository on the Hub it says how to use the model from there."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), trim_blocks=True, lstrip_blocks=True,
                              undefined=StrictUndefined, keep_trailing_newline=True)
    environment.filters |= {"quoted": _quoted, "cell": _cell}
    run = read(run_dir)
    text = environment.get_template("card.md").render(**_front(run), **_body(run), repository=repository)
    file = run_dir / FILE
    write_text(file, re.sub(r"\n{3,}", "\n\n", text).encode("utf-8", errors="replace").decode())
    return file


def _front(run: Run) -> dict[str, Any]:
    backbone, data = run.metrics.get("backbone") or {}, run.metrics.get("data") or {}
    license_id, license_name = _license(backbone.get("license"))
    from_hub = run.metrics.get("source") == "hub"
    return {
        "name": str(run.metrics.get("recipe") or run.recipe.get("recipe") or "model"),
        "license": license_id,
        "license_name": license_name,
        "task": run.metrics.get("task"),
        "widget": WIDGETS.get(str(run.metrics.get("task")), {}),
        "base_model": _base_model(run, backbone),
        "dataset": data.get("name") if from_hub else None,
        "data_name": _data_name(run),
        "data_revision": data.get("revision") if from_hub else None,
        "tags": ["finetune-recipes", *(["onnx"] if _model_file(run) else [])],
        "results": _results(run) if run.metrics.get("task") else [],
    }


def _body(run: Run) -> dict[str, Any]:
    scale = _scale(run)
    labels = [] if scale else [str(label) for label in run.metrics.get("labels") or ()]
    return {
        "purpose": _purpose(run),
        "verdict": verdict(run) if run.metrics else [],
        "labels": labels[:MOST_LABELS],
        "more_labels": max(0, len(labels) - MOST_LABELS),
        "label_list": json.dumps(labels, ensure_ascii=False) if 0 < len(labels) <= MOST_LISTED else "",
        "margins": [_margin(entry["threshold"]) for entry in several(headline(run)[1])],
        "sought": _sought(run),
        "takes_two": len(run.metrics.get("inputs") or ()) == 2,
        "scale": scale,
        "model_file": _model_file(run),
        "max_tokens": _max_tokens(run),
        "prefix": setting(run, "task.prefix") or "",
        "scores": tables.scores(run),
        "baselines": tables.against_baselines(run),
        "by_label": tables.by_label(run),
        "calibration": tables.calibration(run),
        "origin": _origin(run),
        "kept_rows": tables.kept_rows(run),
        "rules": tables.rules(run),
        "flagged": tables.flagged(run),
        "leakage": tables.leakage(run),
        "limits": _limits(run),
        "export": tables.export(run),
        "export_reason": str(run.export.get("reason") or ""),
    }


def _license(found: Any) -> tuple[str | None, str | None]:
    """The Hub's identifier of a licence, and a name where the Hub has none for it."""
    name = re.sub(r"[^a-z0-9.+-]+", "-", str(found or "").lower()).strip("-")
    if name in ("", "unknown", "other", "none"):
        return None, None
    return (name, None) if name in LICENSES else ("other", name)


def _base_model(run: Run, backbone: Part) -> str | None:
    name = str(backbone.get("name") or "").removeprefix("hf-hub:")
    if backbone.get("source") not in ("hub", "cache", "offline") or not HUB_NAME.fullmatch(name):
        return None
    return f"timm/{name}" if setting(run, "model.family") == "timm" and "/" not in name else name


def _data_name(run: Run) -> str:
    """The data set's name; of the user's own files the last part alone, as their path is nobody's business."""
    name = str((run.metrics.get("data") or {}).get("name") or "")
    return name if run.metrics.get("source") == "hub" else Path(name).name or "unknown"


def _results(run: Run) -> list[dict[str, Any]]:
    """The scores on test, that which everything was chosen by first."""
    test, found = split(run, "test"), []
    for key in sorted(score_names(test), key=lambda name: name != primary(run)):
        if not finite(test[key]["value"]):
            continue
        family, _, average = key.rpartition("_")
        if average not in AVERAGES:
            family, average = key, ""
        found.append({"type": HUB_METRICS.get(family, family), "average": average, "name": metric_name(key),
                      "value": float(round(test[key]["value"], 4))})
    return found


def _margin(threshold: float) -> float:
    """The logit from which a probability reaches a threshold."""
    return round(math.log(threshold / (1 - threshold)), 4)


def _sought(run: Run) -> Part:
    """Of two labels the one that is looked for: its `name` and `place`, the `other`, and its `margin` over that one."""
    labels = list(run.metrics.get("labels") or ())
    found = headline(run)[1].get("precision_recall") or {}
    if not found or found["label"] not in labels or len(labels) != 2:
        return {}
    place = labels.index(found["label"])
    return {"name": labels[place], "other": labels[1 - place], "place": place, "margin": round(found["margin"], 4)}


def _scale(run: Run) -> Part:
    """Mean and spread of the numbers that were learnt; empty where it was none."""
    learnt = (run.metrics.get("data") or {}).get("learnt") or {}
    return {name: float(learnt[name]) for name in ("mean", "spread")} if "spread" in learnt else {}


def _model_file(run: Run) -> str:
    """Path of the model to deploy, from the run folder; empty where nothing was published."""
    return str((deployed(run) or {}).get("file") or "")


def _max_tokens(run: Run) -> int:
    found = (run.quality.get("lengths") or {}).get("max") or setting(run, "task.max_tokens")
    return found if isinstance(found, int) else 128


def _purpose(run: Run) -> str:
    says = run.metrics.get("says")
    does = f"{says}." if says else "A fine-tuned model."
    backbone = run.metrics.get("backbone") or {}
    if not backbone.get("name"):
        return does
    name = Path(str(backbone["name"])).name if backbone.get("source") == "folder" else str(backbone["name"])
    start = f"The architecture {name} trained from random weights" if backbone.get("source") == "random" else (
        f"{name}, fine-tuned")
    return f"{does} {start} on {_data_words(run)}."


def _data_words(run: Run) -> str:
    rows = ((run.quality.get("rows") or {}).get("train") or {}).get("after")
    number = f"{rounding.plural(rows, 'row')} of " if isinstance(rows, int) else ""
    kinds = {"hub": "the data set ", "sample": "the sample ", "files": "the user's own "}
    return f"{number}{kinds.get(str(run.metrics.get('source')), '')}{_data_name(run)}"


def _origin(run: Run) -> list[str]:
    data, backbone = run.metrics.get("data") or {}, run.metrics.get("backbone") or {}
    lines = [f"Training rows: {_data_words(run)}."] if data else []
    if data.get("revision"):
        lines.append(f"Revision of the data: {data['revision']}.")
    if backbone.get("revision"):
        lines.append(f"Revision of the backbone: {backbone['revision']}.")
    lines += [f"{line[:1].upper()}{line[1:]}." for line in run.metrics.get("preprocessing") or ()]
    licenses = [f"{of} {part.get('license') or 'not known'}" for of, part in (("data", data), ("backbone", backbone))]
    return [*lines, f"Licences: {', '.join(licenses)}."]


def _limits(run: Run) -> list[str]:
    labels, source = run.metrics.get("labels") or (), (run.metrics.get("backbone") or {}).get("source")
    takes_one = "confusion" in headline(run)[1]
    found = ["Measured on rows like those it was trained on; on others the scores may not hold."]
    if takes_one:
        found.append(f"It always answers with one of its {len(labels)} labels, also where none of them fits.")
    if run.metrics.get("source") == "sample":
        found.append("It was trained on the small sample that ships with the package: a demonstration, not a product.")
    if source == "random":
        found.append("Its backbone started from random weights, without any pretraining.")
    found += wide_intervals(run)
    found += [f"The label {entry['label']!r} is weak: F1 {rounding.percent(entry['f1'])} on "
              f"{rounding.plural(entry['support'], counted(entry))}." for entry in weak_labels(run)]
    cut, total = num_cut(run)
    if run.metrics.get("task") == WRITES:
        found.append("What it writes may be wrong or not in the text at all, and reads well even so.")
    if run.metrics.get("task") in ("text-classification", WRITES):
        share = f"; {rounding.share(cut, total)} of the rows here were longer" if cut and total else ""
        found.append(f"It reads the first {_max_tokens(run)} tokens of a text{share}.")
    return found


def _quoted(value: Any) -> str:
    """A JSON string, which is a YAML string as well."""
    return json.dumps(str(value), ensure_ascii=False)


def _cell(value: Any) -> str:
    """Text that Markdown shows as it is, on one line."""
    plain = SPECIAL.sub(r"\\\1", " ".join(str(value).split()))
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
