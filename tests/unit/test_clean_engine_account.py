"""What cleaning gives account of: the ledger rebuilds the rows, held-out rows stay, the sums are right."""

from __future__ import annotations

import hashlib
import io
import json
import random

import pyarrow as pa
import pytest
from PIL import Image

from finetune.clean import engine, ledger

ROLES = {"text": "text", "label": "label"}
ROWS = {
    "train": [
        ("good film", "pos"), ("Good  film!", "pos"), ("cafÃ©\tbar", "pos"), ("café bar", "pos"), ("", "neg"),
        ("clich\ufffd", "neg"), ("so so", "pos"), ("So so.", "neg"), ("bad film", "neg"), ("bad film", "neg"),
        ("seen in test", "neg"), ("C#", "neg"), ("C++", "pos"), ("no label", None), ("\u200b 好\u3000吃 ", "pos"),
    ],
    "validation": [("  untidy", "pos"), ("crÃ¨me", "neg"), ("twice", "pos"), ("Twice", "pos"), ("fine", "neg"), ("\u200b", "pos")],
    "test": [("Seen in test!", "neg"), ("odd", "pos"), ("odd", "neg"), ("fine", "neg"), ("plain", "pos")],
}


def table(name, rows):
    texts, labels = zip(*rows, strict=True)
    return pa.table({"row": [f"{name}.csv:{i}" for i in range(2, len(rows) + 2)],
                     "hash": [hashlib.sha256(text.encode()).hexdigest() for text in texts],
                     "text": pa.array(texts, pa.string()), "label": pa.array(labels, pa.string())})


def splits():
    return {split: table(split[0], rows) for split, rows in ROWS.items()}


def cleaned(policies=()):
    return engine.clean(splits(), ROLES, {"missing_labels": "drop", **dict(policies)})


def rebuilt(before, lines):
    """The training rows as the ledger alone says that they are now."""
    rows = {row["row"]: row for row in before.to_pylist()}
    for line in lines:
        row = rows[line.row]
        assert line.hash == row["hash"]
        if line.action == "dropped":
            del rows[line.row]
        elif line.action == "changed":
            assert row["text"] == line.before
            row["text"], row["hash"] = line.after, hashlib.sha256(line.after.encode()).hexdigest()
    return list(rows.values())


@pytest.mark.parametrize("policies", [{}, {"duplicates": "report"}, {"whitespace": "off"}, {"contradictions": "off"}])
def test_the_ledger_on_disk_rebuilds_the_cleaned_rows(policies, tmp_path):
    result = cleaned(policies)
    ledger.write(result.ledger, tmp_path / "ledger.jsonl")
    lines = [line for line in ledger.read(tmp_path / "ledger.jsonl") if line.split == "train"]
    assert {line.action for line in lines} == {"changed", "dropped", "reported"}
    assert rebuilt(splits()["train"], lines) == result.splits["train"].to_pylist()


def test_cleaned_training_rows_are_these():
    assert list(zip(*(cleaned().splits["train"][column].to_pylist() for column in ("row", "text", "label")), strict=True)) == [
        ("t.csv:2", "good film", "pos"), ("t.csv:4", "café bar", "pos"), ("t.csv:7", "clich\ufffd", "neg"),
        ("t.csv:10", "bad film", "neg"), ("t.csv:13", "C#", "neg"), ("t.csv:14", "C++", "pos"), ("t.csv:16", "好\u3000吃", "pos"),
    ]


@pytest.mark.parametrize("size", [1, 2, 7])
def test_tables_in_pieces_are_cleaned_like_whole_ones(size):
    pieces = {split: pa.concat_tables([rows.slice(start, size) for start in range(0, rows.num_rows, size)])
              for split, rows in splits().items()}
    result = engine.clean(pieces, ROLES, {"missing_labels": "drop"})
    assert result.splits["train"].to_pylist() == cleaned().splits["train"].to_pylist()
    assert (result.ledger, result.quality) == (cleaned().ledger, cleaned().quality)


