"""Good, warn or fail: one line for each thing that was looked at, with the rows it is about and what to type."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from finetune.clean.review.refusals import numbers, way_out
from finetune.clean.review.sheet import ABOUT_LABELS, ABOUT_SPLITS, FILE
from finetune.contracts import SPLITS
from finetune.errors import some

if TYPE_CHECKING:
    from finetune.clean.ledger import LedgerLine

GOOD, WARN, FAIL = "good", "warn", "fail"

# Shares of the rows of a split above which a person should look.
REPORTED = 0.01  # left as it is: more than one row in a hundred is seen in a score
HANDLED = 0.2  # repaired or dropped: beyond a fifth, what wrote the file is at fault rather than its rows
# Worth a look from the first row on: labels that exclude each other or are one in two spellings, a row that train and
# test share, and what is personal, which only its owner can decide about.
ANY = ("contradictions", "label_spelling", "leakage", "near_contradictions", "personal_data")

ACTIONS = ("changed", "dropped", "reported")
NUM_ROWS = 5


def tally(quality: Mapping[str, Any], ledger: Iterable[LedgerLine], *, failed: Collection[str],
          policies: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Check, level and text of everything that was looked at, in the order in which it was done.

    What is not good also has `rows`, the first of them and how many more, and `advice`. `failed` are the rules whose
    policy is to refuse what they found; `policies` are those that each rule offers.
    """
    rows: dict[str, dict[str, None]] = {}
    for line in ledger:
        rows.setdefault(line.rule, {})[line.row] = None
    num_rows = {split: counts["before"] for split, counts in quality["rows"].items()}
    why_not = quality.get("suspects", {}).get("not_judged")
    not_judged = {"label_errors": f"not judged: {why_not}"} if why_not else {}
    lines = []
    for rule, entry in [*quality["rules"].items(), ("leakage", quality["leakage"])]:
        if not entry["splits"]:
            continue  # off, or nothing in this task for it to read
        level = FAIL if rule in failed else _level(rule, entry, num_rows)
        done = _done(entry, num_rows, ("found",) if level == FAIL else ACTIONS)
        told = {"check": rule, "level": level, "text": done or not_judged.get(rule) or "nothing found"}
        if level != GOOD:
            told |= {"rows": some(numbers(list(rows[rule])), NUM_ROWS),
                     "advice": _advice(rule, entry, level, policies=policies[rule])}
        lines.append(told)
    return lines


def headline(lines: Sequence[Mapping[str, str]]) -> str:
    """How many checks ended how, and the names of those that are not good.

    Example: 13 good, 2 warn (contradictions, near_duplicates).
    """
    by_level = {level: [line["check"] for line in lines if line["level"] == level] for level in (GOOD, WARN, FAIL)}
    return ", ".join(f"{len(checks)} {level}" + ("" if level == GOOD else f" ({', '.join(checks)})")
                     for level, checks in by_level.items() if checks)


def _level(rule: str, entry: Mapping[str, Any], num_rows: Mapping[str, int]) -> str:
    reported, handled = 0.0, 0.0
    for split, counts in entry["splits"].items():
        of_split = max(num_rows[split], 1)
        # Held-out rows are only ever reported, what is repaired or dropped in training too.
        left = counts["reported"] if split == "train" or entry["policy"] == "report" else 0
        reported = max(reported, left / of_split)
        handled = max(handled, (counts["found"] - left) / of_split)
    if rule in ANY:
        return WARN if reported or handled else GOOD
    return WARN if reported > REPORTED or handled > HANDLED else GOOD


def _done(entry: Mapping[str, Any], num_rows: Mapping[str, int], actions: Sequence[str]) -> str:
    """Example: 2 dropped of 320 training rows, 1 reported of 40 test rows."""
    parts = []
    for split in SPLITS:
        counts = entry["splits"].get(split, {})
        done = [f"{counts[action]:,} {action}" for action in actions if counts.get(action)]
        if done:
            rows = "training" if split == "train" else split
            parts.append(f"{' and '.join(done)} of {num_rows[split]:,} {rows} rows")
    return ", ".join(parts)


def _advice(rule: str, entry: Mapping[str, Any], level: str, *, policies: Sequence[str]) -> str:
    """What to do, and what to type where a setting changes what is done with training rows."""
    trained = entry["splits"].get("train", {})
    if level == FAIL:
        return f"Fix them, or set clean.{rule}={way_out(policies)}."
    if trained.get("reported") and entry["policy"] == "report":
        if rule == "label_spelling":
            return f"Correct the file, or judge them in {FILE}; clean.verdicts=all corrects held-out rows, too."
        if "fix" in policies:
            does = "masks it" if rule == "personal_data" else "repairs those"
            return f"clean.{rule}=fix {does} in training rows."
        judged = "To drop" if rule in ABOUT_SPLITS else f"Judge them in {FILE}, or drop"
        return f"{judged} those in training: clean.{rule}=drop."
    if trained.get("dropped"):
        judged = f"Judge them in {FILE}, or keep" if rule in ABOUT_LABELS else "To keep"
        return f"{judged} them: clean.{rule}=report." if "report" in policies else "Look at what wrote the file."
    if trained.get("changed"):
        return "So many repairs are a sign that the file was written wrongly: look at the examples."
    return "They are in validation or test, which stay as they are: the scores include them."
