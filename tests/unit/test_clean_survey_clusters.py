"""Clusters of copies, gathered from what the rules found."""

from __future__ import annotations

import pyarrow as pa
import pytest

from finetune.clean import duplicates, engine, near_duplicates
from finetune.clean.survey import clusters
from finetune.contracts import Findings

ROLES = {"text": "text", "label": "label"}
LONG = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"


def rows(*texts: str, name: str = "a.csv") -> pa.Table:
    return pa.table({"row": [f"{name}:{number}" for number in range(2, len(texts) + 2)], "hash": [str(hash(text)) for text in texts],
                     "text": list(texts), "label": ["x"] * len(texts)})


def found(**splits: pa.Table) -> list[dict[str, object]]:
    gathered = []
    for rule in (duplicates, near_duplicates):
        findings = {split: rule.find(table, ROLES) for split, table in splits.items()}
        gathered += clusters.gather(rule.__name__.rpartition(".")[2], findings, splits)
    return clusters.shown(gathered, ROLES)


def test_equal_rows_are_one_cluster_shown_once() -> None:
    (cluster,) = found(train=rows("a b", "c d", "a b", "a b"))
    assert cluster == {"kind": "exact", "split": "train", "size": 3, "rows": ["a.csv:2", "a.csv:4", "a.csv:5"],
                       "examples": [{"row": "a.csv:2", "text": "a b"}]}


def test_copies_that_are_spelt_otherwise_are_shown_as_they_are() -> None:
    (cluster,) = found(train=rows("A b!", "a b"))
    assert cluster["examples"] == [{"row": "a.csv:2", "text": "A b!"}, {"row": "a.csv:3", "text": "a b"}]


def test_near_copies_are_a_cluster_of_their_own() -> None:
    (cluster,) = found(train=rows(LONG, "nothing like it", f"{LONG} more"))
    assert (cluster["kind"], cluster["size"], cluster["rows"]) == ("near", 2, ["a.csv:2", "a.csv:4"])


def test_clusters_of_all_splits_come_largest_first() -> None:
    shown = found(train=rows("a b", "a b"), test=rows("c d", "c d", "c d", name="t.csv"))
    assert [(cluster["split"], cluster["size"]) for cluster in shown] == [("test", 3), ("train", 2)]


def test_only_so_many_clusters_and_rows_are_kept() -> None:
    many = [text for number in range(20) for text in [f"text {number}"] * (2 + number)]
    shown = found(train=rows(*many))
    assert [cluster["size"] for cluster in shown] == list(range(21, 21 - clusters.MOST, -1))
    assert {len(cluster["rows"]) for cluster in shown} == {clusters.NAMED}  # type: ignore[arg-type]


def test_personal_data_is_masked_in_examples() -> None:
    (cluster,) = found(train=rows("write to jo@example.com", "write to jo@example.com"))
    assert cluster["examples"] == [{"row": "a.csv:2", "text": "write to [email]"}]


def test_other_rules_and_no_findings_make_no_cluster() -> None:
    assert clusters.gather("blanks", {"train": Findings((0,), ("text",), ("blank",), ("",), (None,))}, {"train": rows("a")}) == []
    assert found(train=rows("a b", "c d")) == []


@pytest.mark.parametrize("policy", ["drop", "report"])
def test_engine_keeps_clusters_whatever_is_done_about_them(policy: str) -> None:
    table = rows("a b", "c d", "a b", "e f")
    quality = engine.clean({"train": table, "validation": table.slice(1, 1), "test": table.slice(3, 1)}, ROLES,
                           {"duplicates": policy, "leakage": "report"}).quality
    assert [(cluster["kind"], cluster["rows"]) for cluster in quality["clusters"]] == [("exact", ["a.csv:2", "a.csv:4"])]
