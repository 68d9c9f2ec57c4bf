"""Scores of generated text: ROUGE-1, 2 and L, BLEU, chrF; what a row adds is counted once, so resampling is cheap."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from finetune.contracts import Array, Columns

ROUGE = ("rouge1", "rouge2", "rougeL")
NUM_WORDS = 4  # longest run of words that BLEU counts
NUM_LETTERS = 6  # longest run of letters that chrF counts
BETA = 2  # chrF: how often recall counts against precision

# Kana and CJK ideographs, which are written without spaces, are words by themselves.
_UNSPACED = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_SENTENCE = re.compile(r".*?(?:[.!?]+(?=\s|$)|[\u3002\uff01\uff1f]+|\n)", re.DOTALL)
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")
# Punctuation apart from words; points and commas only outside numbers, hyphens only after digits: mteval-v13a.
_APART = (
    (re.compile(rf"([{_UNSPACED}])"), r" \1 "),
    (re.compile(r"([{-~\[-` -&(-+:-@/])"), r" \1 "),
    (re.compile(r"([^0-9])([.,])"), r"\1 \2 "),
    (re.compile(r"([.,])([^0-9])"), r" \1 \2"),
    (re.compile(r"([0-9])(-)"), r"\1 \2 "),
)


def counted(predictions: Sequence[str], references: Sequence[str]) -> dict[str, Array]:
    """What every row adds to the scores: `rouge` (rows, 3), `bleu` (rows, 10), `chrf` (rows, 18), `words` (rows, 2).

    `rouge` are F1 scores; `bleu` four counts of runs in common, four of runs predicted, and two lengths; `chrf` for one
    to six letters the runs predicted, in the reference and in common; `words` how long both are.
    """
    pairs = list(zip(predictions, references, strict=True))
    words = [(_words(prediction), _words(reference)) for prediction, reference in pairs]
    return {
        "rouge": np.asarray([_rouge(ours, theirs) for ours, theirs in words], dtype=float).reshape(-1, len(ROUGE)),
        "bleu": np.asarray([_bleu(*pair) for pair in pairs], dtype=np.int64).reshape(-1, 2 * NUM_WORDS + 2),
        "chrf": np.asarray([_chrf(*pair) for pair in pairs], dtype=np.int64).reshape(-1, 3 * NUM_LETTERS),
        "words": np.asarray([(len(ours), len(theirs)) for ours, theirs in words], dtype=np.int64).reshape(-1, 2),
    }


def scores(columns: Columns) -> dict[str, Any]:
    """`rougeL`, `rouge1`, `rouge2` (means over rows), `bleu` and `chrf` (over all rows at once), all 0 to 1.

    `texts` are counts of rows by ROUGE-L in tenths, and of predictions and references by number of words.
    """
    rouge1, rouge2, rouge_l = columns["rouge"].mean(axis=0).tolist()
    return {"rougeL": rouge_l, "rouge1": rouge1, "rouge2": rouge2, "bleu": bleu(columns["bleu"].sum(axis=0)),
            "chrf": chrf(columns["chrf"].sum(axis=0)), "texts": _distributions(columns)}


def first_sentence(text: str) -> str:
    """All up to the first point, exclamation or question mark that ends a sentence; the whole text where none does."""
    found = _SENTENCE.match(text.strip())
    return found[0].strip() if found else text.strip()


def bleu(counts: Array) -> float:
    """Corpus BLEU (Papineni et al., ACL 2002, section 2.3) of summed counts as `counted` has them.

    A run length without any match counts half a match, the next a quarter, and so on, as mteval and sacreBLEU have it
    (Chen and Cherry, WMT 2014, smoothing 3); without a single word in common it is 0.
    """
    matches, totals = counts[:NUM_WORDS], counts[NUM_WORDS : 2 * NUM_WORDS]
    predicted, referred = (int(length) for length in counts[2 * NUM_WORDS :])
    if not matches.any() or not totals.all():
        return 0.0
    halvings = np.cumsum(matches == 0)
    precisions = np.where(matches > 0, matches, 0.5**halvings) / totals
    brevity = min(0.0, 1 - referred / predicted)
    return float(np.exp(brevity + np.log(precisions).mean()))


def chrf(counts: Array) -> float:
    """Corpus chrF2 (Popovic, WMT 2015) of summed counts; run lengths that one side lacks are left out."""
    predicted, referred, common = counts.reshape(NUM_LETTERS, 3).T
    both = (predicted > 0) & (referred > 0)
    if not both.any():
        return 0.0
    precision, recall = (float((common[both] / side[both]).mean()) for side in (predicted, referred))
    weight = BETA**2
    return (1 + weight) * precision * recall / (weight * precision + recall) if precision + recall else 0.0


def _distributions(columns: Columns) -> dict[str, list[int]]:
    tenths = np.minimum((10 * columns["rouge"][:, 2]).astype(int), 9)
    longest = int(columns["words"].max()) + 1
    predicted, referred = (np.bincount(side, minlength=longest).tolist() for side in columns["words"].T)
    return {"rougeL_tenths": np.bincount(tenths, minlength=10).tolist(), "words_predicted": predicted,
            "words_reference": referred}


def _words(text: str) -> list[str]:
    """Lower-cased words without punctuation; of English those of the usual implementation of ROUGE, unstemmed."""
    return _WORD.findall(text.lower())


def _rouge(ours: list[str], theirs: list[str]) -> tuple[float, float, float]:
    """F1 of words, of word pairs and of the longest common subsequence (Lin, Text Summarization Branches Out, 2004)."""
    words, pairs = (_f1(_shared(ours, theirs, size), len(ours) - size + 1, len(theirs) - size + 1) for size in (1, 2))
    return words, pairs, _f1(_longest(ours, theirs), len(ours), len(theirs))


def _f1(common: int, predicted: int, referred: int) -> float:
    return 2 * common / (predicted + referred) if common else 0.0


def _longest(one: list[str], other: list[str]) -> int:
    """Length of the longest common subsequence, a row of the usual table in one number (Hyyro, IWOCA 2004)."""
    places: dict[str, int] = {}
    for place, word in enumerate(one):
        places[word] = places.get(word, 0) | 1 << place
    mask = (1 << len(one)) - 1
    row = mask
    for word in other:
        met = row & places.get(word, 0)
        row = ((row + met) | (row - met)) & mask
    return len(one) - row.bit_count()


def _bleu(prediction: str, reference: str) -> list[int]:
    ours, theirs = _tokens(prediction), _tokens(reference)
    sizes = range(1, NUM_WORDS + 1)
    return [*(_shared(ours, theirs, size) for size in sizes), *(max(len(ours) - size + 1, 0) for size in sizes),
            len(ours), len(theirs)]


def _tokens(text: str) -> list[str]:
    """Words and punctuation as mteval-v13a cuts them; letters stay as they are."""
    text = f" {text} "
    for pattern, apart in _APART:
        text = pattern.sub(apart, text)
    return text.split()


def _chrf(prediction: str, reference: str) -> list[int]:
    ours, theirs = ("".join(text.split()) for text in (prediction, reference))
    return [count for size in range(1, NUM_LETTERS + 1)
            for count in (max(len(ours) - size + 1, 0), max(len(theirs) - size + 1, 0), _shared(ours, theirs, size))]


def _shared(one: Sequence[str], other: Sequence[str], size: int) -> int:
    """How many runs of `size` both have, each counted as often as the side that has it less often."""
    return (_runs(one, size) & _runs(other, size)).total()


def _runs(parts: Sequence[str], size: int) -> Counter[Any]:
    return Counter(parts[place : place + size] if isinstance(parts, str) else tuple(parts[place : place + size])
                   for place in range(len(parts) - size + 1))
