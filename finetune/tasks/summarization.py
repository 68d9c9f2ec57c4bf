"""A short text for a long one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from finetune.contracts import Batch, Decoding, Draw, Example, Examples, Head, LossSum, Row
from finetune.data.batch import objects, pad

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.contracts import Array, Columns
    from finetune.data.text import TextProcessor

MIN_TOKENS = 2  # a token of text and the end
MOST_BEAMS = 32
IGNORED = -100  # the target of padding, which is in no loss and in no count


@dataclass(frozen=True, kw_only=True, slots=True)
class Summarization:
    """Text to a shorter text, by an encoder and a decoder."""

    max_tokens: int = 512
    """Longer texts are cut there, special tokens included; the run reports how many."""
    max_summary_tokens: int = 64
    """Longest summary, learnt from or written, special tokens included; the run reports how many are cut."""
    min_summary_tokens: int = 0
    """Tokens of a summary at least."""
    num_beams: int = 4
    """Beams: candidates that are kept while a summary is written; 1 takes the likeliest token at every step."""
    length_penalty: float = 1.0
    """Above 0 beams favour longer summaries, below 0 shorter ones: log probability over length to this power."""
    prefix: str = ""
    """Put before every text; by it T5 tells its tasks apart, as in 'summarize: '."""

    roles: ClassVar[Mapping[str, str]] = {"text": "text", "summary": "text"}
    target: ClassVar[str] = "summary"
    onnx_task: ClassVar[str] = "text2text-generation-with-past"
    primary: ClassVar[str] = "rougeL"
    greater_is_better: ClassVar[bool] = True

    def problems(self) -> list[str]:
        """What is wrong with the settings, before anything is read."""
        checks = [
            (self.max_tokens < MIN_TOKENS,
             f"task.max_tokens: {self.max_tokens} found, at least {MIN_TOKENS} are needed. Use for example 512."),
            (self.max_summary_tokens < MIN_TOKENS,
             f"task.max_summary_tokens: {self.max_summary_tokens} found, at least {MIN_TOKENS} are needed: a token "
             "and the end. Use for example 64."),
            (not 0 <= self.min_summary_tokens < max(self.max_summary_tokens, 1),
             f"task.min_summary_tokens: {self.min_summary_tokens} found, allowed is 0 to below "
             f"task.max_summary_tokens={self.max_summary_tokens}. Use 0."),
            (not 1 <= self.num_beams <= MOST_BEAMS,
             f"task.num_beams: {self.num_beams} found, allowed is 1 to {MOST_BEAMS}. Use 4, or 1 for the fastest."),
            (not -10 <= self.length_penalty <= 10,
             f"task.length_penalty: {self.length_penalty} found, allowed is -10 to 10. Use 1.0."),
            (self.num_beams == 1 and self.length_penalty != 1.0,
             f"task.length_penalty: {self.length_penalty} found, but it chooses among beams and task.num_beams is 1. "
             "Use more beams, or leave it out."),
        ]
        return [message for wrong, message in checks if wrong]

    @property
    def head(self) -> Head:
        """A decoder over the backbone's own vocabulary."""
        decoding = Decoding(self.num_beams, self.max_summary_tokens, self.min_summary_tokens, self.length_penalty)
        return Head("AutoModelForSeq2SeqLM", (), "text2text", decoding=decoding)

    def learn(self, splits: Mapping[str, pa.Table]) -> Self:  # noqa: ARG002  # as the protocol has it
        """Rows decide nothing."""
        return self

    def encode(self, rows: Sequence[Row], processor: TextProcessor) -> list[Example]:
        """Token ids of the text; where there is a summary, its ids as `target`, its words, and its length uncut."""
        examples: list[Example] = [*processor.encode([self.prefix + row["text"] for row in rows], self.max_tokens)]
        known = [position for position, row in enumerate(rows) if row.get("summary") is not None]
        summaries = [rows[position]["summary"] for position in known]
        targets = processor.encode(summaries, self.max_summary_tokens) if summaries else []
        for position, summary, target in zip(known, summaries, targets, strict=True):
            examples[position] = {**examples[position], "target": target["input_ids"], "summary": summary,
                                  "full_target_length": target["full_length"]}
        return examples

    def augment(self, examples: Examples, draw: Draw) -> Example:
        """Nothing is changed at random."""
        return examples[draw.row]

    def length(self, example: Example) -> int:
        """Tokens of the text and of the summary."""
        return len(example["input_ids"]) + len(example.get("target", ()))

    def collate(self, examples: Sequence[Example], processor: TextProcessor) -> Batch:
        """Token ids padded to the longest of the batch; the decoder sees the summary one token late."""
        assert processor.marks is not None
        inputs, targets = processor.padded(examples), {}
        kept: dict[str, Any] = {"decode": processor.decode}
        if all("target" in example for example in examples):
            late = [[processor.marks.start_id, *example["target"][:-1]] for example in examples]
            inputs["decoder_input_ids"] = pad(late, processor.pad_id)
            targets["ids"] = pad([example["target"] for example in examples], IGNORED)
            kept["summary"] = [example["summary"] for example in examples]
        return Batch(inputs, targets, len(examples), kept)

    def count(self, batch: Batch) -> int:
        """Tokens of the summaries, their ends included."""
        return int((batch.targets["ids"] != IGNORED).sum())

    def loss(self, output: Mapping[str, Any], batch: Batch) -> LossSum:
        """Cross-entropy, summed over the tokens of the summaries."""
        from torch.nn.functional import cross_entropy

        ids_BT = batch.targets["ids"]
        logits = output["logits"].float().flatten(0, 1)
        total = cross_entropy(logits, ids_BT.flatten(), ignore_index=IGNORED, reduction="sum")
        return LossSum(total, int((ids_BT != IGNORED).sum()))

    def infer(self, model: Any, batch: Batch) -> dict[str, Any]:
        """`sequences`: what the model writes, as its generation settings, which are the task's, have it."""
        sequences = model.generate(**{name: batch.inputs[name] for name in ("input_ids", "attention_mask")})
        return {"sequences": sequences[:, 1:]}  # without the start

    def predict(self, output: Mapping[str, Array], batch: Batch) -> dict[str, Array]:
        """`prediction` as texts and, where the summary is known, that as `target` and what scores count."""
        from finetune.metrics import generation

        texts = [batch.kept["decode"](ids) for ids in output["sequences"].tolist()]
        if "summary" not in batch.kept:
            return {"prediction": objects(texts)}
        known = batch.kept["summary"]
        return {"prediction": objects(texts), "target": objects(known), **generation.counted(texts, known)}

    def score(self, columns: Columns) -> dict[str, Any]:
        """ROUGE, BLEU and chrF, and counts of rows by ROUGE-L and by length."""
        from finetune.metrics import generation

        return generation.scores(columns)

    def calibrated(self, columns: Columns) -> Self:  # noqa: ARG002  # as the protocol has it
        """Nothing is chosen after training."""
        return self

    def baselines(self, train: Sequence[Row], rows: Sequence[Row], *, seed: int) -> dict[str, dict[str, Array]]:
        """The text's own first sentence, which news summaries hardly beat, and the summary of the nearest text."""
        from finetune.metrics import baselines, generation

        nearest = baselines.nearest(train, rows, text="text", seed=seed)
        found = {"first_sentence": [generation.first_sentence(row["text"]) for row in rows],
                 "nearest_summary": [train[position]["summary"] for position in nearest]}
        known = [row["summary"] for row in rows]
        return {name: {"prediction": objects(texts), **generation.counted(texts, known)}
                for name, texts in found.items()}

    def answers(self, columns: Columns) -> list[dict[str, Any]]:
        """`summary`."""
        return [{"summary": text} for text in columns["prediction"].tolist()]

    def mistakes(self, columns: Columns, number: int) -> list[tuple[int, dict[str, Any]]]:
        """The rows with the lowest ROUGE-L."""
        worst = columns["rouge"][:, 2].argsort(kind="stable")
        wrong = [int(i) for i in worst if columns["prediction"][i] != columns["target"][i]][:number]
        return [(i, {"label": columns["target"][i], "prediction": columns["prediction"][i], "probability": None})
                for i in wrong]
