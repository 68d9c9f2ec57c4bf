"""An encoder-decoder in ONNX as something that writes texts, with a key-value cache; needs onnxruntime and numpy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from finetune.export import beams
from finetune.export.session import Session

if TYPE_CHECKING:
    from finetune.contracts import Array, Batch, Decoding
    from finetune.data.text import Marks

# The names under which Optimum writes them and looks for them; an export's own file is the encoder.
ENCODER, DECODER = "encoder_model.onnx", "decoder_model_merged.onnx"
CACHED = "past_key_values."


class Generator:
    """An encoder and, beside it, its decoder, loaded for the CPU."""

    def __init__(self, file: Path, decoding: Decoding, marks: Marks, *, threads: int | None = None) -> None:
        self._encoder = Session(file, threads=threads)
        self._decoder = Session(file.with_name(DECODER), threads=threads)
        self._decoding, self._marks = decoding, marks

    def __call__(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """`sequences`, ids (rows, up to max_tokens) without the start, padded behind the end."""
        seen = self._encoder(inputs)["last_hidden_state"]
        search = beams.greedy if self._decoding.num_beams == 1 else beams.beam
        mask = inputs["attention_mask"].repeat(self._decoding.num_beams, axis=0)
        step = _Cached(self._decoder, seen.repeat(self._decoding.num_beams, axis=0), mask)
        return {"sequences": search(step, len(seen), decoding=self._decoding, marks=self._marks)}

    def infer(self, batch: Batch) -> tuple[Mapping[str, Array], None]:
        """The `Infer` of an ONNX model: no loss, since it never sees targets."""
        return self(batch.inputs), None


class _Cached:
    """The decoder with what it keeps of the tokens so far: keys and values of every layer, by the name of the input."""

    def __init__(self, decoder: Session, seen: Array, mask: Array) -> None:
        self._decoder, self._seen, self._mask = decoder, seen, mask
        self._kept: dict[str, Array] = {}

    def __call__(self, tokens: Array, order: Array | None) -> Array:
        """Logits (rows, vocabulary) after one more token of each text; see `beams.Step`."""
        first = not self._kept
        if first:
            self._kept = {name: np.zeros((len(tokens), shape[1], 1, shape[3]), np.float32)  # not read in the first step
                          for name, shape in self._decoder.shapes.items() if name.startswith(CACHED)}
        elif order is not None:
            # The encoder's are alike for all beams of a row, and a beam never leaves its row.
            self._kept = {name: value if ".encoder." in name else value[order] for name, value in self._kept.items()}
        found = self._decoder({"input_ids": tokens[:, None], "encoder_hidden_states": self._seen,
                               "encoder_attention_mask": self._mask, "use_cache_branch": np.array([not first]),
                               **self._kept})
        # Later steps leave the encoder's keys and values out: those of the first one hold to the end.
        self._kept |= {CACHED + name.removeprefix("present."): value for name, value in found.items()
                       if name.startswith("present.") and (first or ".encoder." not in name)}
        logits: Array = found["logits"][:, -1]
        return logits


def parts(file: Path) -> list[Path]:
    """The graphs that a model is made of, the one that names it first."""
    return [file, file.with_name(DECODER)] if file.name == ENCODER else [file]


def open_model(file: Path, task: Any, processor: Any, *, threads: int | None = None) -> Session | Generator:
    """The model of a file, whatever it needs to answer."""
    decoding = task.head.decoding
    return Generator(file, decoding, processor.marks, threads=threads) if decoding else Session(file, threads=threads)
