"""Near copies among texts: what is found is what comparing all with all would find."""

from __future__ import annotations

import random
from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest

from finetune.clean import duplicates
from finetune.clean.near import bands, jaccard, minhash, pairs, shingles
from finetune.clean.near.once import _KNOWN, once
from finetune.data import split

ROLES = {"text": "text"}


def table(*texts):
    return pa.table({"row": [f"r.csv:{i}" for i in range(2, len(texts) + 2)], "hash": list(map(str, range(len(texts)))),
                     "text": pa.array(texts, pa.string())})


def shingled(text):
    """The shingles in plain Python."""
    words = text.split()
    return {*words, *zip(words, [*words[1:], None], strict=True)}


def brute(texts):
    """Every pair of at least 0.8 by comparing all with all."""
    sets = list(map(shingled, texts))
    found = {(a, b): len(sets[a] & sets[b]) / len(sets[a] | sets[b]) for a, b in combinations(range(len(texts)), 2)}
    return {pair: value for pair, value in found.items() if value >= 0.8}


def found(*tables):
    result = pairs.find(tables, ROLES)
    return dict(zip(zip(result.left.tolist(), result.right.tolist(), strict=True), result.similarity.tolist(), strict=True))


def edited(words, generator, changes):
    words = list(words)
    for _ in range(changes):
        place = generator.randrange(len(words))
        words[place:place + 1] = generator.choice([[f"new{generator.randrange(1000)}"], [words[place], f"more{place}"], []])
    return " ".join(words)


@pytest.fixture(scope="module")
def texts():
    """Random texts and copies of them with up to eight words changed, so that many pairs lie close to 0.8."""
    generator = random.Random(1)
    vocabulary = [f"w{i}" for i in range(400)]
    originals = [[generator.choice(vocabulary) for _ in range(generator.randrange(10, 80))] for _ in range(150)]
    copies = [edited(words, generator, generator.randrange(9)) for words in originals for _ in range(2)]
    return [*map(" ".join, originals), *copies]


def test_pairs_are_those_of_brute_force(texts):
    expected, got = brute(texts), found(table(*texts))
    assert len(expected) > 150
    assert got.keys() <= expected.keys()  # precision 1: each was compared in full
    assert len(got) >= 0.99 * len(expected)
    assert got == pytest.approx({pair: expected[pair] for pair in got}, abs=1e-6)


def test_similarity_is_the_true_jaccard(texts):
    generator = np.random.default_rng(3)
    left, right = generator.integers(0, len(texts), (2, 2000))
    measured = jaccard.similarities(pa.chunked_array([texts]), left, right)
    sets = list(map(shingled, texts))
    judged = np.array([len(text.split()) >= shingles.MIN_WORDS for text in texts])
    expected = [len(sets[a] & sets[b]) / len(sets[a] | sets[b]) if judged[a] and judged[b] else 0
                for a, b in zip(left, right, strict=True)]
    assert measured.tolist() == pytest.approx(expected, abs=1e-6)


def test_share_of_equal_band_keys_follows_the_similarity():
    generator = random.Random(5)
    words = [f"w{i}" for i in range(4000)]
    near, far = list(words), list(words)
    for place in generator.sample(range(4000), 150):  # each changed word takes three shingles from either side
        near[place] = f"x{place}"
    for place in generator.sample(range(4000), 2000):
        far[place] = f"y{place}"
    keys = minhash.band_keys(pa.chunked_array([[" ".join(words), " ".join(near), " ".join(far)]]))
    assert keys.shape == (3, minhash.NUM_BANDS)
    assert (keys[0] == keys[1]).sum() >= 5
    assert (keys[0] == keys[2]).sum() == 0


def test_the_same_pairs_are_found_in_any_order_of_the_rows(texts):
    generator = random.Random(9)
    order = generator.sample(range(len(texts)), len(texts))
    shuffled = {tuple(sorted((order[a], order[b]))) for a, b in found(table(*(texts[place] for place in order)))}
    assert shuffled == set(found(table(*texts)))


def test_rows_are_numbered_through_several_tables(texts):
    assert found(table(*texts[:250]), table(*texts[250:])) == found(table(*texts))


def test_pairs_across_tables_are_those_with_a_row_in_each(texts):
    got = pairs.across([table(*texts[:250]), table(*texts[250:])], ROLES)
    expected = {pair for pair in found(table(*texts)) if pair[0] < 250 <= pair[1]}
    assert set(zip(got.left.tolist(), got.right.tolist(), strict=True)) == expected


def test_proof_is_the_same_whether_some_pairs_are_known_or_not(texts):
    rows = table(*texts)
    every, tried = pairs.find([rows], ROLES), np.random.default_rng(2).integers(0, len(texts), (2, 3000))
    ends = tuple(np.concatenate(sides) for sides in zip(np.sort(tried, axis=0), (every.left[::2], every.right[::2]), strict=True))
    plain, faster = (pairs.prove([rows], ROLES, ends, known=known) for known in (None, every.where(every.left % 2 == 0)))
    told = [set(zip(*(side.tolist() for side in side_by_side), strict=True)) for side_by_side in (plain, faster)]
    assert len(every.left[::2]) <= len(told[0])
    assert told[0] == told[1]


def test_every_row_of_a_full_bucket_is_paired_across_tables():
    text = "this very text has been posted again and again by many people"
    many, few = table(*[f"{text} {i % 3}" for i in range(90)]), table(*[f"{text} {i}" for i in range(3)])
    got = pairs.across([many, few], ROLES)
    assert set(got.left.tolist()) == set(range(90))
    assert set(got.right.tolist()) == {90, 91, 92}