def test_ledger_follows_the_order_of_the_rules():
    order = [*engine.rules(), "leakage"]
    seen = [order.index(line.rule) for line in cleaned().ledger]
    assert seen == sorted(seen)


READING = {name: rule for name, rule in engine.rules().items() if not {*rule.kinds}.isdisjoint(ROLES.values())}
ACTIVE = {name: [policy for policy in rule.policies if policy != "fail"] for name, rule in READING.items()}


def choices():
    """Every policy of every rule beside the defaults, and 200 mixtures."""
    alone = [{name: policy} for name, policies in ACTIVE.items() for policy in policies]
    chance = random.Random(0)
    return alone + [{name: chance.choice(policies) for name, policies in ACTIVE.items()} for _ in range(200)]


@pytest.mark.parametrize("chosen", choices())
def test_no_policy_touches_held_out_rows(chosen):
    before = splits()
    result = engine.clean(before, ROLES, {"missing_labels": "drop"} | chosen | {"leakage": "drop"})
    assert all(result.splits[split].equals(before[split]) for split in ("validation", "test"))
    assert {line.action for line in result.ledger if line.split != "train"} == {"reported"}
    assert before["train"].equals(splits()["train"])


def test_held_out_findings_quote_the_row_as_it_came():
    came = {split: dict(zip(rows["row"].to_pylist(), rows.to_pylist(), strict=True)) for split, rows in splits().items()}
    lines = [line for line in cleaned().ledger if line.split != "train"]
    assert all(line.before == came[line.split][line.row]["text"] for line in lines)
    assert all(line.hash == came[line.split][line.row]["hash"] for line in lines)


def test_quality_counts_every_rule_class_and_row():
    quality = cleaned().quality
    rules = {name: {split: {k: v for k, v in counts.items() if v} for split, counts in entry["splits"].items()}
             for name, entry in quality["rules"].items()}
    held_out = {"found": 1, "reported": 1}
    assert {name: of_rule for name, of_rule in rules.items() if any(of_rule.values())} == {
        "encoding": {"train": {"found": 2, "changed": 1, "reported": 1}, "validation": held_out, "test": {}},
        "blanks": {"train": {"found": 1, "dropped": 1}, "validation": held_out, "test": {}},
        "whitespace": {"train": {"found": 3, "changed": 3}, "validation": {"found": 2, "reported": 2}, "test": {}},
        "missing_labels": {"train": {"found": 1, "dropped": 1}, "validation": {}, "test": {}},
        "contradictions": {"train": {"found": 2, "dropped": 2}, "validation": {}, "test": {"found": 2, "reported": 2}},
        "duplicates": {"train": {"found": 3, "dropped": 3}, "validation": held_out, "test": {}},
    }
    assert {name: entry["policy"] for name, entry in quality["rules"].items()} == {
        name: "drop" if name == "missing_labels" else rule.default for name, rule in engine.rules().items()}
    assert quality["rows"] == {"train": {"before": 15, "after": 7}, "validation": {"before": 6, "after": 6},
                               "test": {"before": 5, "after": 5}}
    assert quality["classes"]["train"] == {"neg": {"before": 7, "after": 3}, "pos": {"before": 7, "after": 4}}
    assert quality["classes"]["test"] == {"neg": {"before": 3, "after": 3}, "pos": {"before": 2, "after": 2}}


def test_leakage_is_counted_per_pair():
    assert cleaned().quality["leakage"] == {
        "policy": "drop",
        "splits": {"train": {"found": 1, "changed": 0, "dropped": 1, "reported": 0},
                   "validation": {"found": 1, "changed": 0, "dropped": 0, "reported": 1},
                   "test": {"found": 2, "changed": 0, "dropped": 0, "reported": 2}},
        "pairs": {"train-validation": {"train": 0, "validation": 0, "action": "dropped"},
                  "train-test": {"train": 1, "test": 1, "action": "dropped"},
                  "validation-test": {"validation": 1, "test": 1, "action": "reported"}},
    }


