"""The three answers at the top of the page: how good, how much better than a baseline, what to deploy."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from finetune.report import rounding
from finetune.report.folder import Run, baselines, cleaning, deployed, failed, finite, headline, interval, primary
from finetune.report.names import artifact_name, baseline_name, metric_name
from finetune.report.scales import scale

Standing = Literal["good", "unsure", "bad", "none"]


@dataclass(frozen=True, slots=True)
class Answer:
    """One box: a question, its answer in a few letters, and a line of detail."""

    question: str
    answer: str
    detail: str
    standing: Standing = "none"


def verdict(run: Run) -> list[Answer]:
    """Score, gain over the strongest baseline, export."""
    return [_score(run), _gain(run), _export(run)]


def of_rows(run: Run) -> list[Answer]:
    """Training rows kept, what a person should look at, likeness of the splits: where there is no model to judge."""
    return [_kept(run), _checked(run), _likeness(run)]


def _kept(run: Run) -> Answer:
    rows = (run.quality.get("rows") or {}).get("train") or {}
    before, after = rows.get("before", 0), rows.get("after", 0)
    changed = sum(((rule.get("splits") or {}).get("train") or {}).get("changed", 0) for rule in cleaning(run).values())
    return Answer("Training rows kept", rounding.share(after, before) if before else "none",
                  f"{after:,} of {rounding.plural(before, 'row')}; {rounding.plural(changed, 'cell')} repaired")


def _checked(run: Run) -> Answer:
    counts = Counter(line.get("level") for line in run.quality.get("tally") or ())
    if counts:
        words = [f"{counts[level]:,} {level}" for level in ("fail", "warn", "good") if counts[level]]
        standing: Standing = "bad" if counts["fail"] else "unsure" if counts["warn"] else "good"
        return Answer("Checks", words[0], ", ".join(words[1:]) or "nothing else", standing)
    found = [name for name, rule in cleaning(run).items()
             if any(counts.get("found") for counts in (rule.get("splits") or {}).values())]
    return Answer("Rules that found something", f"{len(found)} of {len(cleaning(run))}",
                  "see what was cleaned" if found else "no rule found anything")


def _likeness(run: Run) -> Answer:
    tests = run.quality.get("distributions") or ()
    if not tests:
        return Answer("Splits", "not compared", "There are too few rows, or only one split.")
    different = [entry for entry in tests if entry.get("differs")]
    detail = f"{rounding.plural(len(tests), 'test')} of sizes and kinds"
    if not different:
        return Answer("Splits", "alike", detail, "good")
    return Answer("Splits", "differ", f"in {len(different):,} of {detail}", "unsure")


def _score(run: Run) -> Answer:
    part, scores = headline(run)
    name = primary(run)
    entry = scores.get(name)
    if not entry:
        return Answer("Score", "not done", "The model was not evaluated.")
    told = scale(name)
    measured = told.score_range(entry)
    rows = rounding.plural(scores.get("rows", 0), f"{part} row")
    return Answer(f"{metric_name(name)} on {part}", told.score(entry["value"]),
                  f"95% interval {measured}, {rows}" if measured else rows)


def _gain(run: Run) -> Answer:
    strongest = next(iter(baselines(run)), None)
    if strongest is None or not finite(strongest.gain.get("value")):
        return Answer("Gain over a baseline", "not done", "No baseline was measured.")
    question, gain = f"Gain over {baseline_name(strongest.name)}", strongest.gain
    told = scale(primary(run))
    answer = told.change_in_words(gain["value"])
    found = interval(gain)
    if found is None:
        return Answer(question, answer, "no interval was measured")
    standing: Standing = "good" if found[0] > 0 else "bad" if found[1] < 0 else "unsure"
    unsure = "may be chance" if gain["value"] > 0 else "not better"
    words = {"good": "clearly better", "unsure": unsure, "bad": "clearly worse"}[standing]
    return Answer(question, answer, f"{words}: 95% interval {told.change_range(gain)}", standing)


def _export(run: Run) -> Answer:
    artifacts = run.export.get("artifacts") or ()
    if not artifacts:
        return Answer("Export", "not done", "The model was not exported.")
    chosen = deployed(run)
    if chosen is None:
        return Answer("Export", "failed", "No exported model answers as PyTorch does.", "bad")
    facts = [f"{rounding.amount(chosen['size_mib'])} MiB"] if finite(chosen.get("size_mib")) else []
    if finite(chosen.get("speedup")):
        facts.append(f"{chosen['speedup']:.1f} times as fast as PyTorch")
    unsure = chosen.get("verdict") != "pass"
    kept_back = [artifact_name(str(line["name"])) for line in artifacts if failed(line)]
    facts += [f"{' and '.join(kept_back)} withheld"] if kept_back else []
    facts += ["too few rows to tell what it loses"] if unsure else []
    return Answer("Model to deploy", artifact_name(str(chosen["name"])), ", ".join(facts),
                  "unsure" if kept_back or unsure else "good")
