"""The ledger on disk and its sums."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from finetune.clean import ledger
from finetune.clean.ledger import LedgerLine
from finetune.errors import DataError

LINES = (
    LedgerLine("r.csv:2", "ab", "train", "whitespace", "changed", "column 'text' has runs of blanks", "très  bon", "très bon"),
    LedgerLine("r.csv:3", "cd", "train", "duplicates", "dropped", "exact copy of r.csv:2", 'a\n"b"\u2028\u0085\x00👍'),
    LedgerLine("v.csv:2", "ef", "validation", "encoding", "reported", "column 'text' has damaged encoding", "Ã©", "é"),
    LedgerLine("v.csv:9", "ef", "validation", "whitespace", "reported", "column 'text' has runs of blanks", "a  b", "a b"),
)


def test_what_is_read_is_what_was_written(tmp_path):
    file = tmp_path / "data" / "ledger.jsonl"
    ledger.write(LINES, file)
    assert ledger.read(file) == LINES


def test_file_has_one_json_object_a_line_with_the_promised_keys(tmp_path):
    file = tmp_path / "ledger.jsonl"
    ledger.write(LINES, file)
    lines = file.read_bytes().decode("utf-8").split("\n")
    assert len(lines) == len(LINES) + 1
    assert lines[-1] == ""
    assert "très  bon" in lines[0]
    assert all(list(json.loads(line)) == ["row", "hash", "split", "rule", "action", "reason", "before", "after",
                                         "column", "position", "cells", "masked", "confidence"]
               for line in lines[:-1])


def test_no_lines_give_an_empty_file(tmp_path):
    ledger.write([], tmp_path / "ledger.jsonl")
    assert (tmp_path / "ledger.jsonl").read_bytes() == b""
    assert ledger.read(tmp_path / "ledger.jsonl") == ()


def test_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path):
    file = tmp_path / "ledger.jsonl"
    ledger.write(LINES[:1], file)

    def broken_off():
        yield LINES[1]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ledger.write(broken_off(), file)
    assert ledger.read(file) == LINES[:1]
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("broken", ["{", '{"row": "r.csv:2"}', '{"surprise": 1}', "[1]"])
def test_broken_line_is_named(tmp_path, broken):
    file = tmp_path / "ledger.jsonl"
    ledger.write(LINES[:1], file)
    file.write_text(file.read_text(encoding="utf-8") + broken + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"ledger\.jsonl:2: this is not a ledger line"):
        ledger.read(file)


def test_tally_counts_actions_per_split():
    assert ledger.tally(LINES, ["train", "validation", "test"]) == {
        "train": {"found": 2, "changed": 1, "dropped": 1, "reported": 0},
        "validation": {"found": 2, "changed": 0, "dropped": 0, "reported": 2},
        "test": {"found": 0, "changed": 0, "dropped": 0, "reported": 0},
    }


def test_flagged_rows_are_held_out_rows_that_more_than_blanks_is_wrong_with():
    tables = {split: pa.table({"row": [f"{split[0]}.csv:2", f"{split[0]}.csv:9"]}) for split in ("train", "validation")}
    assert ledger.flagged(LINES, tables) == {"validation": ["v.csv:2"]}


def test_class_counts_compare_before_and_after():
    assert ledger.class_counts(["b", "a", "b", None], ["b"]) == {
        "a": {"before": 1, "after": 0}, "b": {"before": 2, "after": 1}}


def test_fingerprint_depends_on_content_and_order():
    one, two, swapped = (pa.table({"hash": hashes}) for hashes in (["x", "y"], ["x", "y"], ["y", "x"]))
    assert ledger.fingerprint(one) == ledger.fingerprint(two) != ledger.fingerprint(swapped)


def counts(**given):
    return {"found": sum(given.values()), "changed": 0, "dropped": 0, "reported": 0} | given


def test_summary_has_a_line_per_rule_that_found_something():
    quality = {
        "rows": {"train": {"before": 1106, "after": 1000}},
        "rules": {
            "encoding": {"policy": "fix", "splits": {"train": counts(changed=3, reported=1), "validation": counts()}},
            "blanks": {"policy": "off", "splits": {}},
            "whitespace": {"policy": "fix", "splits": {"train": counts(), "validation": counts(reported=1200)}},
            "contradictions": {"policy": "drop", "splits": {"train": counts(), "validation": counts()}},
            "duplicates": {"policy": "drop", "splits": {"train": counts(dropped=96), "validation": counts(reported=3)}},
        },
        "leakage": {"policy": "drop", "splits": {"train": counts(dropped=2), "validation": counts(reported=1),
                                                 "test": counts(reported=4)}},
    }
    assert ledger.summary(quality) == [
        ("encoding", "3 changed, 1 reported of 1,106 training rows"),
        ("whitespace", "1,200 reported in validation"),
        ("duplicates", "96 dropped of 1,106 training rows; 3 reported in validation"),
        ("leakage", "2 dropped of 1,106 training rows; 1 reported in validation; 4 reported in test"),
    ]


PERSONAL = (
    LedgerLine("r.csv:2", "ab", "train", "whitespace", "changed", "column 'text' has runs of blanks", "ask  ann@mail.example",
               "ask ann@mail.example", "text", 0),
    LedgerLine("r.csv:3", "cd", "train", "duplicates", "dropped", "exact copy of r.csv:2", "+44 20 7946 0958", None, "text", 1,
               {"label": "me@there.org", "note": None}),
    LedgerLine("r.csv:4", "ef", "train", "labels_in_text", "reported", "column 'text' has 'ann@mail.example'", "fine", None, "text", 2),
    LINES[0],
)


def test_personal_data_is_masked_in_the_ledger_wherever_it_stands(tmp_path):
    ledger.write(PERSONAL, tmp_path / "ledger.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "ledger.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["masked"] for line in lines] == [True, True, True, False]
    assert (lines[0]["before"], lines[0]["after"]) == ("ask  [email]", "ask [email]")
    assert (lines[1]["before"], lines[1]["cells"]) == ("[phone]", {"label": "[email]", "note": None})
    assert lines[2]["reason"] == "column 'text' has '[email]'"


def test_the_whole_lines_lie_in_a_private_file_that_only_its_owner_reads(tmp_path):
    ledger.write(PERSONAL, tmp_path / "ledger.jsonl")
    private = tmp_path / ledger.PRIVATE
    assert len(private.read_text(encoding="utf-8").splitlines()) == 3
    assert private.stat().st_mode & 0o777 == 0o600
    assert ledger.read(tmp_path / "ledger.jsonl") == PERSONAL


def test_there_is_no_private_file_without_personal_data(tmp_path):
    ledger.write(PERSONAL, tmp_path / "ledger.jsonl")
    ledger.write(LINES, tmp_path / "ledger.jsonl")
    assert [file.name for file in tmp_path.iterdir()] == ["ledger.jsonl"]


def test_summary_names_the_kinds_of_a_rule_that_counts_them():
    of_split = counts(reported=3) | {"kinds": {"email": 2, "phone": 1200}}
    quality = {"rows": {"train": {"before": 10}}, "rules": {"personal_data": {"policy": "report", "splits": {"train": of_split}}},
               "leakage": {"splits": {}}}
    assert ledger.summary(quality) == [("personal_data", "3 reported of 10 training rows (email 2, phone 1,200)")]
