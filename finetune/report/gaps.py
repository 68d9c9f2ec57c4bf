"""What the run did not do or could not show: missing parts, rules that only looked, splits that are too small."""

from __future__ import annotations

from finetune.report import rounding
from finetune.report.folder import Run, cleaning, interval, only_cleaned, primary, score_names, split
from finetune.report.names import metric_within
from finetune.report.scales import scale

WIDE = 0.05  # width of a 95% interval from which a split is called small
PARTS = {
    "recipe": "Settings, machine and versions were not recorded (recipe.json).",
    "quality": "The rows were not cleaned (data/quality.json).",
    "augmented": "Training rows as the model saw them were not kept (data/augmented.json).",
    "log": "Training left no log (log.jsonl).",
    "metrics": "The model was not evaluated (metrics.json).",
    "mistakes": "Wrong test rows were not listed (mistakes.jsonl).",
    "export": "The model was not exported (onnx/report.json).",
}


def gaps(run: Run) -> list[str]:
    """One sentence for everything that a reader might expect and will not find."""
    expected = () if only_cleaned(run) else run.missing
    return [*(PARTS[part] for part in expected), *run.damaged, *_unscored(run), *_rules(run), *wide_intervals(run),
            *_quantization(run)]


def wide_intervals(run: Run) -> list[str]:
    """The splits whose primary score is known to more than five points only."""
    found, name = [], primary(run)
    for part in ("validation", "test"):
        entry = split(run, part).get(name) or {}
        measured = interval(entry)
        if measured and measured[1] - measured[0] > WIDE:
            rows = rounding.plural(split(run, part).get("rows", 0), "row")
            found.append(f"The {part} split is small ({rows}): {metric_within(name)} is known only to lie "
                         f"between {scale(name).score_range(entry).replace(' to ', ' and ')}.")
    return found


def _unscored(run: Run) -> list[str]:
    if not run.metrics:
        return []
    found = [f"No {part} rows were scored." for part in ("validation", "test") if not score_names(split(run, part))]
    if not run.metrics.get("baselines"):
        found.append("No baseline was measured, so the score has nothing to be compared with.")
    return found


def _rules(run: Run) -> list[str]:
    found = []
    for name, rule in cleaning(run).items():
        parts = rule.get("splits") or {}
        reported = {part: counts.get("reported", 0) for part, counts in parts.items() if counts.get("reported", 0)}
        acted = sum(counts.get("changed", 0) + counts.get("dropped", 0) for counts in parts.values())
        if rule.get("policy") == "off":
            found.append(f"The rule {_spoken(name)} was switched off.")
        elif reported and not acted:
            where = ", ".join(f"{rounding.count(number)} in {part}" for part, number in reported.items())
            found.append(f"The rule {_spoken(name)} only reported: {where}; these rows are unchanged.")
    return found


def _quantization(run: Run) -> list[str]:
    artifacts = {artifact.get("name") for artifact in run.export.get("artifacts") or ()}
    found = [] if not artifacts or "int8" in artifacts else ["No int8 model was made."]
    return [*found, *(["The fp16 model is for GPUs and was timed on the CPU alone."] if "fp16" in artifacts else [])]


def _spoken(rule: str) -> str:
    return repr(rule.replace("_", " "))
