"""Damaged encodings: what is repaired, what is reported, what is left alone."""

from __future__ import annotations

import random

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from finetune.clean import encoding

ROLES = {"text": "text", "label": "label"}


def table(*texts):
    return pa.table({"row": [f"r.csv:{i}" for i in range(2, len(texts) + 2)], "hash": ["h"] * len(texts),
                     "text": pa.array(texts, pa.string()), "label": ["a"] * len(texts)})


def test_utf8_read_as_windows_1252_is_repaired():
    found = encoding.find(table("fine", "cafÃ© crÃ¨me", "fine"), ROLES)
    assert (found.rows, found.columns) == ((1,), ("text",))
    assert (found.before, found.after) == (("cafÃ© crÃ¨me",), ("café crème",))
    assert found.reasons == ("column 'text' has damaged encoding",)


def test_control_characters_of_windows_1252_become_the_quotes_they_were():
    found = encoding.find(table("that\x92s it"), ROLES)
    assert found.after == ("that\u2019s it",)


def test_lost_character_is_found_but_not_repaired():
    found = encoding.find(table("clich\ufffd and \ufffdtude"), ROLES)
    assert (found.rows, found.after) == ((0,), (None,))
    assert found.reasons == ("column 'text' has characters beyond repair (2 x U+FFFD)",)


def test_cell_with_a_lost_and_a_damaged_character_is_both_reported_and_repaired():
    text = "b" + "é".encode().decode("latin-1") + "art, clich\ufffd"
    found = encoding.find(table(text), ROLES)
    assert found.rows == (0, 0)
    assert found.after == (None, "béart, clich\ufffd")


@pytest.mark.parametrize("text, after", [("bon\u00a0\u00c3\u00a9t\u00c3\u00a9", "bon été"), ("\u00e9  \u00c3\u00a9", "é é")])
def test_damage_that_hides_behind_an_odd_blank_is_repaired(text, after):
    assert encoding.find(table(text), ROLES).after == (after,)


def test_blanks_are_left_to_their_own_rule():
    assert encoding.find(table(" cafÃ©  \u00a0bar "), ROLES).after == (" café  \u00a0bar ",)
    assert len(encoding.find(table(" café  \u00a0bar "), ROLES)) == 0


@pytest.mark.parametrize("text", [
    "plain", "", "café naïve Ångström", "Größe, Straße", "这部电影很好看", "とても良い　映画", "привет", "שלום", "مرحبا",
    "great 👍🏽 👩\u200d👩\u200d👧", "C++ or C#", "5.0 € \u2013 “quoted” …", "&eacute; &amp;", "e\u0301", "São Paulo Ã",
])
def test_sound_text_is_left_alone(text):
    assert len(encoding.find(table(text), ROLES)) == 0


def test_quotes_and_html_are_not_touched_by_a_repair():
    found = encoding.find(table("“cafÃ©” &amp; \u2018tea\u2019"), ROLES)
    assert found.after == ("“café” &amp; \u2018tea\u2019",)


def test_every_text_column_is_read():
    rows = table("fine").append_column("second", pa.array(["fÃ¼r"]))
    found = encoding.find(rows, {"text": "text", "second": "text", "label": "label"})
    assert (found.columns, found.after) == (("second",), ("für",))


def test_every_sign_of_the_character_sets_that_ftfy_tries_is_a_suspect():
    from ftfy.chardata import CHARMAP_ENCODINGS

    signs = {bytes([byte]).decode(name, "ignore") for name in [*CHARMAP_ENCODINGS, "cp437", "iso-8859-1"] for byte in range(128, 256)} - {""}
    assert len(signs) > 300
    assert pc.all(pc.match_substring_regex(pa.array(sorted(signs)), encoding.SIGN)).as_py()


def test_text_that_is_no_suspect_is_none_of_ftfy_either():
    generator = random.Random(0)
    others = [chr(code) for code in [*range(32, 127), *range(0x2E80, 0xA000), *range(0xAC00, 0xD7A4), *range(0xFF00, 0xFFF0), *range(0x1F300, 0x1F700)]]
    texts = ["".join(generator.choices(others, k=12)) for _ in range(2000)]
    assert not pc.any(pc.match_substring_regex(pa.array(texts), encoding.SIGN)).as_py()
    assert [text for text in texts if encoding.repair(text) != text] == []
