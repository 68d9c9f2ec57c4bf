"""A tag for every word: the entities of a text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from finetune.contracts import Batch, Draw, Example, Examples, Head, LossSum, Row
from finetune.data import labels, token_limits, windows, words
from finetune.data.batch import objects
from finetune.data.tags import OUTSIDE

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.contracts import Array, Columns
    from finetune.data.text import TextProcessor

MIN_TOKENS = 8  # a window with a few words of its own beside the special tokens and what overlaps
IGNORED = -100  # the target of a position that is no word's


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenClassification:
    """Words to tags that mark where entities of two or more types, or of one, begin and go on."""

    labels: Literal["auto"] | tuple[str, ...] = "auto"
    """auto takes the types of the training rows; a list of types fixes their order."""
    max_tokens: int = 128
    """Tokens of a window, special ones included; longer texts are read in several and lose nothing."""
    overlap: int = 32
    """Tokens that a window shares with the one before, so that every word is seen with its context on both sides."""
    words: Literal["auto", "spaced", "characters"] = "auto"
    """What a plain text is cut into: words, or single characters as in Chinese; auto is as the training rows are."""

    roles: ClassVar[Mapping[str, str]] = {"tokens": "tokens", "label": "tags"}
    target: ClassVar[str] = "label"
    onnx_task: ClassVar[str] = "token-classification"
    primary: ClassVar[str] = "f1"
    greater_is_better: ClassVar[bool] = True

    def problems(self) -> list[str]:
        """What is wrong with the settings, before anything is read."""
        return [*labels.problems(self.labels, at_least=1),
                *token_limits.of_windows(self.max_tokens, self.overlap, at_least=MIN_TOKENS, usual=128)]

    @property
    def head(self) -> Head:
        """A classifier over the tags: outside, and the beginning and the inside of each type."""
        tags = [f"{letter}-{kind}" for kind in self.labels for letter in "BI"]
        return Head("AutoModelForTokenClassification", (OUTSIDE, *tags), None)

    def learn(self, splits: Mapping[str, pa.Table]) -> Self:
        """With the types of the training rows, and what their words are; DataError for given types that these lack."""
        typed = {split: _typed(table) for split, table in splits.items()}
        kinds = labels.resolve_labels(typed, self.labels, at_least=1)
        found = words.are_characters(splits["train"]["tokens"].to_pylist())
        cut = self.words if self.words != "auto" else "characters" if found else "spaced"
        return replace(self, labels=kinds, words=cut)

    def encode(self, rows: Sequence[Row], processor: TextProcessor) -> list[Example]:
        """The windows of each row, `words` and where they begin and end, and the targets where the row has tags.

        `tokens` may be a plain text, which is cut into words here.
        """
        texts = [row["tokens"] if isinstance(row["tokens"], str) else " ".join(row["tokens"]) for row in rows]
        places = [self._places(row["tokens"]) for row in rows]
        found = [[text[start:end] for start, end in row] for text, row in zip(texts, places, strict=True)]
        encoded = windows.of_words(found, processor, max_tokens=self.max_tokens, overlap=self.overlap,
                                   spaced=self.words != "characters")
        target = {tag: number for number, tag in enumerate(self.head.labels)}
        examples: list[Example] = []
        for row, own, where, of_row in zip(rows, found, places, encoded, strict=True):
            tags = row.get("label")
            known = {} if tags is None else {"target": [target[tag] for tag in tags]}
            examples.append({"windows": of_row, "words": own, "places": where, **known})
        return examples

    def _places(self, tokens: str | Sequence[str]) -> list[tuple[int, int]]:
        """Where the words stand in the text; given words are joined by a blank."""
        if isinstance(tokens, str):
            return words.places(tokens, characters=self.words == "characters")
        found, start = [], 0
        for token in tokens:
            found.append((start, start + len(token)))
            start += len(token) + 1
        return found

    def augment(self, examples: Examples, draw: Draw) -> Example:
        """The row as it is."""
        return examples[draw.row]

    def length(self, example: Example) -> int:
        """Tokens of all windows."""
        return sum(len(window["input_ids"]) for window in example["windows"])

    def collate(self, examples: Sequence[Example], processor: TextProcessor) -> Batch:
        """All windows of the examples, padded to the longest; `row` and `word` (W, T) say whose a position is."""
        import numpy as np

        parts = [window for example in examples for window in example["windows"]]
        inputs = processor.padded(parts)
        row_W = np.repeat(np.arange(len(examples)), [len(example["windows"]) for example in examples])
        word_WT: Array = np.full(next(iter(inputs.values())).shape, windows.NOWHERE, np.int64)
        for padded_T, window in zip(word_WT, parts, strict=True):
            padded_T[: len(window["word"])] = window["word"]
        targets: dict[str, Array] = {"row": row_W, "word": word_WT}
        targets |= {name: objects([example[name] for example in examples]) for name in ("words", "places")}
        if all("target" in example for example in examples):
            targets["tags"] = objects([example["target"] for example in examples])
            target_WT: Array = np.full(word_WT.shape, IGNORED, np.int64)
            for target_T, row, word_T in zip(target_WT, row_W.tolist(), word_WT, strict=True):
                known = word_T != windows.NOWHERE
                target_T[known] = np.asarray(examples[row]["target"], np.int64)[word_T[known]]
            targets["target"] = target_WT
        return Batch(inputs, targets, len(examples))

    def count(self, batch: Batch) -> int:
        """Words, each counted once."""
        return int((batch.targets["target"] != IGNORED).sum())

    def loss(self, output: Mapping[str, Any], batch: Batch) -> LossSum:
        """Cross-entropy, summed over words."""
        from torch.nn.functional import cross_entropy

        target = batch.targets["target"].flatten()
        total = cross_entropy(output["logits"].float().flatten(0, 1), target, ignore_index=IGNORED, reduction="sum")
        return LossSum(total, int((target != IGNORED).sum()))

    def predict(self, output: Mapping[str, Array], batch: Batch) -> dict[str, Array]:
        """Of each row `words`, their `places`, `prediction` (tags) and `probability` of each tag.

        Where the tags are known also `target`, and `counts` (types, 3) of entities as `metrics.entities` has them.
        """
        import numpy as np

        from finetune.metrics import classification

        found = [[OUTSIDE] * len(row) for row in batch.targets["words"]]
        sure = [[1.0] * len(row) for row in batch.targets["words"]]
        probabilities_WTC = classification.softmax(output["logits"])
        best_WT, names = probabilities_WTC.argmax(axis=2), self.head.labels
        for window, place in zip(*(batch.targets["word"] != windows.NOWHERE).nonzero(), strict=True):
            row, word = batch.targets["row"][window], batch.targets["word"][window, place]
            found[row][word] = names[best_WT[window, place]]
            sure[row][word] = float(probabilities_WTC[window, place].max())
        columns = {"words": batch.targets["words"], "places": batch.targets["places"], "prediction": objects(found),
                   "probability": objects(sure)}
        if "tags" in batch.targets:
            columns["target"] = objects([[names[target] for target in row] for row in batch.targets["tags"]])
            columns["counts"] = np.stack([self._counts(*tags) for tags in zip(columns["target"], found, strict=True)])
        return columns

    def _counts(self, target: Sequence[str], prediction: Sequence[str]) -> Array:
        from finetune.metrics import entities

        return entities.counts(target, prediction, self.labels)

    def score(self, columns: Columns) -> dict[str, Any]:
        """F1, precision and recall of whole entities, over all and by type."""
        from finetune.metrics import entities

        return entities.scores(columns["counts"], self.labels)

    def calibrated(self, columns: Columns) -> Self:  # noqa: ARG002  # as the protocol has it
        """As it is."""
        return self

    def baselines(self, train: Sequence[Row], rows: Sequence[Row], *, seed: int) -> dict[str, dict[str, Array]]:  # noqa: ARG002  # as above
        """`usual_tag`: each word as the training rows tag it most often, unknown ones outside."""
        import numpy as np

        seen: dict[str, Counter[str]] = {}
        for row in train:
            for word, tag in zip(row["tokens"], row["label"], strict=True):
                seen.setdefault(word, Counter())[tag] += 1
        usual = {word: max(sorted(tags), key=tags.__getitem__) for word, tags in seen.items()}
        found = [[usual.get(word, OUTSIDE) for word in row["tokens"]] for row in rows]
        counts = [self._counts(row["label"], tags) for row, tags in zip(rows, found, strict=True)]
        return {"usual_tag": {"prediction": objects(found), "counts": np.stack(counts)}}

    def answers(self, columns: Columns) -> list[dict[str, Any]]:
        """The entities of each row: type, where it begins and ends in the text, and how sure its tags are."""
        shown = ("prediction", "probability", "places", "words")
        return [{"entities": _entities(dict(zip(shown, row, strict=True)))}
                for row in zip(*(columns[name] for name in shown), strict=True)]

    def mistakes(self, columns: Columns, number: int) -> list[tuple[int, dict[str, Any]]]:
        """The rows with the most entities missed or invented."""
        wrong = columns["counts"][:, :, :2].sum(axis=(1, 2)) - 2 * columns["counts"][:, :, 2].sum(axis=1)
        worst = [int(row) for row in (-wrong).argsort(kind="stable")[:number] if wrong[row]]
        return [(row, {"label": self._told(columns["target"][row], columns["words"][row]),
                       "prediction": self._told(columns["prediction"][row], columns["words"][row]),
                       "probability": min(columns["probability"][row], default=None)}) for row in worst]

    def _told(self, tags: Sequence[str], own: Sequence[str]) -> str:
        """`PER Anna Lund; LOC Oslo`."""
        from finetune.metrics import entities

        blank = "" if self.words == "characters" else " "
        found = [f"{kind} {blank.join(own[first:after])}" for first, after, kind in entities.spans(tags)]
        return "; ".join(found) or "none"


def _entities(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The entities of one row of the columns of `predict`."""
    from finetune.metrics import entities

    found = []
    for first, after, kind in entities.spans(row["prediction"]):
        (start, _), (_, end) = row["places"][first], row["places"][after - 1]
        found.append({"type": kind, "text": _written(row["words"][first:after], row["places"][first:after]),
                      "start": start, "end": end, "probability": min(row["probability"][first:after])})
    return found


def _written(own: Sequence[str], places: Sequence[tuple[int, int]]) -> str:
    """Words as they stand in the text, with single blanks between those that do not touch."""
    touches = [True, *(before == start for (_, before), (start, _) in pairwise(places))]
    return "".join(word if close else f" {word}" for word, close in zip(own, touches, strict=True))


def _typed(table: pa.Table) -> pa.Table:
    """The rows with the types that their tags name, as lists of labels."""
    import pyarrow as pa

    kinds = [None if tags is None else sorted({tag[2:] for tag in tags if tag != OUTSIDE})
             for tags in table["label"].to_pylist()]
    return pa.table({"row": table["row"], "label": pa.array(kinds, pa.list_(pa.string()))})
