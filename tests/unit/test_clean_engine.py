"""The engine: order, policies, errors, and that every rule of the folder is tried."""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from finetune import clean as package
from finetune.clean import engine, leakage
from finetune.errors import DataError, SpecError

ROLES = {"text": "text", "label": "label"}
CLEAN = (("café naïve 👍", "pos"), ("很好吃", "pos"), ("C#", "neg"), ("C++", "neg"), ("5.0", "pos"), ("50", "neg"))
WORDS = ["he", "said", "that", "the", "film", "is", "not", "what", "you", "would", "call", "good", "but", "it", "was", "for",
         "her", "and", "they", "have", "seen", "it", "with", "us"]
ENGLISH = tuple((" ".join([str(i), *random.Random(i).sample(WORDS, i % 16)]), "pos") for i in range(200))
LONG = "Of all the places on the harbour this is the one where they know how to fry a fish."
OF_ANSWERS = {"misplaced_answers"}
OF_NUMBERS = {"missing_numbers"}  # tried on tables that have some, in tests of its own
TOLD = tuple((" ".join([f"{number}{word}", *random.Random(f"{number}{word}").sample(WORDS, number % 16)]), label)
             for number in range(30) for word, label in (("good", "pos"), ("fine", "pos"), ("bad", "neg"), ("poor", "neg")))
DIRTY = {  # rule -> rows after the clean ones, and what the default policy makes of them in training
    "encoding": ((("cafÃ©", "pos"), ("clich\ufffd", "neg")), ("changed", "reported")),
    "markup": ((("fish &amp; <b>chips</b>", "pos"),), ("changed",)),
    "blanks": (((" \u200b", "pos"),), ("dropped",)),
    "whitespace": (((" very  good ", "pos"),), ("changed",)),
    "unicode_form": ((("cafe\u0301", "pos"),), ("changed",)),
    "placeholders": ((("n/a", "pos"), ("#REF!", "neg")), ("reported", "reported")),
    "personal_data": ((("ask ann@mail.example", "pos"),), ("reported",)),
    "missing_labels": ((("unlabelled", None),), None),
    "label_spelling": ((("well made", "Pos"),), ("reported",)),
    "contradictions": ((("it is so", "pos"), ("It is so!", "neg")), ("dropped", "dropped")),
    "duplicates": ((("it is so", "pos"), ("It is so!", "pos")), ("dropped",)),
    "near_contradictions": (((LONG, "pos"), (f"{LONG} Really!", "neg")), ("reported", "reported")),
    "near_duplicates": (((LONG, "pos"), (f"{LONG} Really!", "pos")), ("reported",)),
    "language": ((*ENGLISH, ("das ist nicht sehr gut, aber auch nicht schlecht", "neg")), ("reported",)),
    "labels_in_text": ((("good, label: pos", "pos"), ("[NEG] bad", "neg")), ("reported", "reported")),
    "outliers": ((*ENGLISH, ("on " * 30_000 + "it", "pos")), ("reported",)),
    "label_errors": ((*TOLD, ("99bad", "pos")), ("reported",)),
    "strangers": ((*ENGLISH, ("stranger", "pos")), ("reported",)),
}


def seeing(rows):
    """Features that tell good from bad, and strangers from both."""
    found = np.stack([np.random.default_rng(len(text)).normal(size=6) * 0.1 for text in rows["text"].to_pylist()])
    for row, text in enumerate(rows["text"].to_pylist()):
        said = text.split()[0] if text.split()[0].endswith(("good", "fine", "bad", "poor")) else text
        good = dict(CLEAN).get(text) == "pos" or "good" in said or "fine" in said
        found[row] += (0, 9, 0, 0, 0, 0) if text == "stranger" else (3 if good else -3, 0, 0, 0, 0, 0)
    return found.astype(np.float32)


def embed_for(rule):
    return seeing if rule in engine.embedding() else None


def table(name, *rows):
    texts, labels = zip(*rows, strict=True)
    return pa.table({"row": [f"{name}.csv:{i}" for i in range(2, len(rows) + 2)],
                     "hash": [hashlib.sha256(text.encode()).hexdigest() for text in texts],
                     "text": pa.array(texts, pa.string()), "label": pa.array(labels, pa.string())})


