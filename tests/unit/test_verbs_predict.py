"""What `finetune predict` makes of its arguments, of standard input, and of an answer."""

from __future__ import annotations

import io
import itertools

import pytest

from finetune.errors import DataError
from finetune.verbs import predict

PAIR = ["text_a", "text_b"]


def test_arguments_go_in_groups_where_a_task_takes_several() -> None:
    assert predict._grouped(["a", "b"], ["text"]) == ["a", "b"]
    assert predict._grouped(["a", "b", "c", "d"], PAIR) == [{"text_a": "a", "text_b": "b"}, {"text_a": "c", "text_b": "d"}]


def test_a_group_that_is_not_whole_is_refused() -> None:
    with pytest.raises(DataError, match="INPUT: 3 given, and every answer takes 2: text_a, text_b. Give them in this order"):
        predict._grouped(["a", "b", "c"], PAIR)


def test_lines_are_json_objects_where_a_task_takes_several() -> None:
    assert list(predict._lines([b'{"text_a": "a", "text_b": "b"}\n'], PAIR)) == [{"text_a": "a", "text_b": "b"}]
    assert list(predict._lines([b'{"text_a": "a", "text_b": 1.50}'], PAIR)) == [{"text_a": "a", "text_b": "1.50"}]
    assert list(predict._lines([b"\xef\xbb\xbfa\r\n", b"\n", "\u5f88\u597d".encode()], ["text"])) == ["a", "", "\u5f88\u597d"]


@pytest.mark.parametrize("line", [b"just text", b'["a", "b"]', b'{"text_a": "a"}', b'{"text_a": "a", "text_b": null}',
                                  b'{"text_a": "a", "text_b": ["b"]}', b'{"text_a": "a", "text_b": "b", "label": "c"}'])
def test_a_line_that_is_none_is_refused_with_its_number(line: bytes) -> None:
    with pytest.raises(DataError, match="standard input: line 2: is not a JSON object with the texts asked for. Write every line as"):
        list(predict._lines([b'{"text_a": "a", "text_b": "b"}\n', line], PAIR))


def test_what_is_not_utf8_is_refused_with_its_place() -> None:
    with pytest.raises(DataError, match=r"standard input: line 2: is not UTF-8: b'caf\\xe9'. Write it in UTF-8."):
        list(predict._lines([b"fine\n", b"caf\xe9\n"], ["text"]))
    with pytest.raises(DataError, match="INPUT: is not UTF-8"):
        predict._grouped(["fine", "caf\udce9"], ["text"])


def test_lines_are_answered_before_the_last_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    endless = predict._lines(itertools.repeat(b"a\n"), ["text"])
    assert len(next(predict._parts(endless))) == predict.PART


@pytest.mark.parametrize(("answer", "said"), [
    ({"label": "good", "probabilities": {"good": 0.7, "bad": 0.2, "odd": 0.06, "rare": 0.04}}, "good  good 0.700  bad 0.200  odd 0.060  asked"),
    ({"value": 3.25}, "3.250  asked"), ({"value": -2.5e-8}, "-2.5e-08  asked"), ({"value": 0.0}, "0.000  asked"),
    ({"labels": [], "probabilities": {"a": 0.1}}, "none  a 0.100  asked"),
    ({"labels": ["a", "b"], "probabilities": {"a": 0.9}}, "a, b  a 0.900  asked"),
    ({"entities": [{"type": "PER", "text": "Anna Lund", "start": 0, "end": 9, "probability": 0.9}, {"type": "LOC", "text": "Oslo", "start": 19}]},
     "PER Anna Lund, LOC Oslo  asked"),
    ({"label": "on two\nlines", "probabilities": {"on two\nlines": 0.7}}, "on two lines  on two lines 0.700  asked"),
])
def test_answer_is_one_line_with_what_speaks_for_it(answer: dict[str, object], said: str) -> None:
    assert predict._line({"input": "asked", **answer}).plain == said
    assert predict._line({"input": {"text_a": "as", "text_b": "ked"}, **answer}).plain.endswith("as | ked")
