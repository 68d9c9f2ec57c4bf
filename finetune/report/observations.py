"""What a reader should look at first, as plain sentences computed from the numbers of the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Literal

from finetune.report import folder, rounding
from finetune.report.data_tables import difference, suspected
from finetune.report.folder import Part, Run, finite
from finetune.report.names import artifact_name, baseline_name, metric_name, metric_within
from finetune.report.scales import SHARE, scale

OVERFIT = 1.1  # validation loss over its own minimum
HARDLY = 0.98  # training loss at the end over training loss at the start
WEAK = 0.10  # F1 below the mean over labels
SHOWN = 3  # weak labels spelled out
CUT = 0.01  # share of cut rows from which it matters
IMBALANCE = 10  # largest over smallest label
SURE = 0.95  # probability of a wrong prediction that makes the label itself suspect
FLAGGED = 0.01  # change of the score without the rows that cleaning flagged


@dataclass(frozen=True, slots=True)
class Observation:
    """A sentence or two; a warning is something to act on, a note something to know."""

    level: Literal["warning", "note"]
    text: str


def observations(run: Run) -> list[Observation]:
    """Everything that stands out, warnings first."""
    found = [
        *(_note(str(note)) for note in run.metrics.get("notes") or ()),
        *_against_baseline(run), *_training(run), *_weak_labels(run), *_exports(run), *_validation_gap(run),
        *_cut_rows(run), *_imbalance(run), *_flagged(run), *_sure_mistakes(run), *_unlike_splits(run), *_suspects(run),
    ]
    return sorted(found, key=lambda observation: observation.level != "warning")


def weak_labels(run: Run) -> list[Part]:
    """Labels whose F1 lies ten points or more below the mean over labels, weakest first."""
    scored = _scored_labels(run)
    if len(scored) < 2:
        return []
    least = fmean(entry["f1"] for entry in scored) - WEAK
    return sorted((entry for entry in scored if entry["f1"] <= least), key=lambda entry: entry["f1"])


def num_cut(run: Run) -> tuple[int, int]:
    """Rows cut at the longest input, and all rows."""
    lengths = run.quality.get("lengths") or {}
    return lengths.get("truncated") or 0, sum(lengths.get("counts") or ())


def _against_baseline(run: Run) -> list[Observation]:
    strongest = next(iter(folder.baselines(run)), None)
    if strongest is None:
        return []
    name, measured = baseline_name(strongest.name), folder.interval(strongest.gain)
    if measured is None or measured[0] > 0:
        return []
    told = scale(folder.primary(run))
    gain = (f"the gain is {told.change_in_words(strongest.gain.get('value'))}, 95% interval "
            f"{told.change_range(strongest.gain)}")
    if measured[1] < 0:
        return [_warning(f"The model is worse than the baseline {name!r}: {gain}. Use the baseline, or look for what "
                         "went wrong in training.")]
    clearly = "clearly " if strongest.gain.get("value", 0) > 0 else ""
    return [_warning(f"The model is not {clearly}better than the baseline {name!r}: {gain}, which includes zero. More "
                     "test rows would tell; more training rows may help.")]


def _training(run: Run) -> list[Observation]:
    evaluations, steps = folder.events(run, "eval"), folder.events(run, "step")
    if len(evaluations) < 2 or not steps:
        return []
    lowest, last = min(evaluations, key=lambda line: line["loss"]), evaluations[-1]
    before = _mean_loss(steps, until=evaluations[0]["step"])
    after = _mean_loss(steps, since=evaluations[-2]["step"])
    best = next((line for line in reversed(evaluations) if line.get("best")), None)
    if last["loss"] > OVERFIT * lowest["loss"] and after < before:
        kept = f" The kept model is the one {_when(best)}." if best else ""
        return [_warning(f"The model overfits: validation loss was lowest {_when(lowest)} ({lowest['loss']:.3f}) and "
                         f"{last['loss']:.3f} at the end, while training loss fell from {before:.3f} to {after:.3f}."
                         f"{kept} More rows, fewer epochs or a lower learning rate may help.")]
    if after > HARDLY * before:
        return [_warning(f"Training loss hardly fell: {before:.3f} up to the first evaluation, {after:.3f} before the "
                         "last. Try another learning rate, or check the labels.")]
    name = folder.primary(run)
    perfect = scale(name) is SHARE and last.get("scores", {}).get(name) == 1
    if last is best and not perfect:
        return [_note("The last evaluation was the best one: the model may gain from longer training (train.length).")]
    return []


def _weak_labels(run: Run) -> list[Observation]:
    weak = weak_labels(run)
    if not weak:
        return []
    mean = rounding.percent(fmean(entry["f1"] for entry in _scored_labels(run)))
    found = [_warning(f"{_weak_sentence(entry, run)} The mean F1 over labels is {mean} ({folder.headline(run)[0]}).")
             for entry in weak[:SHOWN]]
    if len(weak) > SHOWN:
        found.append(_warning(f"{rounding.plural(len(weak) - SHOWN, 'more label')} with an F1 ten points or more below "
                              "the mean: see the scores by label."))
    return found


def _weak_sentence(entry: Part, run: Run) -> str:
    label, rows = entry["label"], rounding.plural(entry["support"], folder.counted(entry))
    if not entry["f1"]:
        return f"The label {label!r} is never predicted correctly ({rows})."
    taken = _most_taken_for(label, run)
    f1, recall = (rounding.percent(entry[key]) for key in ("f1", "recall"))
    return (f"The label {label!r} is weak: F1 {f1}, {recall} of its {rows} are found"
            + (f", {taken[1]:,} are mistaken for {taken[0]!r}." if taken else "."))


def _most_taken_for(label: str, run: Run) -> tuple[str, int] | None:
    labels, confusion = run.metrics.get("labels") or (), folder.headline(run)[1].get("confusion") or ()
    if label not in labels or len(confusion) != len(labels):
        return None
    own = labels.index(label)
    counts = [(number, position) for position, number in enumerate(confusion[own]) if position != own]
    number, position = max(counts, key=lambda pair: (pair[0], -pair[1]), default=(0, 0))
    return (labels[position], number) if number else None


def _exports(run: Run) -> list[Observation]:
    limit, told = folder.setting(run, "export.max_score_drop"), scale(folder.primary(run))
    allowed = f", {told.change(limit).removeprefix('+')} allowed" if finite(limit) else ""
    found = []
    for artifact in run.export.get("artifacts") or ():
        name, drop = artifact_name(str(artifact.get("name"))), folder.lost(artifact)
        measured = told.change_range(drop).replace("+", "")
        loss = (f"{told.change_in_words(drop['value']).removeprefix('+')} lost"
                f"{f', 95% interval {measured}' if measured else ''}{allowed}")
        if folder.failed(artifact) and artifact.get("name") == "fp32":
            reason = artifact.get("reason") or "its outputs differ"
            found.append(_warning(f"{name} was withheld, it does not answer as PyTorch does: {reason}."))
        elif folder.failed(artifact):
            found.append(_warning(f"{name} was withheld, it does not pass: {loss}."))
        elif artifact.get("verdict") == "slower":
            reason = artifact.get("reason") or "is slower than fp32"
            found.append(_note(f"{name} {reason}, so it is not published."))
        elif artifact.get("verdict") == "unresolved":
            found.append(_warning(f"{name} may lose more than is allowed: {loss}. Too few validation rows to tell."))
        if artifact.get("warning") and not folder.failed(artifact):
            found.append(_warning(f"{name} {artifact['warning']}."))
    return found


def _validation_gap(run: Run) -> list[Observation]:
    name = folder.primary(run)
    told = scale(name)
    validation, test = (folder.split(run, part).get(name) or {} for part in ("validation", "test"))
    bounds = folder.interval(validation), folder.interval(test)
    if bounds[0] is None or bounds[1] is None:
        return []
    if validation["value"] <= bounds[1][1] or test["value"] >= bounds[0][0]:
        return []
    return [_warning(f"{metric_name(name)} on validation ({told.score(validation['value'])}) lies above the whole "
                     f"interval of the test score ({told.score_range(test)}): the rows of the two splits differ, "
                     "or too much was chosen on validation. Quote the test score.")]


def _cut_rows(run: Run) -> list[Observation]:
    cut, total = num_cut(run)
    if not cut or not total:
        return []
    lengths = run.quality["lengths"]
    text = (f"{cut:,} of {rounding.plural(total, 'row')} ({rounding.share(cut, total)}) are longer than "
            f"{lengths['max']} {lengths.get('unit', 'tokens')} and were cut there{_lost(lengths)}.")
    if cut / total < CUT:
        return [_note(text)]
    return [_warning(f"{text} A higher limit (task.max_tokens) costs time and may gain score.")]


def _lost(lengths: Part) -> str:
    return f"; {rounding.share(lengths['cut_share'], 1)} of all tokens are lost" if "cut_share" in lengths else ""


def _imbalance(run: Run) -> list[Observation]:
    counts = (run.quality.get("classes") or {}).get("train") or {}
    after = {label: entry.get("after", 0) for label, entry in counts.items()}
    if len(after) < 2 or min(after.values()) <= 0:
        return []
    most, least = max(after, key=lambda label: after[label]), min(after, key=lambda label: after[label])
    uneven = (f"The labels are uneven: {rounding.plural(after[most], 'training row')} of {most!r}, "
              f"{after[least]:,} of {least!r}.")
    better = _better_setting(run)
    if better:
        return [_warning(f"{uneven} {better}")]
    if after[most] < IMBALANCE * after[least]:
        return []
    return [_note(f"{uneven} Accuracy flatters here; read the macro F1 beside it.")]


def _better_setting(run: Run) -> str:
    """What frozen features say for a setting that this run did not have; empty where they say nothing for one."""
    advice = (run.quality.get("balance") or {}).get("advice") or {}
    tried = {way["name"]: way for way in advice.get("tried") or ()}
    way = tried.get(advice.get("recommended"))
    key, _, value = str(advice.get("setting")).partition("=")
    if way is None or folder.setting(run, key) == value:
        return ""
    return (f"On frozen features {advice['setting']} reached a macro F1 of {rounding.percent(way['score'])}, "
            f"{SHARE.change_with_range(way['gain'])} more than without. Try it on a new run, and judge both by "
            "their macro F1 on validation.")


def _flagged(run: Run) -> list[Observation]:
    name, test = folder.primary(run), folder.split(run, "test")
    unflagged = test.get("unflagged") or {}
    value, without = (entry.get(name, {}).get("value") for entry in (test, unflagged))
    if not (finite(value) and finite(without)) or abs(value - without) < FLAGGED:
        return []
    left_out = rounding.plural(test.get("rows", 0) - unflagged.get("rows", 0), "test row")
    told = scale(name)
    return [_warning(f"Without the {left_out} that cleaning flagged, {metric_within(name)} is "
                     f"{told.score(without)} instead of {told.score(value)}. They are in data/ledger.jsonl.")]


def _sure_mistakes(run: Run) -> list[Observation]:
    sure = [line for line in run.mistakes if finite(line.get("probability")) and line["probability"] >= SURE]
    if not sure:
        return []
    return [_note(f"{rounding.plural(len(sure), 'wrong test prediction')} had a probability of {SURE:.0%} or more: "
                  "check whether the label is wrong.")]


def _unlike_splits(run: Run) -> list[Observation]:
    """The clearest difference of each pair of splits."""
    different = [entry for entry in run.quality.get("distributions") or () if entry.get("differs")]
    clearest = {tuple(entry["splits"]): entry for entry in sorted(different, key=lambda entry: entry.get("effect", 0))}
    return [_warning(f"{' and '.join(pair).capitalize()} rows are not alike ({entry['what']}: {difference(entry)}). "
                     "A score on rows of another kind says little about yours.") for pair, entry in clearest.items()]


def _suspects(run: Run) -> list[Observation]:
    found, most = suspected(run), (run.quality.get("suspects") or {}).get("found", 0)
    return [_warning(f"{found} are suspected to be wrong. Look at them below, and correct those that are wrong.")
            ] if found and most else []


def _scored_labels(run: Run) -> list[Part]:
    return [entry for entry in folder.headline(run)[1].get("per_class") or () if entry.get("support")]


def _mean_loss(steps: Sequence[Part], *, since: Any = 0, until: Any = float("inf")) -> float:
    chosen = [line["loss"] for line in steps if since < line["step"] <= until]
    return fmean(chosen or [line["loss"] for line in steps])


def _when(line: Part) -> str:
    return f"at epoch {rounding.epochs(line['epoch'])}" if "epoch" in line else f"at step {line['step']}"


def _warning(text: str) -> Observation:
    return Observation("warning", text)


def _note(text: str) -> Observation:
    return Observation("note", text)
