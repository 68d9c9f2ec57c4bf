"""What the page says of the rows as a whole, in rows of words: the tally, likeness of the splits, noise, channels."""

from __future__ import annotations

from dataclasses import dataclass

from finetune.report import rounding
from finetune.report.folder import Part, Run, finite
from finetune.report.names import metric_name
from finetune.report.scales import scale
from finetune.report.tables import Table

MOST_LABELS = 12
LEVELS = ("fail", "warn", "good")
UNSURE = 0.1  # effect from which more rows might show a difference
MOST_TESTS = 12


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the tally: good, warn or fail; what is not good also has its first rows, and what to do."""

    level: str
    check: str
    text: str
    rows: str = ""
    advice: str = ""


def tally(run: Run) -> list[Check]:
    """Every check that cleaning made, the worst first; those that say the same stand in one line."""
    checks: dict[tuple[str, ...], list[str]] = {}
    for line in run.quality.get("tally") or ():
        told = tuple(str(line.get(part) or "") for part in ("level", "text", "rows", "advice"))
        checks.setdefault(told, []).append(str(line.get("check") or "").replace("_", " "))
    found = [Check(level, ", ".join(names), *said) for (level, *said), names in checks.items() if level in LEVELS]
    return sorted(found, key=lambda check: LEVELS.index(check.level))


def likeness(run: Run) -> Table | None:
    """One line per measure and pair of splits, those that differ first."""
    found = list(run.quality.get("distributions") or ())
    if not found:
        return None
    found.sort(key=lambda entry: (not entry.get("differs"), -_effect(entry)))
    rows = [[str(entry.get("what")), " and ".join(map(str, entry.get("splits") or ())), judged(entry),
             rounding.share(_effect(entry), 1), _p(entry.get("p_corrected"))] for entry in found[:MOST_TESTS]]
    note = ("Difference: for numbers the largest gap between the cumulative shares (Kolmogorov-Smirnov test), for "
            "kinds the share of rows that would have to be of another kind (chi-square test). p is corrected for "
            f"{rounding.plural(len(found), 'test')} (Holm). Splits differ where p is under 0.05 and the difference is "
            f"10% or more.{' data/quality.json has all.' if len(found) > MOST_TESTS else ''}")
    return Table(["What", "Splits", "Verdict", "Difference", "p"], rows, (0, 1, 2), note)


def judged(entry: Part) -> str:
    """The verdict on two splits in words."""
    if entry.get("differs"):
        return f"differ: {difference(entry)}"
    sure = finite(entry.get("p_corrected")) and entry["p_corrected"] < 0.05
    if sure:
        return "alike: the difference is significant, but small"
    return "alike, as far as so few rows can tell" if _effect(entry) >= UNSURE else "alike"


def difference(entry: Part) -> str:
    """What differs: `median 120 against 45`, or `'spam' 30% against 12%`."""
    one, other = entry.get("between") or (None, None)
    if "of" in entry and finite(one) and finite(other):
        return f"{entry['of']!r} {rounding.share(one, 1)} against {rounding.share(other, 1)}"
    return f"median {_size(one)} against {_size(other)}"


def noise(run: Run) -> Table | None:
    """How many rows of each label are suspected, those with the largest estimated share of wrong labels first."""
    by_label = (run.quality.get("suspects") or {}).get("by_label") or {}
    noisy = sorted(((label, entry) for label, entry in by_label.items() if entry.get("suspected")),
                   key=lambda item: -item[1].get("noise", 0))
    if not noisy:
        return None
    rows = [[label, rounding.count(entry.get("rows")), rounding.count(entry["suspected"]),
             rounding.share(entry["noise"], 1) if finite(entry.get("noise")) else rounding.UNKNOWN]
            for label, entry in noisy[:MOST_LABELS]]
    note = f"The {MOST_LABELS} worst of {len(noisy)} labels." if len(noisy) > MOST_LABELS else ""
    return Table(["Label", "Rows", "Suspected", "Estimated share of wrong labels"], rows, note=note)


def suspected(run: Run) -> str:
    """How many labels are suspected, of how many; empty where nobody looked."""
    return _counted(run, "suspects", "label")


def judged_by(run: Run) -> str:
    """What the model that suspects labels saw of the rows; empty where it is not told."""
    return str((run.quality.get("suspects") or {}).get("features") or "")


def unjudged(run: Run) -> str:
    """Why nobody looked for suspected labels; empty where somebody did."""
    return str((run.quality.get("suspects") or {}).get("not_judged") or "")


def strange(run: Run) -> str:
    """How many rows are far from all others; empty where nobody looked."""
    return _counted(run, "strangers", "row")


def remedies(run: Run) -> Table | None:
    """What was tried against uneven labels, and how it scored."""
    tried = _advice(run).get("tried") or ()
    if not tried:
        return None
    name = str(_advice(run).get("score") or "score")
    rows = [[str(entry.get("name")), scale(name).score_with_range(
        {"value": entry.get("score"), "low": entry.get("low"), "high": entry.get("high")})] for entry in tried]
    return Table(["Tried on a linear probe", metric_name(name)], rows)


def advice(run: Run) -> str:
    """What is recommended against uneven labels and why; empty where nothing is."""
    reason = str(_advice(run).get("reason") or "").rstrip(".")
    return f"{reason}." if reason else ""


def advised(run: Run) -> str:
    """The setting that follows the advice; empty where there is none."""
    return str(_advice(run).get("setting") or "")


def channels(run: Run) -> Table | None:
    """Mean and standard deviation of red, green and blue, of every split."""
    found = (run.quality.get("pictures") or {}).get("by_split") or {}
    if not found:
        return None
    rows = [[part, *(f"{mean:.3f} ({std:.3f})" for mean, std in zip(entry["mean"], entry["std"], strict=True)),
             _looked(entry)] for part, entry in found.items()]
    return Table(["Mean (standard deviation)", "Red", "Green", "Blue", "Pictures"], rows,
                 note="From 0 (black) to 1; every picture has the same weight.")


def _advice(run: Run) -> Part:
    return (run.quality.get("balance") or {}).get("advice") or {}


def _looked(entry: Part) -> str:
    rows, of = entry.get("rows", 0), entry.get("of", 0)
    return rounding.count(rows) if rows == of else f"{rounding.count(rows)} of {rounding.count(of)}"


def _counted(run: Run, part: str, noun: str) -> str:
    found = run.quality.get(part) or {}
    if not found.get("checked") or not finite(found["checked"]) or not finite(found.get("found")):
        return ""
    whole = rounding.plural(int(found["checked"]), noun)
    if not found["found"]:
        return f"None of {whole}"
    return f"{rounding.count(found['found'])} of {whole} ({rounding.share(found['found'], found['checked'])})"


def _effect(entry: Part) -> float:
    effect = entry.get("effect", entry.get("statistic") if entry.get("test") == "KS" else None)
    return float(effect) if effect is not None and finite(effect) else 0.0


def _size(value: object) -> str:
    return f"{value:,.0f}" if isinstance(value, int | float) and value == round(value) else rounding.amount(value)


def _p(value: object) -> str:
    if not isinstance(value, int | float) or not finite(value):
        return rounding.UNKNOWN
    return "under 0.001" if value < 0.001 else f"{value:.3f}" if value < 0.1 else f"{value:.2f}"
