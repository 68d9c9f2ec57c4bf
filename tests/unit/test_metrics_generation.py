"""Scores of written texts, against values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from finetune.evaluate.intervals import bootstrap
from finetune.metrics import generation


def scores(predictions: list[str], references: list[str]) -> dict[str, float]:
    return generation.scores(generation.counted(predictions, references))


def test_rouge_of_one_pair_by_hand() -> None:
    # Of 5 and 6 words "police", "the" and "gunman", in this order too; of 4 and 5 pairs "the gunman".
    found = scores(["the police kill the gunman"], ["police killed the gunman at dawn"])
    assert found["rouge1"] == pytest.approx(2 * 3 / (5 + 6))
    assert found["rouge2"] == pytest.approx(2 * 1 / (4 + 5))
    assert found["rougeL"] == pytest.approx(2 * 3 / (5 + 6))


def test_order_counts_in_rouge_l_alone() -> None:
    found = scores(["c b a"], ["a b c"])
    assert (found["rouge1"], found["rougeL"]) == (1.0, pytest.approx(1 / 3))


def test_a_word_counts_as_often_as_the_side_that_has_it_less_often() -> None:
    assert scores(["the the the the"], ["the cat"])["rouge1"] == pytest.approx(2 * 1 / (4 + 2))


def test_case_and_punctuation_do_not_count_in_rouge() -> None:
    assert scores(["The CAT, (sat)."], ["the cat sat"])["rougeL"] == 1.0


def test_characters_of_chinese_are_words() -> None:
    found = scores(["\u4eca\u5929\u5f88\u597d"], ["\u4eca\u5929\u4e0d\u597d"])
    assert found["rouge1"] == pytest.approx(0.75)
    assert found["bleu"] > 0


@pytest.mark.parametrize(("one", "other", "length"), [
    ("a b c d", "a c d", 3), ("a b", "c d", 0), ("", "a", 0), ("a a a", "a a", 2), ("a b c b d a b", "b d c a b a", 4),
    (" ".join(map(str, range(200))), " ".join(map(str, range(0, 200, 3))), 67),
])
def test_longest_common_subsequence(one: str, other: str, length: int) -> None:
    assert generation._longest(one.split(), other.split()) == generation._longest(other.split(), one.split()) == length


def test_bleu_of_two_rows_by_hand() -> None:
    # Runs in common: 1: 5+3 of 6+3, 2: 3+2 of 5+2, 3: 1+1 of 4+1, 4: 0 of 3+0, which counts as half a match.
    found = scores(["the cat sat on a mat", "it is late"], ["the cat sat on the mat", "now it is late"])
    matches, totals = (5 + 3, 3 + 2, 2 + 1, 1), (6 + 3, 5 + 2, 4 + 1, 3)
    precisions = [match / total for match, total in zip(matches, totals, strict=True)]
    brevity = math.exp(1 - 10 / 9)
    assert found["bleu"] == pytest.approx(brevity * math.prod(precisions) ** 0.25)


def test_run_lengths_without_a_match_are_smoothed_by_halves() -> None:
    # 2 of 4 words, no run of 2, 3 or 4: 1/2, 1/4 and 1/8 of a match.
    found = scores(["a x b y"], ["a b c d"])
    assert found["bleu"] == pytest.approx((2 / 4 * 0.5 / 3 * 0.25 / 2 * 0.125 / 1) ** 0.25)


def test_bleu_cuts_numbers_and_punctuation_as_mteval_does() -> None:
    assert generation._tokens("It cost 1,200.50 (or so), in 3-4 days.") == [
        "It", "cost", "1,200.50", "(", "or", "so", ")", ",", "in", "3", "-", "4", "days", "."]


def test_chrf_of_one_pair_by_hand() -> None:
    # "abcd" and "abce": 3 of 4 letters, 2 of 3 pairs, 1 of 2 triples, 0 of 1 run of four; precision and recall alike.
    assert scores(["ab cd"], ["abce"])["chrf"] == pytest.approx((3 / 4 + 2 / 3 + 1 / 2 + 0) / 4)


def test_chrf_counts_recall_twice() -> None:
    # "ab" of "abcd": precision 1 and 1, recall 2/4 and 1/3; longer runs are not in the prediction.
    precision, recall = 1.0, (2 / 4 + 1 / 3) / 2
    assert scores(["ab"], ["abcd"])["chrf"] == pytest.approx(5 * precision * recall / (4 * precision + recall))


@pytest.mark.parametrize(("prediction", "reference"), [("", "a text"), ("a text", ""), ("", ""), ("x", "y"), ("?!", "...")])
def test_texts_without_anything_in_common_score_nothing(prediction: str, reference: str) -> None:
    found = scores([prediction], [reference])
    assert [found[name] for name in ("rouge1", "rouge2", "rougeL", "bleu", "chrf")] == [0.0] * 5


def test_equal_texts_score_one() -> None:
    found = scores(["A long enough text, with a comma."] * 2, ["A long enough text, with a comma."] * 2)
    assert [found[name] for name in ("rouge1", "rouge2", "rougeL", "bleu", "chrf")] == pytest.approx([1.0] * 5)


def test_scores_of_drawn_rows_are_those_of_their_texts() -> None:
    predictions, references = ["a b c d e", "x y", "a b x y z"], ["a b c d f", "x z", "a b y x z"]
    columns = generation.counted(predictions, references)
    rows = np.array([2, 0, 2])
    drawn = generation.scores({name: column[rows] for name, column in columns.items()})
    assert drawn == scores([predictions[i] for i in rows], [references[i] for i in rows])


def test_a_thousand_resamples_of_a_thousand_rows_take_a_moment() -> None:
    import time

    columns = generation.counted(["a b c d e f"] * 1000, ["a b d c e g"] * 1000)
    started = time.process_time()
    found = bootstrap(generation.scores, columns, names=["rougeL", "bleu", "chrf"])
    assert found["rougeL"].low == found["rougeL"].high
    assert time.process_time() - started < 5


def test_counts_for_the_figure_add_up_to_the_rows() -> None:
    found = generation.scores(generation.counted(["a b", "c", ""], ["a b", "d", "e f g"]))["texts"]
    assert found["rougeL_tenths"] == [2, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert (found["words_predicted"], found["words_reference"]) == ([1, 1, 1, 0], [0, 1, 1, 1])


@pytest.mark.parametrize(("text", "first"), [
    ("Hello there. More.", "Hello there."), ("Really?! Yes.", "Really?!"), ("Version 2.5 is out. Good.", "Version 2.5 is out."),
    ("no end", "no end"), ("", ""), ("\u597d\u3002\u4e0d\u597d\u3002", "\u597d\u3002"), ("Title\nBody.", "Title"),
])
def test_first_sentence(text: str, first: str) -> None:
    assert generation.first_sentence(text) == first