OF_PICTURES = {"broken_pictures"}  # rules that read no text; their own files try them


def actions(cleaned, split="train"):
    return [(line.rule, line.action) for line in cleaned.ledger if line.split == split]


def test_rules_run_in_an_order_in_which_each_leaves_the_next_one_less():
    assert list(engine.rules()) == [
        "broken_pictures", "encoding", "markup", "blanks", "unicode_form", "whitespace", "placeholders", "personal_data",
        "missing_labels", "misplaced_answers", "missing_numbers", "label_spelling", "contradictions", "duplicates", "near_contradictions",
        "near_duplicates", "language", "labels_in_text", "outliers", "label_errors", "strangers"]


def test_every_rule_file_is_tried_here_and_has_tests_of_its_own():
    files = {file.stem for file in Path(package.__file__).parent.glob("*.py")}
    rules = files - {"__init__", "cells", "engine", "label_text", "ledger", "leakage", "check_digits", "column_names", "restore", "row_text",
                     "scripts", "signs"}
    tested = {file.stem.removeprefix("test_clean_") for file in Path(__file__).parent.glob("test_clean_*.py")}
    assert len(rules) == len(engine.rules()) == len(DIRTY) + len(OF_NUMBERS) + len(OF_PICTURES) + len(OF_ANSWERS)
    assert rules == set(engine.rules()) == {*DIRTY, *OF_NUMBERS, *OF_PICTURES, *OF_ANSWERS}
    assert rules <= tested


@pytest.mark.parametrize("rule", engine.rules())
def test_rule_keeps_the_contract(rule):
    module = engine.rules()[rule]
    assert module.default in module.policies
    assert set(module.policies) <= {"off", "report", "fix", "drop", "fail", "mean", "median"}
    assert set(module.kinds) <= {"text", "tokens", "image", "number", "label", "labels", "tags", "answers", "features"}
    assert isinstance(module.order, int)
    assert {"fix", "drop"} & set(module.policies), "a failure names a way out"


@pytest.mark.parametrize("rule", [rule for rule in DIRTY if DIRTY[rule][1]])
def test_rule_acts_on_dirt_by_default_and_leaves_the_clean_rows(rule):
    rows, expected = DIRTY[rule]
    cleaned = engine.clean({"train": table("t", *CLEAN, *rows)}, ROLES, {}, embed=embed_for(rule))
    assert actions(cleaned) == [(rule, action) for action in expected]
    assert cleaned.splits["train"].slice(0, len(CLEAN)).equals(table("t", *CLEAN))


@pytest.mark.parametrize("rule", DIRTY)
def test_rule_that_fails_stops_with_row_and_way_out(rule):
    with pytest.raises(DataError, match=rf"^data\.files\.train: t\.csv:\d+: .*\. Fix (it|them) or set clean\.{rule}=\w+\.$"):
        engine.clean({"train": table("t", *CLEAN, *DIRTY[rule][0])}, ROLES, {rule: "fail"}, embed=embed_for(rule))


@pytest.mark.parametrize("rule", [rule for rule in DIRTY if rule != "missing_labels"])
def test_rule_that_reports_changes_nothing(rule):
    train = table("t", *CLEAN, *DIRTY[rule][0])
    others = {other: "off" for other in DIRTY if other not in (rule, "missing_labels")}
    cleaned = engine.clean({"train": train}, ROLES, others | {rule: "report"}, embed=embed_for(rule))
    assert cleaned.splits["train"].equals(train)
    assert actions(cleaned) == [(rule, "reported")] * len(cleaned.ledger) != []


@pytest.mark.parametrize("rule", [rule for rule in DIRTY if rule != "missing_labels"])
def test_rule_that_is_off_finds_nothing(rule):
    cleaned = engine.clean({"train": table("t", *CLEAN, *DIRTY[rule][0])}, ROLES, {rule: "off"}, embed=embed_for(rule))
    assert rule not in dict(actions(cleaned))
    assert cleaned.quality["rules"][rule] == {"policy": "off", "splits": {}}


def test_clean_rows_leave_no_line_and_no_trace():
    splits = {"train": table("t", *CLEAN), "test": table("e", ("other", "pos"))}
    cleaned = engine.clean(splits, ROLES, {})
    assert cleaned.ledger == ()
    assert all(cleaned.splits[split].equals(rows) for split, rows in splits.items())


