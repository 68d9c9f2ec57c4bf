"""Rows that are nearly copies, as the rule reports them."""

from __future__ import annotations

import re
import textwrap

import pyarrow as pa
import pytest

from finetune.clean import engine, near_duplicates

ROLES = {"text": "text", "label": "label"}
TEXT = ("We came for one night and stayed for three, since the breakfast alone is worth the climb up the hill. The rooms are "
        "small and plain, the beds are good, and from the window you see the whole bay with its ferries and fishing boats.")
CHINESE = "\u8fd9\u5bb6\u9910\u5385\u7684\u5473\u9053\u975e\u5e38\u597d\u670d\u52a1\u4e5f\u5f88\u5468\u5230\u4e0b\u6b21\u6211\u8fd8\u4f1a\u5e26\u670b\u53cb\u4e00\u8d77\u6765\u5403\u996d\u4ef7\u683c\u4e5f\u4e0d\u8d35"
JAPANESE = "\u3053\u306e\u5e97\u306e\u30e9\u30fc\u30e1\u30f3\u306f\u3068\u3066\u3082\u304a\u3044\u3057\u304f\u3066\u3001\u5e97\u54e1\u3055\u3093\u3082\u89aa\u5207\u3067\u3057\u305f\u3002\u307e\u305f\u5fc5\u305a\u884c\u304d\u307e\u3059\u3002"
OTHERS = ("An unrelated row about the weather of last week, which was mild but windy.", "Short.", "")


def table(*texts, labels=None):
    return pa.table({"row": [f"r.csv:{i}" for i in range(2, len(texts) + 2)], "hash": [str(hash(text)) for text in texts],
                     "text": pa.array(texts, pa.string()), "label": labels or ["a"] * len(texts)})


def jaccard(one, other):
    """The similarity in plain Python."""
    found = []
    for text in (one, other):
        words = re.findall(r"\w+", text.lower())
        found.append({*words, *zip(words, [*words[1:], None], strict=True)})
    return len(found[0] & found[1]) / len(found[0] | found[1])


@pytest.mark.parametrize("copy", [
    TEXT.replace("hill", "mountain"), TEXT.replace("plain, ", ""), f"{TEXT} We would go again.", f"Dear all! {TEXT}",
    TEXT.replace("small and plain", "plain and small"),
])
def test_changed_text_is_a_near_copy_with_its_similarity(copy):
    found = near_duplicates.find(table(TEXT, *OTHERS, copy), ROLES)
    assert (found.rows, found.columns, found.before, found.after) == ((4,), ("text",), (copy,), (None,))
    assert found.reasons == (f"near copy of r.csv:2 (similarity {jaccard(TEXT, copy):.2f})",)


@pytest.mark.parametrize("copy", [textwrap.fill(TEXT, 30), TEXT.upper(), f'"{TEXT}"', TEXT.replace(", ", " - "), TEXT])
def test_rewrapped_and_respelt_text_is_left_to_duplicates(copy):
    assert len(near_duplicates.find(table(TEXT, copy), ROLES)) == 0


@pytest.mark.parametrize("text", [CHINESE, JAPANESE])
@pytest.mark.parametrize("change", [lambda text: text + "\u771f\u597d", lambda text: text[:12] + text[13:], lambda text: text[2:]])
def test_changed_text_without_blanks_is_a_near_copy(text, change):
    assert near_duplicates.find(table(*OTHERS, text, change(text)), ROLES).rows == (4,)


@pytest.mark.parametrize(("one", "other"), [
    ("What is the capital of Yugoslavia and when was it founded ?", "What is the capital of Zimbabwe and when was it founded ?"),
    ("I like it very much indeed", "I like it very very much indeed"),
    (TEXT, TEXT.split(". ")[0]), (CHINESE, CHINESE[:20]),
])
def test_texts_that_share_a_frame_or_a_part_are_no_near_copies(one, other):
    assert len(near_duplicates.find(table(one, other), ROLES)) == 0


def test_the_first_row_of_a_cluster_stays_and_equal_rows_are_left_to_duplicates():
    changed = TEXT.replace("hill", "mountain")
    found = near_duplicates.find(table(changed, "x", TEXT, TEXT, f"{TEXT} Really.", changed), ROLES)
    assert found.rows == (2, 4)
    assert {reason.partition(" (")[0] for reason in found.reasons} == {"near copy of r.csv:2"}


def test_a_row_that_is_only_near_to_the_first_through_others_names_both():
    words = TEXT.split()
    versions = [" ".join(words[:len(words) - cut]) for cut in (0, 6, 12)]
    found = near_duplicates.find(table(*versions), ROLES)
    assert found.rows == (1, 2)
    assert found.reasons[1] == "near copy of r.csv:3 (similarity 0.81), and through it of r.csv:2"


def test_near_copies_with_other_labels_are_left_to_near_contradictions():
    assert len(near_duplicates.find(table(TEXT, f"{TEXT} Really.", labels=["a", "b"]), ROLES)) == 0


def test_task_without_label_column_has_near_duplicates_too():
    assert near_duplicates.find(table(TEXT, f"{TEXT} Really."), {"text": "text"}).rows == (1,)


def test_near_copies_are_dropped_when_asked():
    cleaned = engine.clean({"train": table(TEXT, f"{TEXT} Really.", "x")}, ROLES, {"near_duplicates": "drop"})
    assert cleaned.splits["train"]["row"].to_pylist() == ["r.csv:2", "r.csv:4"]
    assert [(line.rule, line.row, line.action) for line in cleaned.ledger] == [("near_duplicates", "r.csv:3", "dropped")]


def test_questions_on_one_text_are_no_near_copies_and_equal_ones_on_nearly_one_text_are():
    context = "The mill in Hollow Lane was built in 1871 by Otto Brandt and has ground rye and oats for the whole valley ever since then"
    asked = [("When was it built?", context), ("Who built it?", context), ("Who ran it?", context), ("who built it", f"{context} .. again")]
    rows = pa.table({"row": [f"a.json:{number}" for number in range(4)], "hash": ["x"] * 4, "question": [one for one, _ in asked],
                     "context": [one for _, one in asked], "answers": [{"text": [], "answer_start": []}] * 4})
    found = near_duplicates.find(rows, {"question": "text", "context": "text", "answers": "answers"})
    assert found.rows == (3,) and found.reasons[0].startswith("near copy of a.json:1 ")
