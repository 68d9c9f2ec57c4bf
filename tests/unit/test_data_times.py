"""Times as people write them, and the cut that makes the newest rows validation and test."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest

from finetune.data.times import cut, instants
from finetune.errors import DataError

SHARES = {"validation": 0.1, "test": 0.1}
NOON = datetime(2024, 4, 13, 12, tzinfo=UTC).timestamp()
DAY = datetime(2024, 4, 13, tzinfo=UTC).timestamp()


def seconds(*cells: str | None) -> list[float]:
    return instants(cells, [f"a.csv:{number}" for number in range(2, len(cells) + 2)])


def rows(times: list[str]) -> pa.Table:
    return pa.table({"row": [f"a.csv:{number}" for number in range(2, len(times) + 2)], "label": ["a"] * len(times),
                     "time": times})


@pytest.mark.parametrize("cell", [
    "2024-04-13", "2024/04/13", "2024/4/13", "2024.04.13", "13.04.2024", "13.4.2024", "13/04/2024", "4/13/2024", "13-04-2024",
    "13 April 2024", "13 Apr 2024", "April 13, 2024", "Apr 13 2024", "13-Apr-2024", "2024-04-13 00:00:00", "2024-04-13T00:00:00.000",
    "Saturday, 13 April 2024",
])
def test_day_is_read_however_it_is_written(cell):
    assert seconds(cell) == [DAY]


@pytest.mark.parametrize("cell", [
    "2024-04-13T12:00:00Z", "2024-04-13 12:00:00+00:00", "2024-04-13 14:00+02:00", "Sat, 13 Apr 2024 12:00:00 GMT",
    "13/04/2024 12:00:00 Z", "13.04.2024, 14:00 +02:00", "4/13/2024 12:00 PM +00:00", "2024-04-13 12:00:00.000000000Z",
])
def test_time_of_day_and_zone_count(cell):
    assert seconds(cell) == [NOON]


def test_month_without_day_is_its_first():
    assert seconds("2024-04", "2024-04-02") == [datetime(2024, 4, day, tzinfo=UTC).timestamp() for day in (1, 2)]


def test_numbers_are_compared_as_numbers():
    assert seconds("1999", "2024", "2024.5", "-300") == [1999, 2024, 2024.5, -300]
    assert seconds("1712102400") == [1712102400]


def test_one_date_tells_for_all_whether_the_day_comes_first():
    assert seconds("03/04/2024", "13/04/2024")[0] == datetime(2024, 4, 3, tzinfo=UTC).timestamp()
    assert seconds("03/04/2024", "04/13/2024")[0] == datetime(2024, 3, 4, tzinfo=UTC).timestamp()


def test_newest_rows_are_test_and_the_next_validation():
    order = random.Random(0)
    days = [str(date(2020, 1, 1) + timedelta(days=order.randrange(900))) for _ in range(1_000)]
    splits, since = cut(rows(days), SHARES)
    assert list(splits) == ["train", "validation", "test"]
    spans = [(min(found), max(found)) for found in (table["time"].to_pylist() for table in splits.values())]
    assert spans[0][1] < spans[1][0] <= spans[1][1] < spans[2][0]
    assert since == {"validation": spans[1][0], "test": spans[2][0]}
    assert sum(table.num_rows for table in splits.values()) == 1_000
    for split in SHARES:
        assert abs(splits[split].num_rows - 100) <= 2


def test_rows_of_one_time_are_never_parted():
    splits, _ = cut(rows(["2020"] * 50 + ["2021"] * 30 + ["2022"] * 15 + ["2023"] * 5), SHARES)
    assert [sorted(set(table["time"].to_pylist())) for table in splits.values()] == [["2020", "2021"], ["2022"], ["2023"]]


def test_large_last_time_is_a_split_of_its_own():
    splits, _ = cut(rows(["2020", "2021"] + ["2022"] * 98), SHARES)
    assert [table.num_rows for table in splits.values()] == [1, 1, 98]


def test_one_split_alone_takes_the_newest_rows():
    splits, since = cut(rows([str(1900 + number) for number in range(100)]), {"validation": 0.2})
    assert [table.num_rows for table in splits.values()] == [80, 20]
    assert since == {"validation": "1980"}


def test_rows_keep_the_order_of_the_table():
    order = random.Random(1)
    times = [str(order.randrange(1_000)) for _ in range(300)]
    for table in cut(rows(times), SHARES)[0].values():
        numbers = [int(row.partition(":")[2]) for row in table["row"].to_pylist()]
        assert numbers == sorted(numbers)


def test_fewer_times_than_splits_are_refused():
    with pytest.raises(DataError, match=r"^data\.columns\.time: 2 different times found, 3 splits need one each\. Add"):
        cut(rows(["2020", "2021"] * 10), SHARES)
