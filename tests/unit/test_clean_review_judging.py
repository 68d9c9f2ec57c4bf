"""What verdicts do to the rows, and that the way back is open."""

from __future__ import annotations

import hashlib
import random

import pyarrow as pa
import pytest

from finetune.clean import engine, ledger
from finetune.clean.ledger import numbered
from finetune.clean.restore import restore
from finetune.clean.review.judging import unsettled
from finetune.clean.review.verdicts import Verdict
from finetune.contracts import Findings
from finetune.errors import DataError

ROLES = {"text": "text", "label": "label"}
ROWS = [("  it  is so", "pos"), ("It is so!", "neg"), ("fine", "pos"), ("good", "pos"), ("good", "pos"), ("bad", "neg"), ("n/a", "neg")]


def table(rows, name="t"):
    texts, labels = zip(*rows, strict=True)
    return pa.table({"row": [f"{name}.csv:{i}" for i in range(2, len(rows) + 2)], "hash": [key(text) for text in texts],
                     "text": pa.array(texts, pa.string()), "label": pa.array(labels, pa.string())})


def key(text):
    return hashlib.sha256(text.encode()).hexdigest()


def verdict(text, label, rule, said, to=None):
    return Verdict(key(text), label, rule, said, to, "t.csv:9", date="2026-11-22T01:00:00+00:00")


def cleaned(*verdicts, policies=(), **others):
    splits = {"train": table(ROWS), **{split: table(rows, split[0]) for split, rows in others.items()}}
    return splits, engine.clean(splits, ROLES, dict(policies), judged=verdicts)


def texts(result, split="train"):
    return list(zip(result.splits[split]["text"].to_pylist(), result.splits[split]["label"].to_pylist(), strict=True))


def test_without_verdicts_nothing_of_them_is_said() -> None:
    assert "verdicts" not in cleaned()[1].quality


def test_relabelled_row_no_longer_contradicts_its_copy() -> None:
    _, result = cleaned(verdict("It is so!", "neg", "contradictions", "relabel", "pos"))
    assert texts(result) == [("it is so", "pos"), ("fine", "pos"), ("good", "pos"), ("bad", "neg"), ("n/a", "neg")]
    (line,) = [line for line in result.ledger if line.rule == "verdicts"]
    assert (line.row, line.action, line.column, line.before, line.after) == ("t.csv:3", "changed", "label", "neg", "pos")
    assert line.reason == "verdict of 2026-11-22 on contradictions: relabel"
    assert line.hash == key("It is so!")


def test_kept_row_stays_although_its_rule_drops_such_rows() -> None:
    _, result = cleaned(verdict("  it  is so", "pos", "contradictions", "keep"))
    assert texts(result)[0] == ("it is so", "pos")
    assert [line.row for line in result.ledger if line.rule == "contradictions"] == ["t.csv:3"]
    assert result.quality["verdicts"]["used"] == {"keep": 1, "drop": 0, "relabel": 0}


def test_keep_speaks_to_its_rule_alone() -> None:
    _, result = cleaned(verdict("n/a", "neg", "outliers", "keep"))
    assert "placeholders" in [line.rule for line in result.ledger]
    assert "placeholders" not in [line.rule for line in cleaned(verdict("n/a", "neg", "placeholders", "keep"))[1].ledger]


def test_judged_rows_are_no_longer_among_the_examples_of_the_report() -> None:
    rows = numbered(table(ROWS))
    details = {"suspects": {"checked": 7, "found": 3, "examples": [{"row": f"t.csv:{number}"} for number in (4, 5, 7)]}}
    findings = Findings((2, 3, 5), ("label",) * 3, ("a", "b", "c"), ("pos", "pos", "neg"), ("neg", "neg", "pos"), confidence=(0.9, 0.8, 0.7), details=details)
    left = unsettled(findings, rows, {3})
    assert (left.rows, left.reasons, left.after, left.confidence) == ((2, 5), ("a", "c"), ("neg", "pos"), (0.9, 0.7))
    assert left.details == {"suspects": {"checked": 7, "found": 2, "examples": [{"row": "t.csv:4"}, {"row": "t.csv:7"}]}}
    assert len(unsettled(findings, rows, {2, 3, 5})) == 0
    assert unsettled(findings, rows, {0}) is findings


def test_dropped_row_goes_before_any_rule_sees_it() -> None:
    _, result = cleaned(verdict("It is so!", "neg", "contradictions", "drop"))
    assert texts(result)[0] == ("it is so", "pos")
    assert "contradictions" not in [line.rule for line in result.ledger]
    assert result.quality["verdicts"]["splits"]["train"] == {"found": 1, "changed": 0, "dropped": 1, "reported": 0}
    assert result.quality["rows"]["train"]["before"] == len(ROWS)


