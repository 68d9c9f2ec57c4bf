"""What a score has to beat: predictions that need no pretrained backbone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from finetune.contracts import Row

if TYPE_CHECKING:
    from finetune.contracts import Array

MAX_ROWS = 100_000
"""Training rows that tfidf_linear learns from at most: about 15 s and 0.6 GiB."""

_WORD = r"\w+|[^\w\s]+"  # punctuation counts: `!` and `:)` tell sentiment, and no text is left without a token
_LETTERS = re.compile(r"[^\W\d_]+")
# Thai, Lao, Burmese, Khmer, kana, CJK ideographs: no space between words.
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    r"\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)


def baselines(
    train: Sequence[Row], evaluated: Sequence[Row], *, labels: Sequence[str], text: str | None, seed: int
) -> dict[str, Array]:
    """Predicted targets of the evaluated rows, by baseline.

    `majority` is the most frequent training label, the first of `labels` on a tie. `tfidf_linear`, only
    where `text` names a column, is logistic regression on TF-IDF of words and word pairs (of characters and
    character pairs in scripts without spaces); above `MAX_ROWS` training rows it learns from as many drawn by `seed`.
    """
    assert train and evaluated, "a baseline learns from rows and predicts rows"
    target_of = {label: target for target, label in enumerate(labels)}
    targets = np.array([target_of[row["label"]] for row in train])
    predictions = {"majority": np.full(len(evaluated), np.bincount(targets).argmax())}
    if text is not None:
        texts = [row[text] for row in train]
        if len(texts) > MAX_ROWS:
            drawn = np.random.default_rng(seed).choice(len(texts), MAX_ROWS, replace=False)
            texts, targets = [texts[row] for row in drawn], targets[drawn]
        predictions["tfidf_linear"] = _tfidf_linear(texts, targets, [row[text] for row in evaluated])
    return predictions


def _tfidf_linear(texts: Sequence[str], targets: Array, evaluated: Sequence[str]) -> Array:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    if len(set(targets.tolist())) == 1:
        return np.full(len(evaluated), targets[0])
    # Tokens and C are those that did best, or near it, in 5-fold cross-validation on English sentiment (SST-2),
    # questions (TREC) and spam and on Chinese reviews. Dropping what occurs once only helps from some 5,000 rows on.
    unit = {"analyzer": "char"} if _is_unspaced(texts) else {"token_pattern": _WORD}
    min_df = 1 if len(texts) < 5000 else 2
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=min_df, **unit)
    # Newton's method reaches the same optimum as the default solver in a fifth of its time; threads slow both down.
    classifier = LogisticRegression(C=10, solver="newton-cg", max_iter=1000)
    with threadpool_limits(limits=1):
        classifier.fit(vectorizer.fit_transform(texts), targets)
        predictions: Array = classifier.predict(vectorizer.transform(evaluated))
    return predictions


def _is_unspaced(texts: Sequence[str]) -> bool:
    letters = ["".join(_LETTERS.findall(text)) for text in texts]
    num_unspaced = sum(len(_UNSPACED.findall(run)) for run in letters)
    return num_unspaced > 0.3 * sum(map(len, letters))