def test_many_equal_rows_give_few_pairs_and_one_cluster():
    copies = table(*["one and the same text that stands here many times over"] * 5000)
    result = pairs.find([copies], ROLES)
    assert len(result.left) <= 2 * 5000
    assert set(pairs.firsts(result, 5000).tolist()) == {0}


def test_clusters_join_what_pairs_lead_to_and_are_named_by_their_first_row():
    chain = pairs.Pairs(np.array([3, 1, 6]), np.array([5, 3, 7]), np.array([0.9, 0.8, 0.8]))
    assert pairs.firsts(chain, 8).tolist() == [0, 1, 2, 1, 4, 1, 6, 6]


def test_nearest_is_the_most_similar_and_of_equal_ones_the_first():
    some = pairs.Pairs(np.array([0, 0, 1]), np.array([2, 3, 2]), np.array([0.8, 0.9, 0.8], np.float32))
    other, similarity = pairs.nearest(some, 5)
    assert other.tolist() == [3, 2, 0, 0, -1]
    assert similarity.tolist() == pytest.approx([0.9, 0.8, 0.8, 0.9, 0])


def test_full_buckets_pair_each_row_with_the_first_and_the_one_before():
    keys = np.full((1, bands.FULL + 4), 7, np.uint32)
    left, right = bands.candidates(keys)
    assert {*zip(left.tolist(), right.tolist(), strict=True)} == {
        (a, b) for b in range(1, bands.FULL + 4) for a in (0, b - 1)}
    left, right = bands.candidates(keys[:, :bands.FULL])
    assert len(left) == bands.FULL * (bands.FULL - 1) // 2


def test_rows_that_are_not_judged_meet_nobody():
    assert len(bands.candidates(np.array([[bands.ABSENT, bands.ABSENT, 3]], np.uint32))[0]) == 0
    assert found(table("short", "short", None, None, "")) == {}
    assert found(table()) == {}


def test_keys_of_a_cluster_are_those_of_its_first_row():
    text = "a letter to the editor about the state of the roads in our town"
    rows = table("other", text, f"{text} again", "Other!", "unlike", f"Well {text} again")
    keys = pairs.cluster_keys(rows, ROLES)
    alone = duplicates.keys(rows, ROLES)
    assert keys == [alone[0], alone[1], alone[1], alone[0], alone[4], alone[1]]
    assert pairs.cluster_keys(rows.slice(0, 3), ROLES) == keys[:3]


def test_two_texts_of_a_row_are_compared_together():
    question, answer = "how many people live in the old town of this city now", "about four thousand people do and more in the summer"
    rows = table(question, question, f"{question} then").append_column("answer", pa.array([answer, "nobody knows this any more at all", answer]))
    result = pairs.find([rows], {"text": "text", "answer": "text"})
    assert (result.left.tolist(), result.right.tolist()) == ([0], [2])


def test_what_is_known_of_a_table_is_made_once_and_goes_with_it():
    rows, made = table("x"), []
    assert [once("anything", rows, lambda: made.append(1) or 7) for _ in range(3)] == [7, 7, 7]
    assert once("anything else", rows, lambda: 8) == 8
    assert made == [1]
    before = len(_KNOWN)
    del rows
    assert len(_KNOWN) == before - 2


def test_near_copies_are_held_out_together():
    texts = [f"row number {n} speaks of the {n * 7} ships and the {n * 13} sailors that came here in {n}" for n in range(60)]
    rows = table(*texts, *(f"{text} again" for text in texts)).append_column("label", pa.array(["a", "b"] * 60))
    keys = pairs.cluster_keys(rows, ROLES)
    parts = split.hold_out(rows, shares={"test": 0.2}, keys=keys, seed=0)
    held_out = set(parts["test"]["text"].to_pylist())
    assert len(held_out) == 24
    assert {f"{text} again" in held_out for text in held_out & set(texts)} == {True}
    assert {text in held_out for text in texts if f"{text} again" in held_out} == {True}


def test_groups_are_joined_by_the_copies_they_share():
    keys, groups = ["k1", "k2", "k1", "k3", "k4", "k5", "k6", "k7"], ["ann", "ann", "bob", "eve", None, "eve", "zoe", None]
    assert pairs.joined_by_group(keys, groups) == ["group ann"] * 3 + ["group eve", "k4", "group eve", "group zoe", "k7"]


def test_copy_without_a_group_joins_the_group_of_its_twin():
    assert pairs.joined_by_group(["k1", "k1", "k2", "k3"], ["ann", None, None, "bob"]) == ["group ann", "group ann", "k2", "group bob"]


def test_a_word_that_every_group_has_does_not_make_them_one():
    keys = [key for number in range(10) for key in ("ok", f"k{number}")]
    groups = [f"{number}" for number in range(10) for _ in range(2)]
    assert pairs.joined_by_group(keys, groups) == [f"group {group}" for group in groups]


def test_near_copies_of_a_pair_are_found_in_either_order():
    one, other = "a man with a red hat plays an old guitar", "some children run across the wide green field at noon"
    rows = pa.table({"text_a": [one, other], "text_b": [f"{other} today", f"{one}!"]})
    found = pairs.find([rows], {"text_a": "text", "text_b": "text"})
    assert (found.left.tolist(), found.right.tolist()) == ([0], [1])
    assert found.similarity[0] >= 0.9


def test_near_copies_of_words_in_lists_are_found():
    words = ["a", "man", "with", "a", "red", "hat", "plays", "an", "old", "guitar", "by", "the", "river"]
    rows = pa.table({"tokens": [words, ["one", "two"], [*words, "today"]]})
    found = pairs.find([rows], {"tokens": "tokens"})
    assert (found.left.tolist(), found.right.tolist()) == ([0], [2])