def test_dropping_a_copy_leaves_the_row_that_it_is_a_copy_of() -> None:
    _, result = cleaned(verdict("good", "pos", "duplicates", "drop"), policies={"duplicates": "report"})
    assert texts(result).count(("good", "pos")) == 1
    _, result = cleaned(verdict("good", "pos", "near_duplicates", "drop"), policies={"duplicates": "report"})
    assert texts(result).count(("good", "pos")) == 0


def test_verdict_on_a_row_whose_label_has_changed_since_is_void() -> None:
    _, result = cleaned(verdict("bad", "pos", "language", "drop"), verdict("gone", "pos", "language", "drop"))
    assert ("bad", "neg") in texts(result)
    assert result.quality["verdicts"]["absent"] == 2


def test_held_out_rows_stay_as_they_are() -> None:
    given = [verdict("odd", "neg", "language", "drop"), verdict("even", "neg", "language", "relabel", "pos")]
    splits, result = cleaned(*given, test=[("odd", "neg"), ("even", "neg")])
    assert result.splits["test"].equals(splits["test"])
    assert result.quality["verdicts"]["left"] == 2


def test_held_out_rows_follow_verdicts_where_the_setting_says_so() -> None:
    given = [verdict("odd", "neg", "language", "drop"), verdict("even", "neg", "language", "relabel", "pos")]
    splits, result = cleaned(*given, policies={"verdicts": "all"}, test=[("odd", "neg"), ("  tidy ", "neg"), ("even", "neg")])
    assert texts(result, "test") == [("  tidy ", "neg"), ("even", "pos")]
    assert [(line.row, line.action) for line in result.ledger if line.split == "test"] == [
        ("t.csv:4", "changed"), ("t.csv:2", "dropped"), ("t.csv:3", "reported")]
    assert restore(result.splits["test"], result.ledger, split="test").to_pylist() == splits["test"].to_pylist()


def test_kept_finding_of_a_held_out_row_no_longer_casts_doubt_on_its_score() -> None:
    assert cleaned(test=[("same", "neg"), ("same", "pos")])[1].quality["flagged"]["test"] == ["t.csv:2", "t.csv:3"]
    given = [verdict("same", label, "contradictions", "keep") for label in ("neg", "pos")]
    assert cleaned(*given, test=[("same", "neg"), ("same", "pos")])[1].quality["flagged"]["test"] == []


def test_off_applies_nothing() -> None:
    _, result = cleaned(verdict("bad", "neg", "language", "drop"), policies={"verdicts": "off"})
    assert ("bad", "neg") in texts(result)
    assert "verdicts" not in result.quality


def test_label_that_no_row_has_any_more_is_refused() -> None:
    with pytest.raises(DataError, match=r"^clean\.verdicts: verdicts give labels that no training row has: 'odd' \(t\.csv:9\)\. Labels: neg, pos\."):
        cleaned(verdict("bad", "neg", "language", "relabel", "odd"))


def test_judged_copies_pass_a_rule_that_fails() -> None:
    policies = {"duplicates": "fail", "contradictions": "off"}
    with pytest.raises(DataError, match="exact copy"):
        cleaned(policies=policies)
    given = [verdict("good", "pos", "duplicates", "keep"), verdict("It is so!", "neg", "duplicates", "keep")]
    assert texts(cleaned(*given, policies=policies)[1]).count(("good", "pos")) == 2


@pytest.mark.parametrize("seed", range(25))
def test_rows_come_back_byte_for_byte_whatever_was_judged(seed, tmp_path) -> None:
    chance = random.Random(seed)
    pieces = ["film", " ", "  ", "\u00c3\u00a9", "\u200b", "ann@mail.example", "n/a", "so", "&amp;", "\n", "="]
    rows = [("".join(chance.choices(pieces, k=chance.randint(0, 4))), chance.choice("xy")) for _ in range(60)]
    rows += [("surely x", "x"), ("surely y", "y"), *chance.choices(rows, k=15)]
    splits = {"train": table(rows), "test": table([*rows[:3], ("one", "x"), ("two", "y")], "e")}
    given = [verdict(text, label, chance.choice(["duplicates", "language", "contradictions", "outliers"]), said, "y" if said == "relabel" else None)
             for text, label in dict.fromkeys(chance.sample(rows[:60], 25)) for said in chance.sample(["keep", "drop", "relabel"], 1)]
    result = engine.clean(splits, ROLES, {"verdicts": "all"}, judged=given)
    ledger.write(result.ledger, tmp_path / "ledger.jsonl")
    lines = ledger.read(tmp_path / "ledger.jsonl")
    assert {"changed", "dropped"} <= {line.action for line in lines if line.rule == "verdicts"}
    for split, before in splits.items():
        assert restore(result.splits[split], lines, split=split).to_pylist() == before.to_pylist()
