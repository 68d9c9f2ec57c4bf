"""SQuAD's nested JSON, articles of paragraphs of questions, as flat rows of the form that the Hub has."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from finetune.data.decode import MAX_CELL
from finetune.data.records import Problems, refusal
from finetune.errors import DataError, some

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.data.table_file import TableFile

_SHAPE = "Write articles as {\"paragraphs\": [{\"context\": ..., \"qas\": [{\"question\": ..., \"answers\": [...]}]}]}."


def is_nested(document: Any) -> bool:
    """Whether a list of JSON values holds articles."""
    return isinstance(document, list) and any(isinstance(entry, dict) and "paragraphs" in entry for entry in document)


def flat(articles: list[Any], file: TableFile) -> list[dict[str, Any]]:
    """One row per question: `id`, `title`, `context`, `question` and `answers`, which is empty where there is none.

    Raises DataError naming all articles and paragraphs of another shape.
    """
    rows: list[dict[str, Any]] = []
    wrong: Problems = {}
    for number, article in enumerate(articles, 1):
        paragraphs = article.get("paragraphs") if isinstance(article, dict) else None
        if not isinstance(paragraphs, list):
            wrong.setdefault(_SHAPE, []).append((f"article {number}", "no list of paragraphs found"))
            continue
        for place, paragraph in enumerate(paragraphs, 1):
            asked = _asked(paragraph)
            if asked is None:
                where = f"article {number}, paragraph {place}"
                wrong.setdefault(_SHAPE, []).append((where, "no context with a list of questions found"))
            else:
                rows += [_row(article, paragraph, question) for question in asked]
    if wrong:
        raise refusal(wrong, file)
    return rows


def _asked(paragraph: Any) -> list[dict[str, Any]] | None:
    if not isinstance(paragraph, dict) or not isinstance(paragraph.get("context"), str):
        return None
    asked = paragraph.get("qas")
    return asked if isinstance(asked, list) and all(isinstance(entry, dict) for entry in asked) else None


def _row(article: dict[str, Any], paragraph: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    impossible = asked.get("is_impossible") is True  # v2 keeps what looks like an answer apart, but not everybody does
    return {"id": asked.get("id"), "title": article.get("title"), "context": paragraph["context"],
            "question": asked.get("question"), "answers": [] if impossible else asked.get("answers")}


def parse(cells: Sequence[Any], rows: Sequence[str], *, column: str, key: str) -> pa.Array:
    """Answers as struct<text: list<string>, answer_start: list<int32>>; empty lists say that there is none.

    Understood are {"text": [...], "answer_start": [...]} and a list of {"text", "answer_start"}, also written as JSON
    into a cell of text; null and blank cells are null.
    DataError names all rows with something else.
    """
    import pyarrow as pa

    found, wrong = [], []
    for cell, row in zip(cells, rows, strict=True):
        try:
            found.append(_answers(cell))
        except ValueError as error:
            wrong.append(f"{row} ({error})")
    if wrong:
        form = '{"text": ["..."], "answer_start": [17]}'
        raise DataError(key, f"column {column!r}: {len(wrong):,} of {len(cells):,} rows have no answers that can be "
                             f"read: {some(wrong)}. Write them as {form}, both empty where there is no answer.")
    kind = pa.struct([("text", pa.list_(pa.string())), ("answer_start", pa.list_(pa.int32()))])
    return pa.array(found, kind)


def _answers(cell: Any) -> dict[str, list[Any]] | None:
    if isinstance(cell, str):
        cell = _json(cell) if cell.strip() else None
    if cell is None:
        return None
    if isinstance(cell, list) and all(isinstance(entry, dict) for entry in cell):
        cell = {name: [entry.get(name) for entry in cell] for name in ("text", "answer_start")}
    if not isinstance(cell, dict) or not {"text", "answer_start"} <= cell.keys():
        raise ValueError("no text and answer_start found")
    texts, starts = cell["text"], cell["answer_start"]
    if isinstance(texts, str):
        texts, starts = [texts], [starts]
    if not isinstance(texts, list) or not isinstance(starts, list) or len(texts) != len(starts):
        raise ValueError("texts and answer_start differ in number")
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("an answer is not text")
    try:
        places = [int(start) for start in starts]
    except (TypeError, ValueError):
        raise ValueError("an answer_start is not a number") from None
    if any(abs(place) > MAX_CELL for place in places):
        raise ValueError("an answer_start lies beyond any text")
    return {"text": texts, "answer_start": places}


def _json(cell: str) -> Any:
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        raise ValueError("no text and answer_start found") from None