def test_a_rule_sees_what_the_former_one_left():
    cleaned = engine.clean({"train": table("t", ("caf\u00c3\u00a9  bar", "pos"))}, ROLES, {})
    assert [(line.rule, line.before, line.after) for line in cleaned.ledger] == [
        ("encoding", "caf\u00c3\u00a9  bar", "café  bar"), ("whitespace", "café  bar", "café bar")]


def test_hash_of_a_changed_row_is_that_of_its_new_text():
    before = table("t", (" good ", "pos"), ("bad", "neg"))
    cleaned = engine.clean({"train": before}, ROLES, {})
    assert cleaned.splits["train"].equals(table("t", ("good", "pos"), ("bad", "neg")))
    assert cleaned.ledger[0].hash == before["hash"][0].as_py()


def test_copies_are_dropped_although_only_one_was_damaged():
    cleaned = engine.clean({"train": table("t", ("café", "pos"), (" cafÃ©", "pos"))}, ROLES, {})
    assert cleaned.splits["train"]["text"].to_pylist() == ["café"]
    assert cleaned.ledger[-1].reason == "exact copy of t.csv:2"


def test_problems_names_all_unknown_rules_and_policies_at_once():
    assert engine.problems({"duplicats": "drop", "blanks": "fix", "whitespace": "fixed", "encoding": "off", "leakage": "off"}) == [
        f"clean.duplicats: there is no rule 'duplicats'. Rules: {', '.join(sorted([*engine.rules(), 'leakage', 'verdicts']))}. "
        "Did you mean 'duplicates'?",
        "clean.blanks: there is no policy 'fix' for it. Policies: off, report, drop, fail.",
        "clean.whitespace: there is no policy 'fixed' for it. Policies: off, report, fix, fail. Did you mean 'fix'?",
        "clean.leakage: there is no policy 'off' for it. Policies: report, drop, fail.",
    ]


def test_unknown_rule_is_refused_before_anything_is_cleaned():
    with pytest.raises(SpecError, match="there is no rule 'engine'"):
        engine.clean({"train": table("t", *CLEAN)}, ROLES, {"engine": "drop"})


def test_policy_of_a_rule_that_reads_no_column_of_the_task_is_refused(tmp_path):
    Image.new("L", (8, 8)).save(tmp_path / "1.png")
    rows = pa.table({"row": ["a/1.png"], "hash": ["x"], "image": [str(tmp_path / "1.png")], "label": ["a"]})
    roles = {"image": "image", "label": "label"}
    with pytest.raises(SpecError, match=r"^clean\.encoding: this task has no text column"):
        engine.clean({"train": rows}, roles, {"encoding": "fix", "whitespace": "off"})
    assert engine.clean({"train": rows}, roles, {"whitespace": "off"}).ledger == ()


def test_problems_imports_nothing_heavy():
    code = ("import sys; from finetune.clean import engine; engine.problems({'blanks': 'drop'}); "
            "sys.exit(bool({'numpy', 'pyarrow', 'ftfy', 'torch'} & set(sys.modules)))")
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_missing_labels_are_refused_with_their_lines():
    rows = [("text", "pos"), ("one", None), ("two", "neg"), ("three", None), ("four", None)]
    with pytest.raises(DataError) as error:
        engine.clean({"train": table("reviews", *rows)}, ROLES, {})
    assert str(error.value) == ("data.files.train: reviews.csv:3: column 'label' is empty. 3 rows like it (3, 5, 6). "
                                "Fix them or set clean.missing_labels=drop.")
    assert error.value.where == "data.files.train"


def test_more_than_five_rows_are_counted():
    with pytest.raises(DataError, match=r"1,200 rows like it \(2, 3, 4, 5, 6 and 1,195 more\)\."):
        engine.clean({"train": table("r", *[(str(i), None) for i in range(1200)])}, ROLES, {})


def test_rows_of_several_files_are_named_in_full():
    rows = table("r", ("one", None), ("two", None)).set_column(0, "row", pa.array(["a.csv:2", "b.csv:2"]))
    with pytest.raises(DataError, match=r"2 rows like it \(a\.csv:2, b\.csv:2\)\."):
        engine.clean({"train": rows}, ROLES, {})


