"""Text to token ids through `tokenizers`, without transformers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.data.batch import pad
from finetune.write import write_json, write_text

if TYPE_CHECKING:
    from finetune.contracts import Array


@dataclass(frozen=True, slots=True)
class Marks:
    """The token ids between which a decoder writes."""

    start_id: int  # what it is given before the first token
    end_id: int
    pad_id: int
    first_id: int | None = None  # the first token of every text, where the backbone was taught one


@dataclass(frozen=True, slots=True)
class TextProcessor:
    """A backbone's tokenizer as data: what it needs to make the inputs that the model names."""

    tokenizer: Any  # tokenizers.Tokenizer, not padding
    inputs: tuple[str, ...]  # names that the model takes: input_ids, attention_mask, token_type_ids
    pad_id: int
    max_tokens: int  # longest input of the backbone, special tokens included
    marks: Marks | None = None  # of backbones that write texts

    def save(self, folder: Path) -> None:
        """Write `tokenizer.json` and `processor.json`."""
        write_text(folder / "tokenizer.json", self.tokenizer.to_str(pretty=True))
        settings: dict[str, Any] = {"kind": "text", "inputs": self.inputs, "pad_id": self.pad_id,
                                    "max_tokens": self.max_tokens}
        if self.marks is not None:
            settings["marks"] = asdict(self.marks)
        write_json(folder / "processor.json", settings)

    @classmethod
    def load(cls, folder: Path) -> TextProcessor:
        """Read what `save` wrote; ValueError where it is something else."""
        from tokenizers import Tokenizer

        settings = json.loads((folder / "processor.json").read_text())
        try:
            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # the library raises nothing more precise
            raise ValueError(f"tokenizer.json: {error}") from error
        marks = Marks(**settings["marks"]) if "marks" in settings else None
        return cls(tokenizer, tuple(settings["inputs"]), settings["pad_id"], settings["max_tokens"], marks)

    def encode(self, texts: Sequence[str], max_tokens: int) -> list[dict[str, Any]]:
        """Token ids of each text, cut to `max_tokens`; `full_length` is what the text would have needed."""
        self.tokenizer.enable_truncation(min(max_tokens, self.max_tokens))
        return [self._example(encoding, len(encoding.ids) + _beyond(encoding))
                for encoding in self.tokenizer.encode_batch(list(texts))]

    def encode_pairs(self, pairs: Sequence[tuple[str, str]], max_tokens: int) -> list[dict[str, Any]]:
        """The same of two texts as one sequence; of a pair that is too long, the longer text is cut first."""
        self.tokenizer.no_truncation()
        lengths = [len(encoding.ids) for encoding in self.tokenizer.encode_batch(list(pairs))]
        self.tokenizer.enable_truncation(min(max_tokens, self.max_tokens))
        return [self._example(encoding, length)
                for encoding, length in zip(self.tokenizer.encode_batch(list(pairs)), lengths, strict=True)]

    def padded(self, examples: Sequence[Mapping[str, Any]]) -> dict[str, Array]:
        """The model's inputs by name, (rows, longest)."""
        filler = {"input_ids": self.pad_id}
        return {name: pad([example[name] for example in examples], filler.get(name, 0)) for name in self.inputs}

    def decode(self, ids: Sequence[int]) -> str:
        """The text that these token ids stand for, as the backbone has it; special tokens are left out."""
        return str(self.tokenizer.decode(list(ids)))

    def _example(self, encoding: Any, full_length: int) -> dict[str, Any]:
        found = {"input_ids": encoding.ids, "attention_mask": encoding.attention_mask,
                 "token_type_ids": encoding.type_ids}
        return {name: found[name] for name in self.inputs} | {"full_length": full_length}


def _beyond(encoding: Any) -> int:
    """How many tokens of a text were cut."""
    return sum(len(part.ids) - sum(part.special_tokens_mask) for part in encoding.overflowing)
