"""Columns of numbers as people write them."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from finetune.data.numbers import parse
from finetune.errors import DataError
from tests.reading import read_table


def numbers(*cells: str | None) -> list[float | None]:
    rows = [f"a.csv:{number}" for number in range(2, len(cells) + 2)]
    return parse(cells, rows, column="price", key="data.files.train").to_pylist()


def refusal(*cells: str | None) -> str:
    with pytest.raises(DataError) as caught:
        numbers(*cells)
    return str(caught.value)


def test_numbers_are_read_to_the_last_bit():
    assert numbers("1", " 2.5 ", "-3e-5", "+.5", "7.", "0.1", "12345678901234567", "1E3") == [
        1, 2.5, -3e-5, 0.5, 7, 0.1, 12345678901234567.0, 1000]


def test_comma_is_the_decimal_mark_where_no_cell_has_a_point():
    assert numbers("1,5", "2", "-0,25", "1,234") == [1.5, 2, -0.25, 1.234]


@pytest.mark.parametrize("cell", [None, "", "  ", "NaN", "n/a", "NULL", "-inf", "inf", "+Infinity", "?", "-", "1e999", "None"])
def test_missing_and_endless_numbers_are_null(cell):
    assert numbers("1", cell) == [1, None]


def test_text_in_a_column_of_numbers_is_named():
    assert refusal("1", "cheap", "2", "3 EUR", "0x10") == (
        "data.files.train: column 'price': 3 of 5 cells hold no number: a.csv:3 'cheap', a.csv:5 '3 EUR', a.csv:6 '0x10'. "
        "Allowed are numbers as 1234.5, and blanks for missing ones. Correct them, or name another column.")


def test_commas_beside_points_are_refused():
    assert "1 of 2 cells have a comma, others a point ('2.5'): a.csv:2 '1,5'." in refusal("1,5", "2.5")
    assert "hold no number: a.csv:2 '1,234.5'" in refusal("1,234.5", "2.5")


def test_comma_that_can_set_thousands_apart_is_refused():
    assert "2 of 3 cells have a comma that can set thousands apart or be the decimal mark: a.csv:2 '1,234', a.csv:4" in refusal(
        "1,234", "7", "12,500")


def test_number_columns_of_files_are_floats(tmp_path: Path):
    (tmp_path / "a.csv").write_text("text,price,label\nfine,1.5,2\npoor,,0.25\n")
    table = read_table(tmp_path / "a.csv", columns={}, roles={"text": "text", "price": "number", "label": "number"},
                       key="data.files.train")
    assert table.schema.field("price").type == pa.float64()
    assert table["price"].to_pylist() == [1.5, None]
    assert table["label"].to_pylist() == [2, 0.25]