def test_missing_labels_of_held_out_rows_are_refused_even_where_training_rows_are_dropped():
    splits = {"train": table("t", ("a", "pos"), ("b", None)), "validation": table("v", ("c", None)),
              "test": table("e", ("d", None), ("e", "pos"), ("f", None))}
    with pytest.raises(DataError) as error:
        engine.clean(splits, ROLES, {"missing_labels": "drop"})
    assert str(error.value).splitlines() == [
        "data.files.validation: v.csv:2: column 'label' is empty. Fix it: validation rows are never dropped.",
        "data.files.test: e.csv:2: column 'label' is empty. 2 rows like it (2, 4). Fix them: test rows are never dropped.",
    ]


def test_missing_labels_can_be_dropped_from_the_training_rows():
    cleaned = engine.clean({"train": table("t", ("a", "pos"), ("b", None))}, ROLES, {"missing_labels": "drop"})
    assert cleaned.splits["train"]["text"].to_pylist() == ["a"]


def test_label_of_which_nothing_is_left_is_an_error_that_names_the_rules():
    train = table("t", ("one", "pos"), ("two", "neg"), ("", "neg"), ("six", "neg"), ("same", "odd"), ("Same", "pos"))
    with pytest.raises(DataError) as error:
        engine.clean({"train": train, "test": table("e", ("two", "neg"), ("six", "neg"))}, ROLES, {})
    assert str(error.value) == (
        "data.files.train: of 6 training rows cleaning left none of label 'neg' (blanks dropped 1, leakage dropped 2), "
        "label 'odd' (contradictions dropped 1). Every label needs at least one row. "
        "Add rows, or set the policy of these rules to 'report'.")


def test_no_row_left_is_an_error_that_names_the_rules():
    with pytest.raises(DataError, match=r"of 3 training rows cleaning left none \(blanks dropped 1, contradictions dropped 2\)"):
        engine.clean({"train": table("t", ("", "pos"), ("same", "pos"), ("same", "neg"))}, ROLES, {})


@pytest.mark.parametrize("policy", leakage.policies)
def test_leak_is_handled_by_its_policy(policy):
    splits = {"train": table("t", ("one", "pos"), ("two", "neg"), ("six", "neg")), "test": table("e", ("Two!", "neg"))}
    if policy == "fail":
        with pytest.raises(DataError, match=r"^data\.files\.train: t\.csv:3: same as e\.csv:2 in test\. "
                                            r"Fix it or set clean\.leakage=drop\.$"):
            engine.clean(splits, ROLES, {"leakage": policy})
        return
    cleaned = engine.clean(splits, ROLES, {"leakage": policy})
    left, action = {"drop": (["one", "six"], "dropped"), "report": (["one", "two", "six"], "reported")}[policy]
    assert cleaned.splits["train"]["text"].to_pylist() == left
    assert actions(cleaned) == [("leakage", action)]
    assert cleaned.quality["leakage"]["pairs"] == {"train-test": {"train": 1, "test": 1, "action": action}}


@pytest.mark.parametrize("in_train, in_test", [("cafÃ©", "cafÃ©"), ("cafÃ©", "café"), ("café", "cafÃ©"), ("a\x00b", "ab")])
def test_leak_is_found_whichever_side_is_damaged(in_train, in_test):
    splits = {"train": table("t", (in_train, "pos"), ("fine", "pos")), "test": table("e", (in_test, "pos"))}
    cleaned = engine.clean(splits, ROLES, {})
    assert cleaned.splits["train"]["text"].to_pylist() == ["fine"]
    assert cleaned.splits["test"]["text"].to_pylist() == [in_test]


def test_overlap_of_validation_and_test_is_only_reported():
    splits = {"train": table("t", ("one", "pos")), "validation": table("v", ("two", "pos")), "test": table("e", ("two", "pos"))}
    cleaned = engine.clean(splits, ROLES, {"leakage": "fail"})
    assert actions(cleaned, "validation") == actions(cleaned, "test") == [("leakage", "reported")]
    assert cleaned.quality["leakage"]["pairs"]["validation-test"] == {"validation": 1, "test": 1, "action": "reported"}
