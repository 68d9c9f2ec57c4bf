"""What a score has to beat: predictions that need no pretrained backbone."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from finetune.contracts import Row

if TYPE_CHECKING:
    from finetune.contracts import Array

MAX_ROWS = 100_000
"""Training rows that tfidf_linear learns from at most: about 15 s and 0.6 GiB."""
BLOCK = 64  # rows that are held against all training rows at once: 50 MiB

_WORD = r"\w+|[^\w\s]+"  # punctuation counts: `!` and `:)` tell sentiment, and no text is left without a token
_LETTERS = re.compile(r"[^\W\d_]+")
# Thai, Lao, Burmese, Khmer, kana, CJK ideographs: no space between words.
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    r"\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)


def of_labels(
    train: Sequence[Row], evaluated: Sequence[Row], *, labels: Sequence[str], texts: Sequence[str], seed: int
) -> dict[str, Array]:
    """Predicted targets of the evaluated rows, by baseline: the most probable ones of `chances`.

    `majority` so is the most frequent training label, the first of `labels` on a tie.
    """
    found = chances(train, evaluated, labels=labels, texts=texts, seed=seed)
    return {name: shares.argmax(axis=1) for name, shares in found.items()}


def chances(
    train: Sequence[Row], evaluated: Sequence[Row], *, labels: Sequence[str], texts: Sequence[str], seed: int
) -> dict[str, Array]:
    """Probabilities (rows, labels) of the evaluated rows, by baseline.

    `majority` are the shares of the training labels. `tfidf_linear`, only where `texts` names one column or a pair of
    them, is logistic regression on TF-IDF of words and word pairs (of characters and character pairs in scripts without
    spaces), of a pair on how the two differ; above `MAX_ROWS` training rows it learns from as many drawn by `seed`.
    """
    assert train and evaluated, "a baseline learns from rows and predicts rows"
    target_of = {label: target for target, label in enumerate(labels)}
    targets = np.array([target_of[row["label"]] for row in train])
    shares = np.bincount(targets, minlength=len(labels)) / len(targets)
    found = {"majority": np.tile(shares, (len(evaluated), 1))}
    if not texts:
        return found
    if len(set(targets.tolist())) == 1:
        return found | {"tfidf_linear": found["majority"]}
    model = _logistic()
    of_known = _fitted(model, train, evaluated, targets=targets, texts=texts, seed=seed, ask="predict_proba")
    of_all = np.zeros((len(evaluated), len(labels)))
    of_all[:, model.classes_] = of_known
    return found | {"tfidf_linear": of_all}


def of_label_lists(
    train: Sequence[Row], evaluated: Sequence[Row], *, labels: Sequence[str], texts: Sequence[str], seed: int
) -> dict[str, Array]:
    """Probability of each label (rows, labels) for rows with lists of them, by baseline.

    `majority` is the share of training rows that have the label; `tfidf_linear` as in `chances`, one model a label.
    """
    assert train and evaluated, "a baseline learns from rows and predicts rows"
    targets = np.array([[label in row["label"] for label in labels] for row in train], dtype=int)
    found = {"majority": np.tile(targets.mean(axis=0), (len(evaluated), 1))}
    if not texts:
        return found
    from sklearn.multiclass import OneVsRestClassifier

    model = OneVsRestClassifier(_logistic())
    return found | {"tfidf_linear": _fitted(model, train, evaluated, targets=targets, texts=texts, seed=seed,
                                            ask="predict_proba")}


def _logistic() -> Any:
    from sklearn.linear_model import LogisticRegression

    # Tokens and C are those that did best, or near it, in 5-fold cross-validation on English sentiment (SST-2),
    # questions (TREC) and spam and on Chinese reviews. Newton's method reaches the same optimum as the default solver
    # in a fifth of its time.
    return LogisticRegression(C=10, solver="newton-cg", max_iter=1000)


def of_numbers(
    train: Sequence[Row], evaluated: Sequence[Row], *, texts: Sequence[str], seed: int
) -> dict[str, Array]:
    """Predicted numbers of the evaluated rows, by baseline.

    `mean` is that of training; `tfidf_linear` as in `of_labels`, but ridge regression, within the numbers of training.
    """
    assert train and evaluated, "a baseline learns from rows and predicts rows"
    targets = np.array([float(row["label"]) for row in train])
    predictions = {"mean": np.full(len(evaluated), targets.mean())}
    if not texts:
        return predictions
    from sklearn.linear_model import Ridge

    found = _fitted(Ridge(), train, evaluated, targets=targets, texts=texts, seed=seed)
    return predictions | {"tfidf_linear": found.clip(targets.min(), targets.max())}


def nearest(train: Sequence[Row], evaluated: Sequence[Row], *, text: str, seed: int) -> list[int]:
    """For every evaluated row the position of the training row whose text is most alike, by cosine of TF-IDF.

    Above `MAX_ROWS` training rows as many, drawn by `seed`, are looked at.
    """
    assert train and evaluated, "a baseline learns from rows and predicts rows"
    rows = np.arange(len(train))
    if len(rows) > MAX_ROWS:
        rows = np.random.default_rng(seed).choice(len(train), MAX_ROWS, replace=False)
    learnt = _columns([train[row] for row in rows.tolist()], [text])
    features = _features(learnt)
    known, found = features(learnt).T.tocsr(), []
    for start in range(0, len(evaluated), BLOCK):
        alike = features(_columns(evaluated[start : start + BLOCK], [text])) @ known
        found += rows[alike.toarray().argmax(axis=1)].tolist()
    return found


def _fitted(
    model: Any, train: Sequence[Row], evaluated: Sequence[Row], *, targets: Array, texts: Sequence[str], seed: int,
    ask: str = "predict",
) -> Array:
    """What a linear model of TF-IDF predicts; threads slow it down."""
    from threadpoolctl import threadpool_limits

    if len(train) > MAX_ROWS:
        drawn = np.random.default_rng(seed).choice(len(train), MAX_ROWS, replace=False)
        train, targets = [train[row] for row in drawn], targets[drawn]
    learnt = _columns(train, texts)
    features = _features(learnt)
    with threadpool_limits(limits=1):
        model.fit(features(learnt), targets)
        predictions: Array = getattr(model, ask)(features(_columns(evaluated, texts)))
    return predictions


def _columns(rows: Sequence[Row], texts: Sequence[str]) -> list[list[str]]:
    return [[row[name] for row in rows] for name in texts]


def _features(columns: Sequence[Sequence[str]]) -> Callable[[Sequence[Sequence[str]]], Any]:
    """From columns of texts to a sparse matrix, in the words of these: of a text its TF-IDF, of a pair how the two
    differ and what they share, word by word and over all.
    """
    from scipy import sparse
    from sklearn.feature_extraction.text import TfidfVectorizer

    known = [text for column in columns for text in column]
    unit = {"analyzer": "char"} if _is_unspaced(known) else {"token_pattern": _WORD}
    # Dropping what occurs once only helps from some 5,000 rows on.
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=1 if len(columns[0]) < 5000 else 2,
                                 **unit).fit(known)

    def features(given: Sequence[Sequence[str]]) -> Any:
        parts = [vectorizer.transform(column) for column in given]
        if len(parts) == 1:
            return parts[0]
        first, second = parts
        shared = first.multiply(second)
        return sparse.hstack([abs(first - second), shared, sparse.csr_matrix(shared.sum(axis=1))]).tocsr()

    return features


def _is_unspaced(texts: Sequence[str]) -> bool:
    letters = ["".join(_LETTERS.findall(text)) for text in texts]
    num_unspaced = sum(len(_UNSPACED.findall(run)) for run in letters)
    return num_unspaced > 0.3 * sum(map(len, letters))
