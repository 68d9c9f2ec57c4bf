"""Texts with slips, left out, exchanged and replaced words: as much as is promised, in scripts with and without spaces."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from finetune.contracts import Draw
from finetune.data.augment import texts
from finetune.data.augment.texts import CHANGES, changed, drop_words, joined, parts, swap_words, typos

ENGLISH = "The film wasn't only funny, it's a well-made picture by Ann Smith (2001)! Watch it."
CHINESE = "\u8fd9\u90e8\u7535\u5f71\u975e\u5e38\u597d\u770b\uff0c\u6211\u559c\u6b22\u5b83\u3002"
THAI = "\u0e2b\u0e19\u0e31\u0e07\u0e40\u0e23\u0e37\u0e48\u0e2d\u0e07\u0e19\u0e35\u0e49\u0e14\u0e35"
MIXED = "iPhone \u5f88\u597d but dear"
TEXTS = [ENGLISH, CHINESE, THAI, MIXED, "", "  ", "?!", "one", "\u597d", " a\tb\n"]


def random(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("text", TEXTS)
def test_parts_put_together_are_the_text(text: str) -> None:
    words, gaps = parts(text)
    assert joined(words, gaps) == text
    assert len(gaps) == len(words) + 1
    assert all(words)


def test_words_hold_together_and_characters_stand_for_words_where_there_are_no_spaces() -> None:
    assert parts(ENGLISH)[0] == ["The", "film", "wasn't", "only", "funny", "it's", "a", "well-made", "picture", "by", "Ann",
                                 "Smith", "2001", "Watch", "it"]
    assert parts(CHINESE)[0] == [character for character in CHINESE if character not in "\uff0c\u3002"]
    assert parts(MIXED)[0] == ["iPhone", "\u5f88", "\u597d", "but", "dear"]
    assert parts(THAI)[0][1] == "\u0e19\u0e31"  # a mark stays with its letter


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("text", TEXTS)
def test_change_repeats_and_never_takes_the_last_word(name: str, text: str) -> None:
    for seed in range(50):
        found = CHANGES[name](text, random(seed))
        assert found == CHANGES[name](text, random(seed))
        assert bool(parts(found)[0]) == bool(parts(text)[0])


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("text", [ENGLISH, CHINESE, THAI, MIXED])
def test_change_does_change_texts(name: str, text: str) -> None:
    assert sum(CHANGES[name](text, random(seed)) != text for seed in range(50)) >= 10


def test_a_tenth_of_the_long_words_gets_a_slip_and_keeps_its_ends() -> None:
    words = ["letters"] * 5000 + ["the"] * 100
    found = typos(" ".join(words), random(0)).split(" ")
    assert found[5000:] == ["the"] * 100
    slips = [word for word in found[:5000] if word != "letters"]
    assert 350 < len(slips) < 550  # exchanging the two t does nothing
    assert {word[0] for word in slips} == {"l"} and {word[-1] for word in slips} == {"s"}
    assert {len(word) for word in slips} == {6, 7, 8}


def test_a_tenth_of_the_words_is_left_out_and_no_two_spaces_meet() -> None:
    found = drop_words(" ".join(["word"] * 5000), random(0))
    assert 4400 < found.count("word") < 4600
    assert "  " not in found


def test_swapping_keeps_every_word_and_every_gap() -> None:
    for seed in range(20):
        found = swap_words(ENGLISH, random(seed))
        assert Counter(parts(found)[0]) == Counter(parts(ENGLISH)[0])
        assert parts(found)[1] == parts(ENGLISH)[1]
        assert sum(ours != theirs for ours, theirs in zip(parts(found)[0], parts(ENGLISH)[0], strict=True)) in (2, 3, 4)


def test_a_tenth_of_the_words_is_replaced_from_the_table_one_at_least(tmp_path: Path) -> None:
    file = tmp_path / "words.txt"
    file.write_text("film, movie, motion picture\nfunny, comical\n\u597d\u770b, \u7cbe\u5f69\n", encoding="utf-8")

    def replaced(text: str) -> set[str]:
        return {changed(text, ["synonyms"], Draw(1, epoch, 0), synonyms=str(file)) for epoch in range(60)}

    assert replaced("A funny thing") == {"A comical thing"}
    assert replaced("Film!") == {"Movie!", "Motion picture!"}
    assert replaced("the motion picture ends") == {"the film ends", "the movie ends"}
    assert replaced("filming") == {"filming"}
    assert replaced(CHINESE) == {CHINESE.replace("\u597d\u770b", "\u7cbe\u5f69")}
    assert all(len(parts(text)[0]) - text.count("motion picture") == 40 for text in replaced("film " * 40))
    assert all(text.count("film") == 36 for text in replaced("film " * 40))


def test_each_change_draws_from_its_own_stream() -> None:
    for epoch in range(20):
        draw = Draw(1, epoch, 2)
        one = changed(ENGLISH, ["typos"], draw)
        assert changed(ENGLISH, ["typos", "drop_words"], draw) == drop_words(one, draw.stream("drop_words"))


def test_names_are_those_of_the_changes() -> None:
    assert (*CHANGES, "synonyms") == texts.NAMES
    assert texts.problems(("typo",), None) == [
        "task.augmentations: there is no augmentation 'typo'. Allowed: typos, drop_words, swap_words, synonyms, or none."
        " Did you mean 'typos'?"]
