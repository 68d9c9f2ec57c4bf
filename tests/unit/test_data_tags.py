"""Tags of every scheme become IOB2; what was broken is mended, counted and told."""

from __future__ import annotations

import pyarrow as pa
import pytest

from finetune.data import tags
from finetune.errors import DataError


def rows(*texts: str) -> list[list[str]]:
    return [text.split() for text in texts]


def read(*texts: str) -> tuple[list[list[str]], tuple[str, ...]]:
    found = rows(*texts)
    column, notes = tags.read(pa.array(found, pa.list_(pa.string())), [f"a.conll:{n}" for n in range(1, 1 + len(found))],
                              lengths=[len(row) for row in found], file="a.conll", key="data.files.train")
    return column.to_pylist(), notes


def test_iob2_stays_as_it_is_and_says_nothing() -> None:
    assert read("B-PER I-PER O B-PER B-PER", "O O") == (rows("B-PER I-PER O B-PER B-PER", "O O"), ())


def test_iob1_begins_every_entity_with_b() -> None:
    found, notes = read("I-PER I-PER O I-LOC B-LOC I-LOC", "I-ORG I-PER")
    assert found == rows("B-PER I-PER O B-LOC B-LOC I-LOC", "B-ORG B-PER")
    assert notes == ("a.conll: tags are IOB1 and were read as IOB2",)


@pytest.mark.parametrize("tagged", ["B-PER I-PER E-PER O S-LOC S-LOC", "B-PER I-PER L-PER O U-LOC U-LOC",
                                    "B-PER M-PER E-PER O S-LOC S-LOC", "B-PER I-PER E-PER O W-LOC W-LOC"])
def test_bioes_and_its_other_names_lose_their_ends(tagged: str) -> None:
    found, notes = read(tagged)
    assert found == rows("B-PER I-PER I-PER O B-LOC B-LOC")
    assert notes == ("a.conll: tags are BIOES and were read as IOB2",)


def test_an_inside_that_follows_none_of_its_type_begins_an_entity_and_is_counted() -> None:
    found, notes = read("B-PER I-PER", "B-LOC", "I-PER O", "B-LOC I-PER I-PER", "B-ORG")
    assert found == rows("B-PER I-PER", "B-LOC", "B-PER O", "B-LOC B-PER I-PER", "B-ORG")
    assert notes == ("a.conll: tags that break the order of IOB2 were mended, 2 in 2 of the rows; one that follows none of its "
                     "type begins an entity: a.conll:3, a.conll:4",)


@pytest.mark.parametrize(("tagged", "mended", "count"), [
    ("S-A I-PER E-PER", "B-A B-PER I-PER", 1),  # no beginning
    ("S-A B-PER O", "B-A B-PER O", 1),  # no end
    ("S-A B-PER E-LOC", "B-A B-PER B-LOC", 1),  # neither end of the one nor beginning of the other: one tag
    ("S-A B-PER", "B-A B-PER", 1),  # the row ends first
    ("S-A E-PER E-PER", "B-A B-PER B-PER", 2),
])
def test_ends_that_do_not_fit_are_counted(tagged: str, mended: str, count: int) -> None:
    found = tags.mend(rows(tagged))
    assert found.rows == rows(mended)
    assert found.broken == {0: count}


def test_a_beginning_in_iob1_that_parts_nothing_is_counted() -> None:
    found = tags.mend(rows("I-PER O I-PER", "B-LOC O"))
    assert (found.scheme, found.rows, found.broken) == ("IOB1", rows("B-PER O B-PER", "B-LOC O"), {1: 1})


def test_rows_without_tags_stay_so() -> None:
    assert tags.mend([None, ["O"]]).rows == [None, ["O"]]


def test_all_that_is_wrong_is_told_at_once() -> None:
    column = pa.array([["O"], ["B-PER", "PERSON"], ["0", "O"]], pa.list_(pa.string()))
    with pytest.raises(DataError) as error:
        tags.read(column, ["a:1", "a:4", "a:9"], lengths=[2, 2, 2], file="a.jsonl", key="data.files.test")
    said = str(error.value)
    assert "1 of 3 rows do not have one tag for each word: a:1 (1 tags, 2 words)" in said
    assert "'PERSON' (a:4), '0' (a:9)" in said
    assert said.count("data.files.test: ") == 2
