from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pytest

from finetune.metrics import baselines as module
from finetune.metrics.baselines import of_labels

FILLER = [f"word{i}" for i in range(30)]
HAN = "".join(map(chr, range(0x4E00, 0x4E40)))
KANA = "".join(map(chr, range(0x3042, 0x3082)))
THAI = "".join(map(chr, range(0x0E01, 0x0E2F)))
Rows = list[dict[str, str]]


def rows(labels: list[str]) -> Rows:
    return [{"label": label} for label in labels]


def marked(num_rows: int, *, markers: dict[str, str], seed: int) -> Rows:
    """English rows in which a marker among filler words tells the label."""
    random = np.random.default_rng(seed)
    found = []
    for label in random.choice(list(markers), num_rows):
        before, after = random.choice(FILLER, 3), random.choice(FILLER, 3)
        found.append({"text": " ".join([*before, markers[label], *after]), "label": str(label)})
    return found


def unspaced(num_rows: int, *, letters: str, seed: int) -> Rows:
    """Rows without a space in which the order of two letters tells the label."""
    random = np.random.default_rng(seed)
    pair, filler = letters[:2], list(letters[2:])
    found = []
    for label in random.choice(["good", "bad"], num_rows):
        before, after = ("".join(random.choice(filler, 6)) for _ in range(2))
        found.append({"text": before + (pair if label == "good" else pair[::-1]) + after, "label": str(label)})
    return found


def accuracy(train: Rows, test: Rows, labels: list[str]) -> float:
    predictions = of_labels(train, test, labels=labels, texts=["text"], seed=0)["tfidf_linear"]
    return float(np.mean([labels[target] == row["label"] for target, row in zip(predictions, test, strict=True)]))


def test_majority_is_the_most_frequent_training_label() -> None:
    found = of_labels(rows(["a", "c", "c", "b"]), rows(["a", "a", "a"]), labels=["a", "b", "c"], texts=[], seed=0)
    assert list(found) == ["majority"]
    np.testing.assert_array_equal(found["majority"], [2, 2, 2])


def test_majority_on_a_tie_is_the_label_that_is_named_first() -> None:
    found = of_labels(rows(["c", "b", "c", "b"]), rows(["a"]), labels=["a", "b", "c"], texts=[], seed=0)
    np.testing.assert_array_equal(found["majority"], [1])


def test_evaluated_rows_need_no_label() -> None:
    found = of_labels([{"text": "x", "label": "a"}], [{"text": "y"}], labels=["a"], texts=["text"], seed=0)
    assert {name: targets.tolist() for name, targets in found.items()} == {"majority": [0], "tfidf_linear": [0]}


def test_words_are_learnt_from_50_rows() -> None:
    markers = {"good": "splendid", "bad": "dreadful", "fair": "passable"}
    assert accuracy(marked(50, markers=markers, seed=0), marked(200, markers=markers, seed=1), list(markers)) > 0.95


@pytest.mark.parametrize("extra", ["", " " + HAN[:15]], ids=["latin", "a quarter of the letters is Han"])
def test_order_of_two_words_is_learnt_where_words_are_spaced(extra: str) -> None:
    # Characters and character pairs are the same in both orders: only word pairs tell them apart.
    markers = {"good": "alpha beta gamma alpha", "bad": "alpha gamma beta alpha"}
    train, test = (marked(300, markers=markers, seed=seed) for seed in (0, 1))
    for row in train + test:
        row["text"] += extra
    assert accuracy(train, test, list(markers)) > 0.95


@pytest.mark.parametrize("letters", [HAN, KANA, THAI], ids=["Han", "kana", "Thai"])
def test_pairs_of_characters_are_learnt_in_scripts_without_spaces(letters: str) -> None:
    train, test = unspaced(300, letters=letters, seed=0), unspaced(200, letters=letters, seed=1)
    assert accuracy(train, test, ["bad", "good"]) > 0.95


def test_punctuation_alone_is_learnt() -> None:
    train = [{"text": ":) !!", "label": "good"}, {"text": ":( ...", "label": "bad"}] * 10
    assert accuracy(train, train, ["good", "bad"]) == 1.0


def test_one_training_label_is_predicted_everywhere() -> None:
    train = [{"text": text, "label": "b"} for text in ("one", "two")]
    found = of_labels(train, [{"text": "three"}] * 3, labels=["a", "b"], texts=["text"], seed=0)
    np.testing.assert_array_equal(found["tfidf_linear"], [1, 1, 1])


def test_label_without_training_rows_keeps_the_targets_of_the_others() -> None:
    train = [{"text": "yes", "label": "c"}, {"text": "no", "label": "a"}] * 5
    found = of_labels(train, [{"text": "yes"}, {"text": "no"}], labels=["a", "b", "c"], texts=["text"], seed=0)
    np.testing.assert_array_equal(found["tfidf_linear"], [2, 0])


def test_same_rows_give_the_same_predictions() -> None:
    train, test = unspaced(60, letters=HAN, seed=0), unspaced(60, letters=HAN, seed=1)
    first, second = (of_labels(train, test, labels=["bad", "good"], texts=["text"], seed=1) for _ in range(2))
    np.testing.assert_array_equal(first["tfidf_linear"], second["tfidf_linear"])


def test_above_the_limit_the_seed_draws_the_training_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ROWS", 20)
    train, test = unspaced(200, letters=HAN, seed=0), unspaced(200, letters=HAN, seed=1)
    first, again, other = (
        of_labels(train, test, labels=["bad", "good"], texts=["text"], seed=seed)["tfidf_linear"] for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("texts", [[], ["text"]])
def test_no_rows_are_refused(texts: list[str]) -> None:
    one = [{"text": "x", "label": "a"}]
    for train, evaluated in (([], one), (one, [])):
        with pytest.raises(AssertionError):
            of_labels(train, evaluated, labels=["a"], texts=texts, seed=0)


def test_10000_rows_take_a_few_seconds_of_one_core() -> None:
    markers = {f"label{i}": f"marker{i} sign{i % 3}" for i in range(6)}
    train = marked(10_000, markers=markers, seed=0)
    wall, cpu = time.perf_counter(), time.process_time()
    of_labels(train, train[:100], labels=list(markers), texts=["text"], seed=0)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert cpu < 8
    assert cpu < 1.3 * wall


def test_room_imports_neither_torch_nor_scikit_learn() -> None:
    heavy = "{'torch', 'transformers', 'evaluate', 'datasets', 'sklearn', 'scipy', 'pandas', 'pyarrow'}"
    modules = "finetune.metrics.baselines, finetune.evaluate.intervals"
    code = f"import sys, {modules}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
