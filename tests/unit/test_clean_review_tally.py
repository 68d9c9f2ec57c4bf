"""Good, warn or fail of each check, its rows and what to type."""

from __future__ import annotations

import pytest

from finetune.clean import engine
from finetune.clean.ledger import LedgerLine
from finetune.clean.review.tally import headline, tally

NOTHING = {"found": 0, "changed": 0, "dropped": 0, "reported": 0}


def told(rule, policy, *, failed=(), num_rows=1000, rows=("r.csv:2",), **by_split):
    """The line of one rule; `train={"dropped": 3}` says what it did."""
    splits = {split: NOTHING | counts | {"found": sum(counts.values())} for split, counts in by_split.items()}
    entry = {"policy": policy, "splits": splits}
    empty = {"policy": "drop", "splits": {}}
    quality = {"rules": {} if rule == "leakage" else {rule: entry}, "leakage": entry if rule == "leakage" else empty,
               "rows": {split: {"before": num_rows} for split in splits}}
    ledger = [LedgerLine(row, "h", "train", rule, "reported", "why") for row in rows]
    (line,) = tally(quality, ledger, failed=failed, policies=engine.offered())
    return line


def test_nothing_found_is_good() -> None:
    assert told("encoding", "fix", train={}, test={}) == {"check": "encoding", "level": "good", "text": "nothing found"}


@pytest.mark.parametrize(("rule", "policy", "counts", "level"), [
    ("whitespace", "fix", {"changed": 200}, "good"), ("whitespace", "fix", {"changed": 201}, "warn"),
    ("duplicates", "drop", {"dropped": 200}, "good"), ("duplicates", "drop", {"dropped": 201}, "warn"),
    ("outliers", "report", {"reported": 10}, "good"), ("outliers", "report", {"reported": 11}, "warn"),
    ("encoding", "fix", {"reported": 11}, "warn"),  # beyond repair
    ("contradictions", "drop", {"dropped": 1}, "warn"), ("personal_data", "report", {"reported": 1}, "warn"),
    ("leakage", "drop", {"dropped": 1}, "warn"),
])
def test_shares_above_which_a_person_should_look(rule: str, policy: str, counts: dict[str, int], level: str) -> None:
    assert told(rule, policy, train=counts)["level"] == level


def test_split_that_is_worst_decides() -> None:
    assert told("outliers", "report", train={"reported": 1}, test={"reported": 11})["level"] == "warn"


def test_repairs_that_held_out_rows_only_lack_are_harmless() -> None:
    assert told("whitespace", "fix", train={"changed": 150}, test={"reported": 150})["level"] == "good"


def test_text_counts_by_split_and_rows_are_named() -> None:
    rows = [f"r.csv:{number}" for number in (7, 9, 9, 12, 40, 41, 55, 60)]
    line = told("outliers", "report", rows=rows, num_rows=60, train={"reported": 6}, test={"reported": 2})
    assert line == {"check": "outliers", "level": "warn", "text": "6 reported of 60 training rows, 2 reported of 60 test rows",
                    "rows": "7, 9, 12, 40, 41 and 2 more",
                    "advice": "Judge them in review.csv, or drop those in training: clean.outliers=drop."}


@pytest.mark.parametrize(("rule", "policy", "by_split", "advice"), [
    ("contradictions", "drop", {"train": {"dropped": 2}}, "Judge them in review.csv, or keep them: clean.contradictions=report."),
    ("personal_data", "report", {"train": {"reported": 2}}, "clean.personal_data=fix masks it in training rows."),
    ("duplicates", "drop", {"train": {"dropped": 900}}, "To keep them: clean.duplicates=report."),
    ("label_spelling", "report", {"train": {"reported": 1}},
     "Correct the file, or judge them in review.csv; clean.verdicts=all corrects held-out rows, too."),
    ("leakage", "report", {"train": {"reported": 2}}, "To drop those in training: clean.leakage=drop."),  # the sheet has none of them
    ("encoding", "fix", {"train": {"changed": 900}}, "So many repairs are a sign that the file was written wrongly: look at the examples."),
    ("personal_data", "report", {"train": {}, "test": {"reported": 2}}, "They are in validation or test, which stay as they are: the scores include them."),
])
def test_advice_names_the_setting_that_changes_it(rule: str, policy: str, by_split: dict[str, dict[str, int]], advice: str) -> None:
    assert told(rule, policy, **by_split)["advice"] == advice


def test_rule_that_refuses_fails_and_says_how_many() -> None:
    line = told("missing_labels", "fail", failed={"missing_labels"}, train={"dropped": 3})
    assert (line["level"], line["text"], line["advice"]) == ("fail", "3 found of 1,000 training rows", "Fix them, or set clean.missing_labels=drop.")


def test_headline_counts_the_good_and_names_the_others() -> None:
    lines = [{"check": name, "level": level} for name, level in (("a", "good"), ("b", "warn"), ("c", "good"), ("d", "fail"), ("e", "warn"))]
    assert headline(lines) == "2 good, 2 warn (b, e), 1 fail (d)"
    assert headline(lines[:1]) == "1 good"
