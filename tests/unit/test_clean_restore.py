"""The way back from cleaned rows and ledger to the rows as they came."""

from __future__ import annotations

import hashlib
import io
import random

import pyarrow as pa
import pytest
from PIL import Image

from finetune.clean import engine, ledger
from finetune.clean.restore import restore
from finetune.errors import DataError

ROLES = {"text": "text", "label": "label"}
PIECES = ["a", "B", "film", "é", "Ã©", "â€™", "\x92", "\u200b", "好", "👍", " ", "  ", "\t", "\u00a0", "\u3000", "\u0085", "\u2028",
          "!", ":)", "-5", "\ufffd", "e\u0301", "\u00ad", "<b>", "</b>", "<br>", "&amp;", "&lt;", " #39;", "quot;", "\x00", '"', "\\",
          "\n", "ann@mail.example", "+44 20 7946 0958", "4111111111111111", "password=hunter2024", "n/a", "label: x", "[Y"]


def table(rows, name="t"):
    texts, labels = zip(*rows, strict=True)
    return pa.table({"row": [f"{name}.csv:{i}" for i in range(2, len(rows) + 2)],
                     "hash": [hashlib.sha256((text or "").encode()).hexdigest() for text in texts],
                     "text": pa.array(texts, pa.string()), "label": pa.array(labels, pa.string()),
                     "note": pa.array([f"note {i}" for i in range(len(rows))])})


def picture(seed):
    """The bytes of a small noisy picture."""
    file = io.BytesIO()
    Image.frombytes("L", (8, 8), random.Random(seed).randbytes(64)).save(file, format="PNG")
    return file.getvalue()


def dirty(chance, size):
    """Random rows with every kind of dirt; most of them have a copy somewhere."""
    rows = [("".join(chance.choices(PIECES, k=chance.randint(0, 5))), chance.choice(["x", "y", "y", None])) for _ in range(size)]
    return [*rows, *chance.choices(rows, k=size // 3), ("surely x", "x"), ("surely y", "y")]


def content(rows):
    return rows.schema, rows.to_pylist()


@pytest.mark.parametrize("seed", range(60))
def test_cleaned_rows_and_the_ledger_on_disk_give_the_rows_as_they_came(seed, tmp_path):
    chance = random.Random(seed)
    splits = {"train": table(dirty(chance, chance.randint(1, 120))), "test": table([("film a", "x"), ("é", "y")], "e")}
    policies = {name: chance.choice([policy for policy in rule.policies if policy != "fail"])
                for name, rule in engine.rules().items() if name != "broken_pictures"} if seed % 2 else {"missing_labels": "drop"}
    try:
        cleaned = engine.clean(splits, ROLES, policies)
    except DataError as error:  # these policies left nothing of a label
        assert "cleaning left none" in str(error)
        return
    ledger.write(cleaned.ledger, tmp_path / "ledger.jsonl")
    lines = ledger.read(tmp_path / "ledger.jsonl")
    assert lines == cleaned.ledger
    assert content(restore(cleaned.splits["train"], lines)) == content(splits["train"])
    assert content(restore(cleaned.splits["test"], lines, split="test")) == content(splits["test"])


def test_most_random_tables_were_cleaned_of_something():
    chance = random.Random(0)
    found = [engine.clean({"train": table(dirty(chance, 100))}, ROLES, {"missing_labels": "drop", "personal_data": "fix"})
             for _ in range(5)]
    for cleaned in found:
        done = {(line.rule, line.action) for line in cleaned.ledger}
        assert {("markup", "changed"), ("whitespace", "changed"), ("personal_data", "changed"), ("duplicates", "dropped"),
                ("contradictions", "dropped"), ("missing_labels", "dropped")} <= done


def test_restored_rows_are_the_same_bytes(tmp_path):
    before = table(dirty(random.Random(1), 200)).combine_chunks()
    cleaned = engine.clean({"train": before}, ROLES, {"missing_labels": "drop"})
    assert cleaned.splits["train"].num_rows < before.num_rows

    def written(rows):
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, rows.schema) as writer:
            writer.write_table(pa.table({name: pa.array(rows[name].to_pylist(), rows.schema.field(name).type)
                                         for name in rows.column_names}, schema=rows.schema))
        return sink.getvalue().to_pybytes()

    assert written(restore(cleaned.splits["train"], cleaned.ledger)) == written(before)


def test_pictures_carried_as_bytes_come_back():
    pictures = [picture(seed) for seed in (1, 2, 1, 3)]
    rows = pa.table({"row": [f"hub:{i}" for i in range(4)], "hash": [hashlib.sha256(cell).hexdigest() for cell in pictures],
                     "image": pa.array(pictures, pa.binary()), "label": ["a", "b", "a", "b"]})
    cleaned = engine.clean({"train": rows}, {"image": "image", "label": "label"}, {})
    assert cleaned.splits["train"].num_rows == 3
    assert restore(cleaned.splits["train"], cleaned.ledger).equals(rows)


def test_a_picture_that_was_dropped_is_kept_beside_the_ledger_not_in_it(tmp_path):
    rows = pa.table({"row": ["hub:0", "hub:1"], "hash": ["h", "h"], "image": pa.array([picture(1)] * 2, pa.binary()), "label": ["a", "a"]})
    cleaned = engine.clean({"train": rows}, {"image": "image", "label": "label"}, {})
    ledger.write(cleaned.ledger, tmp_path / "ledger.jsonl")
    assert '"image": null' in (tmp_path / "ledger.jsonl").read_text()
    assert restore(cleaned.splits["train"], ledger.read(tmp_path / "ledger.jsonl")).equals(rows)


def test_without_the_private_file_only_masked_rows_cannot_be_restored(tmp_path):
    rows = table([("write to  ann@mail.example", "x"), ("two  blanks", "x"), ("fine", "x")])
    cleaned = engine.clean({"train": rows}, ROLES, {})
    ledger.write(cleaned.ledger, tmp_path / "ledger.jsonl")
    (tmp_path / ledger.PRIVATE).unlink()
    lines = ledger.read(tmp_path / "ledger.jsonl")
    with pytest.raises(DataError, match=r"^data/private\.jsonl: 1 ledger lines hold masked cells, and this file has them in full\."):
        restore(cleaned.splits["train"], lines)
    assert restore(cleaned.splits["train"], [line for line in lines if not line.masked])["text"].to_pylist()[1] == "two  blanks"


def test_rows_of_equal_names_are_told_apart():
    rows = table([("same", "x"), (" one", "x"), ("same", "x"), (" two", "y")])
    rows = rows.set_column(0, "row", pa.array(["a.csv:2"] * 4))
    cleaned = engine.clean({"train": rows}, ROLES, {})
    assert restore(cleaned.splits["train"], cleaned.ledger).equals(rows)


def test_nothing_done_is_nothing_to_undo():
    rows = table([("fine", "x"), ("good", "y")])
    assert restore(rows, []).equals(rows)