def test_flagged_rows_are_those_that_a_score_is_shown_without():
    assert cleaned().quality["flagged"] == {
        "validation": ["v.csv:3", "v.csv:5", "v.csv:6", "v.csv:7"],  # damaged, second of two, in test too, blank
        "test": ["t.csv:2", "t.csv:3", "t.csv:4", "t.csv:5"],  # in train, two that contradict, in validation too
    }


def test_fingerprints_are_those_of_the_cleaned_rows():
    result = cleaned()
    assert result.quality["fingerprints"] == {split: ledger.fingerprint(rows) for split, rows in result.splits.items()}
    assert result.quality["fingerprints"]["test"] == ledger.fingerprint(splits()["test"])


def test_quality_survives_json():
    quality = cleaned().quality
    assert json.loads(json.dumps(quality)) == quality
    assert ledger.summary(json.loads(json.dumps(quality)))[0] == (
        "encoding", "1 changed, 1 reported of 15 training rows; 1 reported in validation")


def test_findings_are_counted_per_rule():
    quality = engine.clean(splits(), ROLES, {"missing_labels": "drop", "whitespace": "off"}).quality
    found = {rule: sum(counts["found"] for counts in entry["splits"].values())
             for rule, entry in [*quality["rules"].items(), ("leakage", quality["leakage"])] if entry["splits"]}
    assert list(found) == [name for name in [*READING, "leakage"] if name not in ("whitespace", *engine.embedding())]
    assert {rule: number for rule, number in found.items() if number} == {
        "encoding": 3, "blanks": 2, "missing_labels": 1, "contradictions": 4, "duplicates": 4, "leakage": 4}


def test_cleaning_cleaned_rows_finds_nothing_to_do():
    first = cleaned()
    second = engine.clean(first.splits, ROLES, {})
    assert {line.action for line in second.ledger} == {"reported"}
    assert second.splits["train"].equals(first.splits["train"])


def test_cleaning_random_rows_twice_is_cleaning_them_once():
    generator = random.Random(5)
    alphabet = ["a", "B", "é", "Ã©", "Ã ", "â€™", "\x92", "\u200b", "好", "👍", " ", "  ", "\t", "\u00a0", "\u3000", "\u0085", "!", ":)", "-5", "\ufffd",
                "e\u0301", "\u00ad", "<b>", "</b>", "<br>", "&amp;", "&lt;", " #39;", "quot;", "a@b.org", "+44 20 7946 0958"]
    rows = [("".join(generator.choices(alphabet, k=generator.randint(1, 5))), generator.choice("xy")) for _ in range(3000)]
    first = engine.clean({"train": table("t", rows[:2500]), "test": table("e", rows[2500:])}, ROLES, {})
    second = engine.clean(first.splits, ROLES, {})
    assert [line for line in second.ledger if line.action != "reported"] == []
    assert rebuilt(table("t", rows[:2500]), [line for line in first.ledger if line.split == "train"]) == first.splits["train"].to_pylist()


def picture(grey):
    opened = io.BytesIO()
    Image.new("L", (8, 8), grey).save(opened, "PNG")
    return opened.getvalue()


def test_images_carried_as_bytes_are_cleaned_by_hash_and_leave_a_writable_ledger(tmp_path):
    a, b, c = map(picture, (10, 20, 30))

    def pictures(name, *cells):
        return pa.table({"row": [f"{name}:{i}" for i in range(len(cells))], "image": [cell for cell, _ in cells],
                         "label": [label for _, label in cells],
                         "hash": [hashlib.sha256(cell).hexdigest() for cell, _ in cells]})
    given = {"train": pictures("train", (a, "x"), (b, "y"), (a, "x"), (c, "y")),
             "test": pictures("test", (c, "y"))}
    result = engine.clean(given, {"image": "image", "label": "label"}, {})
    assert result.splits["train"]["row"].to_pylist() == ["train:0", "train:1"]
    ledger.write(result.ledger, tmp_path / "ledger.jsonl")
    assert [(line.rule, line.row, line.before) for line in ledger.read(tmp_path / "ledger.jsonl")] == [
        ("duplicates", "train:2", None), ("leakage", "train:3", None), ("leakage", "test:0", None)]
