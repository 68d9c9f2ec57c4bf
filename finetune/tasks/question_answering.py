"""The words of a text that answer a question, or that it holds no answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from finetune.contracts import Batch, Draw, Example, Examples, Head, LossSum, Row
from finetune.data import token_limits, windows
from finetune.data.batch import objects
from finetune.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.contracts import Array, Columns
    from finetune.data.text import TextProcessor

MIN_TOKENS = 16  # a window of which half may be the question
ENDS = ("start", "end")
NO_ANSWER = "no answer"  # what a person reads where there is none


@dataclass(frozen=True, kw_only=True, slots=True)
class QuestionAnswering:
    """Question and context to a span of the context.

    All windows of a context share one softmax over the places where an answer may begin, and one over those where it
    may end (Clark and Gardner, Simple and Effective Multi-Paragraph Reading Comprehension, ACL 2018, section 4.1,
    shared normalisation). So a row counts once whatever its length, and scores of different windows can be compared.
    The first token of a window stands for no answer.
    """

    max_tokens: int = 256
    """Tokens of a window, question and special ones included; longer contexts are read in several and lose nothing."""
    overlap: int = 64
    """Tokens of the context that a window shares with the one before; longer than an answer, so that it is whole."""
    max_answer_tokens: int = 30
    """Tokens of an answer at most; longer spans are not considered."""
    no_answer: Literal["auto", "never", "possible"] = "auto"
    """Whether a question may have no answer in its context; auto allows it if a training row has none."""
    min_margin: float = field(default=0.0, metadata={"learnt": True})
    """By how much the best span has to beat no answer, in logits; learnt from the validation rows."""

    roles: ClassVar[Mapping[str, str]] = {"question": "text", "context": "text", "answers": "answers"}
    target: ClassVar[str] = "answers"
    onnx_task: ClassVar[str] = "question-answering"
    primary: ClassVar[str] = "f1"
    greater_is_better: ClassVar[bool] = True

    def problems(self) -> list[str]:
        """What is wrong with the settings, before anything is read."""
        found = token_limits.of_windows(self.max_tokens, self.overlap, at_least=MIN_TOKENS, usual=256)
        if self.max_answer_tokens < 1:
            found.append(f"task.max_answer_tokens: {self.max_answer_tokens} found, at least 1 is needed. Use 30.")
        return found

    @property
    def head(self) -> Head:
        """Two numbers per token: does the answer begin there, does it end there."""
        return Head("AutoModelForQuestionAnswering", (), None)

    def learn(self, splits: Mapping[str, pa.Table]) -> Self:
        """With what the training rows say of questions without answer; DataError where none has one."""
        answered = [bool(cell["text"]) for cell in splits["train"]["answers"].to_pylist() if cell is not None]
        if not any(answered):
            raise DataError("data.columns.answers", f"none of {len(answered):,} training rows has an answer. Add rows "
                                                    "with one, or name another column.")
        if self.no_answer != "auto":
            return self
        return replace(self, no_answer="never" if all(answered) else "possible")

    def encode(self, rows: Sequence[Row], processor: TextProcessor) -> list[Example]:
        """The windows of each row, its context, and where its answers are, as far as they stand there."""
        encoded = windows.of_pairs([row["question"] for row in rows], [row["context"] for row in rows], processor,
                                   max_tokens=self.max_tokens, overlap=self.overlap)
        examples: list[Example] = []
        for row, of_row in zip(rows, encoded, strict=True):
            answers = row.get("answers")
            example = {"windows": of_row, "context": row["context"]}
            if answers is not None:
                example |= {"answers": list(answers["text"]), "spans": _spans(row["context"], answers)}
            examples.append(example)
        return examples

    def augment(self, examples: Examples, draw: Draw) -> Example:
        """The row as it is."""
        return examples[draw.row]

    def length(self, example: Example) -> int:
        """Tokens of all windows."""
        return sum(len(window["input_ids"]) for window in example["windows"])

    def collate(self, examples: Sequence[Example], processor: TextProcessor) -> Batch:
        """All windows, padded to the longest; `row` says whose each is, `offsets` (W, T, 2) where its tokens stand.

        `start` and `end` (W, T) mark the right places, wherever an answer is seen; of a row without answer, the first
        token of all its windows.
        """
        import numpy as np

        parts = [window for example in examples for window in example["windows"]]
        inputs = processor.padded(parts)
        shape = next(iter(inputs.values())).shape
        row_W = np.repeat(np.arange(len(examples)), [len(example["windows"]) for example in examples])
        offsets_WT2 = np.full((*shape, 2), windows.NOWHERE, np.int64)
        for padded_T2, window in zip(offsets_WT2, parts, strict=True):
            padded_T2[: len(window["offsets"])] = window["offsets"]
        contexts = objects([example["context"] for example in examples])
        targets = {"row": row_W, "offsets": offsets_WT2, "context": contexts}
        if all("answers" in example for example in examples):
            marks = [self._marks(offsets_T2, examples[row])
                     for offsets_T2, row in zip(offsets_WT2, row_W.tolist(), strict=True)]
            targets |= {name: np.stack([mark[place] for mark in marks]) for place, name in enumerate(ENDS)}
            targets["answers"] = objects([example["answers"] for example in examples])
        return Batch(inputs, targets, len(examples))

    def _marks(self, offsets_T2: Array, example: Example) -> tuple[Array, Array]:
        """The places of one window where a right answer begins, and where it ends."""
        import numpy as np

        start_T, end_T = np.zeros((2, len(offsets_T2)), bool)
        if not example["answers"] and self.no_answer == "possible":
            start_T[0] = end_T[0] = True
        for first, after in example["spans"]:
            inside = np.flatnonzero((offsets_T2[:, 0] < after) & (offsets_T2[:, 1] > first) & (offsets_T2[:, 0] >= 0))
            # Whole or not at all: a window that cuts the answer would teach a part of it.
            if len(inside) and offsets_T2[inside[0], 0] <= first and offsets_T2[inside[-1], 1] >= after:
                start_T[inside[0]] = end_T[inside[-1]] = True
        return start_T, end_T

    def count(self, batch: Batch) -> int:
        """Rows of which some window shows an answer, or that none is there."""
        return len(set(batch.targets["row"][batch.targets["start"].any(axis=1)].tolist()))

    def loss(self, output: Mapping[str, Any], batch: Batch) -> LossSum:
        """Minus the log probability of all right places of a row, mean of beginning and end, summed over rows."""
        import torch

        row_W = batch.targets["row"]
        allowed_WT = batch.targets["offsets"][..., 0] >= 0
        if self.no_answer == "possible":
            allowed_WT = allowed_WT | (torch.arange(allowed_WT.shape[1], device=allowed_WT.device) == 0)
        own_BW = torch.arange(batch.rows, device=row_W.device)[:, None] == row_W
        counted_B = (own_BW & batch.targets["start"].any(dim=1)).any(dim=1)
        total: Any = 0.0
        for name in ENDS:
            logits_WT = output[f"{name}_logits"].float()
            right_B, all_B = (_log_sum(logits_WT, mask_WT, own_BW) for mask_WT in (batch.targets[name], allowed_WT))
            total = total + torch.where(counted_B, all_B - right_B, 0.0).sum() / len(ENDS)
        return LossSum(total, int(counted_B.sum()))

    def predict(self, output: Mapping[str, Array], batch: Batch) -> dict[str, Array]:
        """Of each row the best span: `prediction` (text, empty for no answer), where it stands, and `probability`.

        `span` is the best one whatever `margin` (its logits minus those of no answer) says. Where the answers are known
        also `target` and, of both, the scores: `exact_match`, `f1`, and as if a span was always or never given.
        """
        import numpy as np

        from finetune.metrics import answers, spans

        found = spans.best(output["start_logits"], output["end_logits"], batch.targets["offsets"][..., 0] >= 0,
                           row_W=batch.targets["row"], num_rows=batch.rows, longest=self.max_answer_tokens,
                           with_none=self.no_answer == "possible")
        contexts, offsets_WT2 = batch.targets["context"], batch.targets["offsets"]
        places = [_place(offsets_WT2[window], *ends) for window, *ends in found.places]
        place_B2 = np.array(places, np.int64).reshape(-1, 2)
        texts = [context[first:after] for context, (first, after) in zip(contexts, place_B2, strict=True)]
        columns = {"span": objects(texts), "place": place_B2, "margin": found.margin, "sure": found.probability,
                   "sure_of_none": found.none}
        if "answers" in batch.targets:
            known = batch.targets["answers"]
            columns["target"] = objects(list(known))
            columns["given"] = np.array([[answers.exact(*pair), answers.f1(*pair)]
                                         for pair in zip(texts, known, strict=True)])
            columns["none"] = np.array([[float(not of_row)] * 2 for of_row in known])
        return self._chosen(columns)

    def _chosen(self, columns: Mapping[str, Array]) -> dict[str, Array]:
        """The columns with what the margin makes of the best spans."""
        import numpy as np

        answered = (columns["margin"] >= self.min_margin) | (self.no_answer != "possible")
        found = {**columns, "prediction": np.where(answered, columns["span"], ""),
                 "probability": np.where(answered, columns["sure"], columns["sure_of_none"])}
        if "given" in columns:
            found["exact_match"], found["f1"] = np.where(answered[:, None], columns["given"], columns["none"]).T
        return found

    def score(self, columns: Columns) -> dict[str, Any]:
        """Exact match and F1 of words, 0 to 1; `answered` is the share of rows that were given a span."""
        return {"f1": float(columns["f1"].mean()), "exact_match": float(columns["exact_match"].mean()),
                "answered": float((columns["prediction"] != "").mean())}

    def calibrated(self, columns: Columns) -> Self:
        """With the margin at which F1 is best on these rows; where no answer is possible."""
        import numpy as np

        if self.no_answer != "possible":
            return self
        order = np.argsort(-columns["margin"], kind="stable")
        gains = np.cumsum((columns["given"] - columns["none"])[order, 1])
        if gains.max(initial=0.0) <= 0:
            return replace(self, min_margin=float(columns["margin"].max()) + 1.0)
        last = int(gains.argmax())
        below = float(columns["margin"][order[last + 1]]) if last + 1 < len(order) else float("-inf")
        at = float(columns["margin"][order[last]])
        return replace(self, min_margin=at - 1.0 if below == float("-inf") else (at + below) / 2)

    def baselines(self, train: Sequence[Row], rows: Sequence[Row], *, seed: int) -> dict[str, dict[str, Array]]:  # noqa: ARG002  # as the protocol has it
        """`first_sentence` of the context, and `nearest_sentence`, which shares the most words with the question."""
        import numpy as np

        from finetune.metrics import answers, spans

        found = {}
        for name, choose in (("first_sentence", spans.first_sentence), ("nearest_sentence", spans.nearest_sentence)):
            texts = [choose(row["context"], row["question"]) for row in rows]
            pairs = [(text, row["answers"]["text"]) for text, row in zip(texts, rows, strict=True)]
            found[name] = {"prediction": objects(texts), "f1": np.array([answers.f1(*pair) for pair in pairs]),
                           "exact_match": np.array([answers.exact(*pair) for pair in pairs])}
        return found

    def answers(self, columns: Columns) -> list[dict[str, Any]]:
        """The answer of each row, where it stands in the context, and how sure it is; None for no answer."""
        return [{"answer": text, "start": int(first), "end": int(after), "probability": float(sure)} if text else
                {"answer": None, "start": None, "end": None, "probability": float(sure)}
                for text, (first, after), sure in zip(columns["prediction"], columns["place"], columns["probability"],
                                                      strict=True)]

    def mistakes(self, columns: Columns, number: int) -> list[tuple[int, dict[str, Any]]]:
        """The rows whose answer shares least with the right ones, the surest first."""
        import numpy as np

        worst = np.lexsort((-columns["probability"], columns["f1"]))[:number]
        return [(int(row), {"label": " / ".join(columns["target"][row]) or NO_ANSWER,
                            "prediction": columns["prediction"][row] or NO_ANSWER,
                            "probability": float(columns["probability"][row])})
                for row in worst if columns["f1"][row] < 1]


def _spans(context: str, answers: Mapping[str, Sequence[Any]]) -> list[tuple[int, int]]:
    """First character and the one after the last of each answer that stands where it is said to."""
    placed = zip(answers["text"], answers["answer_start"], strict=True)
    return [(start, start + len(text)) for text, start in placed
            if text and start >= 0 and context[start : start + len(text)] == text]


def _place(offsets_T2: Array, start: int, end: int) -> tuple[int, int]:
    return int(offsets_T2[start, 0]), int(offsets_T2[end, 1])


def _log_sum(logits_WT: Any, mask_WT: Any, own_BW: Any) -> Any:
    """The logarithm of the summed exponentials of all masked places of each row, in all its windows."""
    import torch

    lowest = torch.finfo(logits_WT.dtype).min
    per_window_W = torch.logsumexp(logits_WT.masked_fill(~mask_WT, lowest), dim=1)
    return torch.logsumexp(per_window_W.masked_fill(~own_BW, lowest), dim=1)
