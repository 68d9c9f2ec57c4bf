"""Verdicts in their file, and which one holds where several were given."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from finetune.clean.review import verdicts
from finetune.clean.review.verdicts import Verdict
from finetune.errors import DataError


def keep(rule="language", content="a", label="x"):
    return Verdict(content, label, rule, "keep")


def drop(rule="language", content="a", label="x"):
    return Verdict(content, label, rule, "drop")


def relabel(to, rule="language", content="a", label="x"):
    return Verdict(content, label, rule, "relabel", to)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    given = (keep(), Verdict("b", None, "outliers", "drop", None, "r\u00e4te.csv:2", "why\u2028so", "2026-11-22T01:00:00+00:00"), relabel("y", content="c"))
    verdicts.write(given, tmp_path / "new" / verdicts.FILE)
    assert verdicts.read(tmp_path / "new" / verdicts.FILE) == given
    assert [file.name for file in (tmp_path / "new").iterdir()] == [verdicts.FILE]


def test_no_file_is_no_verdict(tmp_path: Path) -> None:
    assert verdicts.read(tmp_path / verdicts.FILE) == ()


@pytest.mark.parametrize("line", ["no json", "[]", '{"hash": "a"}', '{"hash": "a", "label": 1, "rule": "r", "verdict": "keep"}', "\x00\xff",
                                  '{"hash": "a", "label": "x", "rule": "r", "verdict": "relabel"}', '{"hash": "", "label": "x", "rule": "r", "verdict": "keep"}',
                                  '{"hash": "a", "label": "x", "rule": "r", "verdict": "maybe"}', '{"hash": "a", "label": "x", "rule": "r", "verdict": "keep", "more": 1}'])
def test_lines_that_are_no_verdicts_are_named_with_a_way_out(line: str, tmp_path: Path) -> None:
    good = json.dumps({"hash": "a", "label": "x", "rule": "r", "verdict": "keep"})
    (tmp_path / "v.jsonl").write_text(f"{good}\n{line}\n\n{good}\n{line}\n", encoding="latin-1")
    with pytest.raises(DataError, match=r"v\.jsonl: there is no verdict in lines 2, 5\. Remove these lines, or set clean\.verdicts=off\."):
        verdicts.read(tmp_path / "v.jsonl")


@pytest.mark.parametrize(("known", "new", "held"), [
    ([keep()], [drop()], [drop()]),
    ([drop()], [keep()], [keep()]),
    ([keep()], [keep("outliers")], [keep(), keep("outliers")]),
    ([drop()], [relabel("y", "outliers")], [relabel("y", "outliers")]),
    ([drop(), keep("outliers")], [relabel("y", "outliers")], [relabel("y", "outliers")]),
    ([drop()], [keep("outliers")], [drop(), keep("outliers")]),
    ([drop()], [keep(), drop("outliers")], [keep(), drop("outliers")]),
    ([drop(content="a")], [drop(content="b"), drop(label="y")], [drop(content="a"), drop(content="b"), drop(label="y")]),
])
def test_of_a_rule_and_of_a_row_the_last_word_holds(known: list[Verdict], new: list[Verdict], held: list[Verdict]) -> None:
    assert verdicts.merged(known, new) == tuple(held)
