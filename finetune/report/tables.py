"""The numbers of a run as rows of words, for the page and for the card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from finetune.contracts import SPLITS
from finetune.report import rounding
from finetune.report.folder import (
    Part,
    Run,
    baselines,
    cleaning,
    counted,
    failed,
    finite,
    headline,
    lost,
    primary,
    score_names,
    split,
)
from finetune.report.names import artifact_name, baseline_name, metric_name
from finetune.report.scales import SHARE, Scale, scale

MOST_LABELS, MOST_MISTAKES, MOST_LETTERS, MOST_VERSIONS = 40, 12, 300, 2


@dataclass(frozen=True, slots=True)
class Table:
    """Cells by row; the columns in `words` hold words, the others numbers."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: Sequence[int] = (0,)
    note: str = ""


def scores(run: Run) -> Table | None:
    """Every score with its interval, one column per split."""
    columns = {part: split(run, part) for part in ("validation", "test") if split(run, part)}
    unflagged = split(run, "test").get("unflagged")
    if unflagged:
        columns["test without flagged rows"] = unflagged
    names = list(dict.fromkeys(name for entry in columns.values() for name in score_names(entry)))
    if not names:
        return None
    names.sort(key=lambda name: name != primary(run))
    rows = [[metric_name(name), *(scale(name).score_with_range(entry[name]) if name in entry else ""
                                  for entry in columns.values())] for name in names]
    if any("loss" in entry for entry in columns.values()):
        rows.append(["Loss", *(rounding.amount(entry.get("loss")) if "loss" in entry else ""
                               for entry in columns.values())])
    rows.append(["Rows", *(rounding.count(entry.get("rows")) for entry in columns.values())])
    return Table(["", *map(_capital, columns)], rows)


def by_label(run: Run) -> Table | None:
    """Precision, recall, F1 and rows of every label; of many labels the weakest."""
    part, entry = headline(run)
    labels = list(entry.get("per_class") or ())
    if not labels:
        return None
    shown = sorted(labels, key=lambda line: line["f1"])[:MOST_LABELS] if len(labels) > MOST_LABELS else labels
    note = f" The {MOST_LABELS} weakest of {len(labels)}; metrics.json has all." if shown is not labels else ""
    parts = {"Precision": "precision", "Recall": "recall", "F1": "f1", "PR AUC": "average_precision"}
    parts = {title: key for title, key in parts.items() if key in shown[0]}
    cuts = "threshold" in shown[0]
    rows = [[line["label"], *(rounding.percent(line[key]) for key in parts.values()), rounding.count(line["support"]),
             *([rounding.amount(line["threshold"])] if cuts else [])] for line in shown]
    head = ["Label", *parts, _capital(rounding.plurals(counted(labels[0]))), *(["Threshold"] if cuts else [])]
    return Table(head, rows, note=f"On {part} rows.{note}")


def against_baselines(run: Run) -> Table | None:
    """The model's primary score and each baseline's, with what the model gains over it."""
    name, found = primary(run), baselines(run)
    part, entry = headline(run)
    if not found or name not in entry:
        return None
    told = scale(name)
    rows = [["This model", told.score_with_range(entry[name]), ""]]
    rows += [[_capital(baseline_name(line.name)), told.score_with_range(line.score),
              told.change_with_range(line.gain) if line.gain else rounding.UNKNOWN] for line in found]
    note = "Gains are measured on the same rows, so their intervals are narrower than those of the scores."
    return Table(["", f"{metric_name(name)} on {part}", "Gain of the model"], rows, note=note)


def calibration(run: Run) -> Table | None:
    """How far probabilities are from what they say, before the temperature and with it."""
    found = run.metrics.get("calibration") or {}
    rows = [[_capital(part), *(rounding.points(entry.get(when)).removeprefix("+") for when in ("before", "after"))]
            for part, entry in (found.get("splits") or {}).items()]
    if not rows:
        return None
    temperature = found.get("temperature")
    how = ("No temperature was fitted, since no prediction on validation is wrong." if temperature == 1 else
           f"Logits are divided by {rounding.amount(temperature)}, fitted on validation, so test tells what that is "
           "worth; predictions stay as they are.")
    note = f"Points between how sure predictions are and how often they are right, on average. {how}"
    return Table(["Calibration error", "As trained", "As told"], rows, note=note)


def mistakes(run: Run) -> Table | None:
    """The texts on which the model was most sure and wrong."""
    lines = [line for line in run.mistakes if "text" in line]
    if not lines:
        return None
    sure = any(finite(line.get("probability")) for line in lines)  # a number is given without
    rows = [[str(line.get("row", "")), str(line.get("label", "")), str(line.get("prediction", "")),
             *([rounding.percent(line.get("probability"))] if sure else []), _clipped(str(line["text"]))]
            for line in lines[:MOST_MISTAKES]]
    note = "Test rows. Where the model is right, the label in the data is wrong."
    note += f" The first {MOST_MISTAKES} of {len(lines)} in mistakes.jsonl." if len(lines) > MOST_MISTAKES else ""
    head = ["Row", "Label in the data", "The model said", *(["Probability"] if sure else []), "Text"]
    return Table(head, rows, [place for place, name in enumerate(head) if name != "Probability"], note)


def seen(run: Run) -> Table | None:
    """Training texts as they are and as the model was given them; pictures are a figure instead."""
    found = [row for row in run.augmented.get("rows") or () if "text" in row]
    if not found:
        return None
    rows = [[str(row.get("row", "")), f"epoch {part['epoch']}" if "epoch" in part else "as it is",
             str(part.get("text"))] for row in found for part in (row, *(row.get("versions") or ())[:MOST_VERSIONS])]
    names = ", ".join(map(str, run.augmented.get("changes") or ()))
    return Table(["Row", "Seen", "Text"], rows, (0, 1, 2), f"Training rows as the model's tokens spell them ({names}).")


