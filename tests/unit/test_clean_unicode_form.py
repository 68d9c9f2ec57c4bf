"""One spelling of each sign."""

from __future__ import annotations

import sys
import unicodedata

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from finetune.clean import unicode_form

ROLES = {"text": "text", "label": "label"}


def table(*texts):
    return pa.table({"row": [f"r.csv:{i}" for i in range(2, len(texts) + 2)], "hash": ["h"] * len(texts),
                     "text": pa.array(texts, pa.string()), "label": ["a"] * len(texts)})


@pytest.mark.parametrize(("text", "after", "reason"), [
    ("cafe\u0301", "café", "letters in pieces"), ("\u212b", "Å", "letters in pieces"), ("co\u00adop", "coop", "soft hyphens"),
    ("\u1112\u1161\u11ab", "\ud55c", "letters in pieces"), ("\u00ad\u00ada", "a", "soft hyphens"),
])
def test_other_spellings_become_the_usual_one(text, after, reason):
    found = unicode_form.find(table("fine", text, "naïve 好 👍🏽"), ROLES)
    assert (found.rows, found.after) == ((1,), (after,))
    assert reason in found.reasons[0]


@pytest.mark.parametrize("text", ["", "plain", "café", "ﬁne", "①", "\uff37ide", "好吃", "नमस्ते", "\u0645\u06cc\u200c\u062e", "👩\u200d👧", "Ã\u00ad"])
def test_usual_and_meaningful_signs_stay(text):
    assert len(unicode_form.find(table(text, None), ROLES)) == 0


def test_every_sign_that_has_another_form_is_a_suspect():
    signs = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
    other = [sign for sign in signs if unicodedata.normalize("NFC", sign) != sign]
    assert len(other) > 1000
    assert pc.all(pc.match_substring_regex(pa.array(other), unicode_form.SIGN)).as_py()


def test_damage_that_a_soft_hyphen_hid_is_repaired():
    found = unicode_form.find(table("a\u00ad\u00c3\u00a9"), ROLES)
    assert found.after == ("aé",)
