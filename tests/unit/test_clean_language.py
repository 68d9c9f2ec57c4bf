"""Rows in another language than the training rows."""

from __future__ import annotations

import pyarrow as pa
import pytest

from finetune.clean import language

ROLES = {"text": "text", "label": "label"}
ENGLISH = [f"this is the {i} film that we have seen and it was not at all what you would expect" for i in range(30)]
GERMAN = [f"das ist der {i} Film den wir gesehen haben und er war nicht so wie man es erwartet" for i in range(30)]
RUSSIAN = [f"это очень хороший фильм номер {i}" for i in range(30)]
CHINESE = [f"第{i}次点的外卖很好吃送得也快" for i in range(30)]
JAPANESE = [f"{i}回目の注文ですがとても美味しかったです" for i in range(30)]


def table(texts):
    return pa.table({"row": [f"r.csv:{i}" for i in range(2, len(texts) + 2)], "hash": ["h"] * len(texts),
                     "text": pa.array(texts, pa.string()), "label": ["a"] * len(texts)})


def foreign(usual, *texts):
    found = language.find(table([*usual, *texts]), ROLES)
    return [row - len(usual) for row in found.rows]


FOREIGN = {
    "German": "das ist nicht sehr gut, aber auch nicht schlecht", "French": "le film est très long mais les acteurs sont bons et je ne regrette pas",
    "Spanish": "la película es muy larga pero los actores son buenos y no me arrepiento", "Italian": "il film è molto lungo ma gli attori sono bravi e non mi pento",
    "Portuguese": "o filme é muito longo mas os atores são bons e não me arrependo", "Dutch": "de film is erg lang maar het is niet slecht en ik heb er geen spijt van",
    "Swedish": "filmen är mycket lång men den är inte dålig och jag ångrar det inte", "Polish": "film jest bardzo długi ale nie jest zły i nie żałuję tego że na nim byłem",
    "Turkish": "bu film çok uzun ama hiç de kötü değil ve ben daha iyi bir şey görmedim", "Indonesian": "film ini sangat panjang tapi tidak buruk dan saya tidak menyesal untuk itu",
}


@pytest.mark.parametrize("name", FOREIGN)
def test_other_latin_languages_are_found_by_their_small_words(name):
    found = language.find(table([*ENGLISH, FOREIGN[name]]), ROLES)
    assert found.rows == (30,)
    assert found.reasons == (f"column 'text' looks {name}, the training rows are English",)
    assert found.counts == {name: 1}


def test_english_is_foreign_among_german_rows():
    assert foreign(GERMAN, ENGLISH[0], GERMAN[1]) == [0]


@pytest.mark.parametrize(("usual", "text"), [
    (ENGLISH, "Очень хороший фильм, рекомендую"), (ENGLISH, "这部电影很好看"), (ENGLISH, "とても美味しい"), (ENGLISH, "فيلم جيد جدا أحببته"),
    (RUSSIAN, "a very good film indeed"), (CHINESE, "the food was cold when it arrived and the man was rude to us, never again, sorry"),
    (CHINESE, "とても美味しかったです"), (CHINESE, "Очень вкусно и быстро"), (JAPANESE, "아주 맛있어요 정말로"),
])
def test_other_scripts_are_found(usual, text):
    assert foreign(usual, text, usual[3]) == [0]


@pytest.mark.parametrize(("usual", "text"), [
    (ENGLISH, "Angela Merkel und Gerhard Schroeder"), (ENGLISH, "ok lar joking wif u oni"), (ENGLISH, "que sera sera"), (ENGLISH, "привет"),
    (ENGLISH, "the Spanish for it is: la vida es un sueño y los sueños"), (ENGLISH, "好吃"), (ENGLISH, "Ωmega-3 + β-carotene"), (ENGLISH, "12345 67890 ..."),
    (ENGLISH, "Real Madrid CF 3, FC Bayern 2"), (ENGLISH, "naïve café, déjà vu, Motörhead"), (ENGLISH, ""), (ENGLISH, None), (ENGLISH, "👍👍👍"),
    (CHINESE, "iPhone 15 Pro Max"), (CHINESE, "good"), (CHINESE, "KFC 很好吃"), (JAPANESE, "最高"), (JAPANESE, "東京都美味"), (RUSSIAN, "iPhone 15"),
])
def test_names_slang_and_short_texts_pass(usual, text):
    assert foreign(usual, text) == []


def test_nothing_is_foreign_where_rows_are_of_many_languages():
    assert foreign([*ENGLISH, *GERMAN], RUSSIAN[0]) == [0]
    assert foreign([*ENGLISH, *GERMAN], FOREIGN["French"]) == []
    assert foreign([*ENGLISH, *RUSSIAN], CHINESE[0]) == []


def test_nothing_is_foreign_among_few_rows():
    assert foreign(ENGLISH[:10], RUSSIAN[0]) == []


def test_what_is_usual_comes_from_the_training_rows():
    find = language.learn(table(ENGLISH), ROLES)
    assert find(table(GERMAN), ROLES).rows == tuple(range(30))
    assert len(find(table(ENGLISH[:3]), ROLES)) == 0


def test_small_words_are_lower_case_and_of_one_language_mostly():
    words = language._small_words()
    assert len(words) == 17
    assert all(word == word.casefold() for small in words.values() for word in small)
    assert all(len(small) >= 25 for small in words.values())
