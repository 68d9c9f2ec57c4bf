"""What a reader should look at first, as plain sentences computed from the numbers of the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Literal

from finetune.report import rounding
from finetune.report.folder import (
    Part, Run, baselines, events, finite, headline, interval, lost, primary, setting, split, withheld,
)
from finetune.report.names import baseline_name, metric_name

OVERFIT = 1.1  # validation loss over its own minimum
WEAK = 0.10  # F1 below the mean over labels
SHOWN = 3  # weak labels spelled out
CUT = 0.01  # share of cut rows from which it matters
IMBALANCE = 10  # largest over smallest label
SURE = 0.95  # probability of a wrong prediction that makes the label itself suspect
FLAGGED = 0.01  # change of the score without the rows that cleaning flagged


@dataclass(frozen=True, slots=True)
class Observation:
    """One sentence or two; a warning is something to act on, a note something to know."""

    level: Literal["warning", "note"]
    text: str


def observations(run: Run) -> list[Observation]:
    """Everything that stands out, warnings first."""
    found = [
        *(Observation("note", str(note)) for note in run.metrics.get("notes") or ()),
        *_against_baseline(run), *_training(run), *_weak_labels(run), *_export(run), *_validation_gap(run),
        *_cut_rows(run), *_imbalance(run), *_flagged(run), *_sure_mistakes(run),
    ]
    return sorted(found, key=lambda observation: observation.level != "warning")


def weak_labels(run: Run) -> list[Part]:
    """Labels whose F1 lies ten points or more below the mean over labels, weakest first."""
    scored = [entry for entry in headline(run)[1].get("per_class") or () if entry.get("support")]
    if len(scored) < 2:
        return []
    mean = fmean(entry["f1"] for entry in scored)
    return sorted((entry for entry in scored if entry["f1"] <= mean - WEAK), key=lambda entry: entry["f1"])


def num_cut(run: Run) -> tuple[int, int]:
    """Rows cut at the longest input, and all rows."""
    lengths = run.quality.get("lengths") or {}
    return lengths.get("truncated") or 0, sum(lengths.get("counts") or ())


def _against_baseline(run: Run) -> list[Observation]:
    strongest = next(iter(baselines(run)), None)
    if strongest is None:
        return []
    name, gain = baseline_name(strongest.name), strongest.gain
    found = interval(gain)
    if found is None or found[0] > 0:
        return []
    shown = f"the gain is {rounding.points(gain.get('value'))} points, 95% interval {rounding.points_range(gain)}"
    if found[1] < 0:
        return [Observation("warning", f"The model is worse than the baseline {name!r}: {shown}. "
                                       "Use the baseline, or look for what went wrong in training.")]
    return [Observation("warning", f"The model is not clearly better than the baseline {name!r}: {shown}, "
                                   "which includes zero. More test rows would tell; more training rows may help.")]


def _training(run: Run) -> list[Observation]:
    evaluations, steps = events(run, "eval"), events(run, "step")
    if len(evaluations) < 2 or not steps:
        return []
    lowest = min(evaluations, key=lambda line: line["loss"])
    last = evaluations[-1]
    before = _mean_loss(steps, until=evaluations[0]["step"])
    after = _mean_loss(steps, since=evaluations[-2]["step"])
    if last["loss"] > OVERFIT * lowest["loss"] and after < before:
        return [Observation("warning", f"The model overfits: validation loss was lowest {_when(lowest)} "
                                       f"({lowest['loss']:.3f}) and {last['loss']:.3f} at the end, while training loss "
                                       f"fell from {before:.3f} to {after:.3f}.{_kept(evaluations)} More rows, fewer "
                                       "epochs or a lower learning rate may help.")]
    if after > 0.98 * before:
        return [Observation("warning", f"Training loss hardly fell: {before:.3f} up to the first evaluation, "
                                       f"{after:.3f} before the last. Try another learning rate, or check the labels.")]
    if last is _best(evaluations):
        return [Observation("note", "The last evaluation was the best one: the model may gain from longer training "
                                    "(train.length).")]
    return []


def _weak_labels(run: Run) -> list[Observation]:
    weak = weak_labels(run)
    if not weak:
        return []
    name, scores = headline(run)
    mean = fmean(entry["f1"] for entry in scores["per_class"] if entry.get("support"))
    found = [Observation("warning", f"{_weak_sentence(entry, scores, run)} The mean F1 over labels is "
                                    f"{rounding.score(mean)} ({name}).") for entry in weak[:SHOWN]]
    if len(weak) > SHOWN:
        found.append(Observation("warning", f"{rounding.plural(len(weak) - SHOWN, 'more label')} with an F1 ten points "
                                            "or more below the mean: see the scores by label."))
    return found


def _weak_sentence(entry: Part, scores: Part, run: Run) -> str:
    label, support = entry["label"], entry["support"]
    if not entry["f1"]:
        return f"The label {label!r} is never predicted right ({rounding.plural(support, 'row')})."
    sentence = (f"The label {label!r} is weak: F1 {rounding.score(entry['f1'])}, {rounding.score(entry['recall'])} of "
                f"its {rounding.plural(support, 'row')} are found")
    taken = _most_taken_for(label, run.metrics.get("labels") or (), scores.get("confusion") or ())
    return sentence + (f", {rounding.count(taken[1])} are taken for {taken[0]!r}." if taken else ".")


def _most_taken_for(label: str, labels: Sequence[str], confusion: Sequence[Sequence[int]]) -> tuple[str, int] | None:
    if label not in labels or len(confusion) != len(labels):
        return None
    own = labels.index(label)
    counts = [(number, position) for position, number in enumerate(confusion[own]) if position != own]
    number, position = max(counts, key=lambda pair: (pair[0], -pair[1]), default=(0, 0))
    return (labels[position], number) if number else None


def _export(run: Run) -> list[Observation]:
    limit = setting(run, "export.max_score_drop")
    allowed = f", {rounding.points(limit).removeprefix('+')} allowed" if finite(limit) else ""
    found = []
    for artifact in run.export.get("artifacts") or ():
        drop = lost(artifact)
        measured = rounding.points_range(drop).replace("+", "")
        shown = (f"{rounding.points(drop['value']).removeprefix('+')} points lost"
                 f"{f', 95% interval {measured}' if measured else ''}{allowed}")
        name = artifact.get("name")
        if withheld(artifact):
            found.append(Observation("warning", f"The exported {name} model was withheld: it does not pass ({shown})."))
        elif artifact.get("verdict") == "unresolved":
            found.append(Observation("warning", f"The exported {name} model may lose more than is allowed ({shown}): too "
                                                "few validation rows to tell."))
    return found


def _validation_gap(run: Run) -> list[Observation]:
    name = primary(run)
    validation, test = split(run, "validation").get(name) or {}, split(run, "test").get(name) or {}
    if not all(finite(entry.get(key)) for entry in (validation, test) for key in ("value", "low", "high")):
        return []
    if validation["value"] <= test["high"] or test["value"] >= validation["low"]:
        return []
    return [Observation("warning", f"{metric_name(name)} on validation ({rounding.score(validation['value'])}) lies "
                                   f"above the whole interval of the test score ({rounding.score_range(test)}): the rows "
                                   "of the two splits differ, or too much was chosen on validation. Quote the test "
                                   "score.")]


def _cut_rows(run: Run) -> list[Observation]:
    cut, total = num_cut(run)
    if not cut or not total:
        return []
    lengths = run.quality["lengths"]
    text = (f"{cut:,} of {rounding.plural(total, 'row')} ({rounding.share(cut, total)}) are longer than "
            f"{lengths['max']} {lengths.get('unit', 'tokens')} and were cut there.")
    if cut / total < CUT:
        return [Observation("note", text)]
    return [Observation("warning", f"{text} A higher limit (task.max_tokens) costs time and may gain score.")]


def _imbalance(run: Run) -> list[Observation]:
    counts = (run.quality.get("classes") or {}).get("train") or {}
    after = {label: entry.get("after", 0) for label, entry in counts.items()}
    if len(after) < 2 or min(after.values()) <= 0:
        return []
    most, least = max(after, key=lambda label: after[label]), min(after, key=lambda label: after[label])
    if after[most] < IMBALANCE * after[least]:
        return []
    return [Observation("note", f"The labels are uneven: {rounding.plural(after[most], 'training row')} of {most!r}, "
                                f"{after[least]:,} of {least!r}. Accuracy flatters here; read the macro F1 beside it.")]


def _flagged(run: Run) -> list[Observation]:
    name, test = primary(run), split(run, "test")
    entry, unflagged = test.get(name) or {}, test.get("unflagged") or {}
    value, without = entry.get("value"), (unflagged.get(name) or {}).get("value")
    if not (finite(value) and finite(without)):
        return []
    if abs(value - without) < FLAGGED:
        return []
    left_out = rounding.plural(test.get("rows", 0) - unflagged.get("rows", 0), "test row")
    return [Observation("warning", f"Without the {left_out} that cleaning flagged, {metric_name(name)} is "
                                   f"{rounding.score(without)} instead of {rounding.score(value)}. Look at these "
                                   "rows in data/ledger.jsonl.")]


def _sure_mistakes(run: Run) -> list[Observation]:
    sure = [line for line in run.mistakes if finite(line.get("probability")) and line["probability"] >= SURE]
    if not sure:
        return []
    return [Observation("note", f"{rounding.plural(len(sure), 'wrong test prediction')} had a probability of {SURE:.0%} "
                                "or more: check whether the label is the error.")]


def _mean_loss(steps: Sequence[Part], *, since: Any = 0, until: Any = float("inf")) -> float:
    chosen = [line["loss"] for line in steps if since < line["step"] <= until]
    return fmean(chosen or [line["loss"] for line in steps])


def _best(evaluations: Sequence[Part]) -> Part | None:
    marked = [line for line in evaluations if line.get("best")]
    return marked[-1] if marked else None


def _kept(evaluations: Sequence[Part]) -> str:
    best = _best(evaluations)
    return f" The kept model is the one {_when(best)}." if best else ""


def _when(line: Part) -> str:
    return f"at epoch {rounding.amount(line['epoch'])}" if "epoch" in line else f"at step {line['step']}"