def rules(run: Run) -> Table | None:
    """What each cleaning rule was told to do and what it did, per split; those that read nothing here are left out."""
    found = cleaning(run)
    shown = [part for part in SPLITS if any(part in (rule.get("splits") or {}) for rule in found.values())]
    if not shown:
        return None
    rows = [[_capital(name.replace("_", " ")), str(rule.get("policy", "")),
             *(_done((rule.get("splits") or {}).get(part)) for part in shown)]
            for name, rule in found.items() if rule.get("splits") or rule.get("policy") == "off"]
    return Table(["Rule", "Policy", *map(_capital, shown)], rows, words=range(2 + len(shown)))


def kept_rows(run: Run) -> Table | None:
    """Rows of every split before and after cleaning."""
    found = run.quality.get("rows") or {}
    rows = [[_capital(part), rounding.count(found[part].get("before")), rounding.count(found[part].get("after")),
             rounding.share(found[part].get("after", 0), found[part].get("before", 0))]
            for part in SPLITS if part in found]
    return Table(["Split", "Rows before", "Rows after", "Kept"], rows) if rows else None


def export(run: Run) -> Table | None:
    """Size, faithfulness and speed of every exported model, and whether it passed."""
    columns = [_artifact(line, scale(primary(run))) for line in run.export.get("artifacts") or ()]
    if not columns:
        return None
    head = ["", *(column.pop("Model") for column in columns)]
    files = ", ".join(f"{line['file']} ({artifact_name(str(line['name']))})" for line in run.export["artifacts"]
                      if line.get("file"))
    rows = [[measure, *(column[measure] for column in columns)] for measure in columns[0]]
    return Table(head, [row for row in rows if any(row[1:])], note=f"Files: {files}." if files else "")


def settings(run: Run) -> Table | None:
    """The settings that somebody chose, those of the command line first."""
    chosen = [(key, entry) for key, entry in (run.recipe.get("values") or {}).items() if entry.get("from") != "default"]
    chosen.sort(key=lambda pair: pair[1].get("from") != "command line")
    rows = [[key, rounding.setting(entry.get("value")), str(entry.get("from", ""))] for key, entry in chosen]
    return Table(["Setting", "Value", "From"], rows, words=(0, 1, 2)) if rows else None


def leakage(run: Run) -> str:
    """Which rows two splits share and what was done with them; empty where nobody looked."""
    pairs = (run.quality.get("leakage") or {}).get("pairs")
    if pairs is None:
        return ""
    parts = []
    for pair in pairs.values():
        counts = [f"{count:,} in {part}" for part, count in pair.items() if part in SPLITS and count]
        parts += [f"{' and '.join(counts)} ({pair.get('action', 'reported')})"] if counts else []
    return "; ".join(parts) or "none"


def flagged(run: Run) -> str:
    """How many validation and test rows cleaning found fault with; empty where none."""
    counts = {part: len(rows) for part, rows in (run.quality.get("flagged") or {}).items() if rows}
    return ", ".join(f"{rounding.plural(number, 'row')} in {part}" for part, number in counts.items())


def _artifact(line: Part, told: Scale) -> dict[str, str]:
    drop = told.change(lost(line)["value"]).removeprefix("+")
    measured = told.change_range(lost(line)).replace("+", "")
    lost_in, loss = _capital(told.unit) or "Score", f"{drop} ({measured})" if measured else drop
    reference = line.get("verdict") == "reference"
    speedup, agreement = line.get("speedup"), line.get("agreement")
    return {
        "Model": artifact_name(str(line.get("name", ""))),
        "Verdict": "withheld" if failed(line) else str(line.get("verdict", "")),
        "Score": told.score(line.get("score")),
        f"{lost_in} lost (95% interval)": "" if reference else loss,
        "Points of F1 lost by a label, at most": "" if reference else _label_lost(line),
        "Same answers as PyTorch": "" if reference else rounding.percent(agreement),
        "Largest difference of outputs": "" if reference else rounding.amount(line.get("max_abs_diff")),
        "Size (MiB)": rounding.amount(line.get("size_mib")),
        "Median latency (ms)": rounding.amount(line.get("latency_ms_p50")),
        "95th percentile (ms)": rounding.amount(line.get("latency_ms_p95")),
        "Rows a second in batches": rounding.amount(line.get("rows_per_second")),
        "Speed-up": f"{speedup:.2f}x" if finite(speedup) else rounding.UNKNOWN,
    }


def _label_lost(line: Part) -> str:
    """What the label that loses most loses, and which it is; empty where the task has no labels."""
    worst = next(iter(line.get("label_drops") or ()), None)
    if worst is None:
        return ""
    drop, measured = rounding.points(worst["drop"]).removeprefix("+"), SHARE.change_range(worst).replace("+", "")
    return f"{drop} ({measured}), {worst['label']}" if worst["drop"] > 0 else "0.0"


def _done(counts: Part | None) -> str:
    if counts is None:
        return "not run"
    done = [f"{rounding.count(counts[action])} {action}" for action in ("changed", "dropped", "reported")
            if counts.get(action)]
    return ", ".join(done) or "none"


def _clipped(text: str) -> str:
    return text if len(text) <= MOST_LETTERS else text[:MOST_LETTERS].rstrip() + "..."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
