"""What an exported encoder-decoder writes is what PyTorch writes, token for token."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from finetune.backbones import hf, tiny
from finetune.errors import ExportError
from finetune.evaluate.infer import tensors, torch_infer
from finetune.export import generate, manifest, optimum
from finetune.export.quantize import Form, quantize
from finetune.export.targets import target
from finetune.spec import Int8Dynamic
from finetune.tasks.summarization import Summarization
from tests.unit.test_export_optimum import needs_optimum

pytestmark = [pytest.mark.slow, needs_optimum]  # no other line writes encoders with decoders
WORDS = tuple(f"word{i}" for i in range(7))
LENGTH = 8
STEPS = 60  # after which what is written depends on the text, and is wrong often enough
SETTINGS: list[dict[str, Any]] = [
    {"num_beams": 1}, {"num_beams": 1, "min_summary_tokens": 5}, {"num_beams": 2}, {"num_beams": 4},
    {"num_beams": 4, "length_penalty": 0.0}, {"num_beams": 3, "length_penalty": 2.0},
    {"num_beams": 5, "length_penalty": -1.5, "min_summary_tokens": 4},
]


@dataclass(frozen=True)
class Exported:
    """A miniature that has begun to write the first words of its text, and its export."""

    model: Path
    file: Path
    processor: Any


@pytest.fixture(scope="module", params=tiny.SEQ2SEQ)
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp(request.param)
    task = Summarization(max_summary_tokens=LENGTH)
    loaded = hf.load(tiny.write(request.param, folder / "backbone", words=WORDS, seed=3), task.head)
    _fit(loaded.model, task, loaded.processor)
    loaded.model.save_pretrained(folder / "model")
    model = hf.reload(folder / "model", task.head, attention="eager")
    optimum.export(model, folder / generate.ENCODER, inputs={}, task=task.onnx_task, opset=17)
    return Exported(folder / "model", folder / generate.ENCODER, loaded.processor)


def _fit(model: Any, task: Summarization, processor: Any) -> None:
    optimizer, chance = torch.optim.AdamW(model.parameters(), lr=5e-3), np.random.default_rng(2)
    for _ in range(STEPS):
        rows = [{"text": " ".join(words), "summary": " ".join(words[: 1 + len(words) // 3])}
                for words in (chance.choice(WORDS, chance.integers(1, 21)) for _ in range(32))]
        given = tensors(task.collate(task.encode(rows, processor), processor))
        found = task.loss(model(**given.inputs), given)
        (found.total / found.count).backward()
        optimizer.step()
        optimizer.zero_grad()


def batch(task: Summarization, processor: Any, rows: slice = slice(None)) -> Any:
    """Texts of 1 to 20 words."""
    chance = np.random.default_rng(1)
    texts = [" ".join(chance.choice(WORDS, chance.integers(1, 21))) for _ in range(40)]
    return task.collate(task.encode([{"text": text} for text in texts[rows]], processor), processor)


def cut(sequences: Any, processor: Any) -> list[list[int]]:
    """Each text up to its end."""
    end = processor.marks.end_id
    return [text[: text.index(end) + 1] if end in text else text for text in sequences.tolist()]


def of_torch(made: Exported, task: Summarization) -> list[list[int]]:
    model = hf.reload(made.model, task.head, attention="eager")
    output, loss = torch_infer(model, task)(batch(task, made.processor))
    assert loss is None
    return cut(output["sequences"], made.processor)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_the_same_tokens_as_generate(settings: dict[str, Any], exported: Exported) -> None:
    task = Summarization(max_summary_tokens=LENGTH, **settings)
    written = generate.open_model(exported.file, task, exported.processor, threads=1)(batch(task, exported.processor).inputs)
    found = cut(written["sequences"], exported.processor)
    assert found == of_torch(exported, task)
    assert len(set(map(tuple, found))) > 1, "a comparison of equal texts shows nothing"


def test_some_texts_end_and_some_are_cut(exported: Exported) -> None:
    lengths = {len(text) for settings in SETTINGS
               for text in of_torch(exported, Summarization(max_summary_tokens=LENGTH, **settings))}
    assert len(lengths) > 1
    assert max(lengths) == LENGTH


@pytest.mark.parametrize("num_beams", [1, 3])
def test_a_text_alone_is_answered_as_beside_others(num_beams: int, exported: Exported) -> None:
    task = Summarization(max_summary_tokens=LENGTH, num_beams=num_beams)
    model = generate.open_model(exported.file, task, exported.processor, threads=1)
    together = cut(model(batch(task, exported.processor).inputs)["sequences"], exported.processor)
    for row in range(5):
        alone = model(batch(task, exported.processor, slice(row, row + 1)).inputs)["sequences"]
        assert cut(alone, exported.processor) == together[row: row + 1]


def test_both_parts_become_int8_and_still_write(exported: Exported, tmp_path: Path) -> None:
    task = Summarization(max_summary_tokens=LENGTH, num_beams=2)
    form = Form(settings=Int8Dynamic(), target=target("cpu-avx2"))
    for part in generate.parts(exported.file):
        quantize(part, tmp_path / part.name, form)
        assert b"MatMulInteger" in (tmp_path / part.name).read_bytes()
    written = generate.open_model(tmp_path / generate.ENCODER, task, exported.processor, threads=1)
    found = cut(written(batch(task, exported.processor).inputs)["sequences"], exported.processor)
    assert np.mean([one == other for one, other in zip(found, of_torch(exported, task), strict=True)]) > 0.5


def test_a_decoder_that_is_not_listed_is_not_opened(exported: Exported) -> None:
    folder = exported.file.parent
    manifest.write(folder, default=generate.ENCODER)
    assert manifest.check(folder) == generate.ENCODER
    decoder = folder / generate.DECODER
    content = decoder.read_bytes()
    try:
        decoder.unlink()
        manifest.write(folder, default=generate.ENCODER)
        decoder.write_bytes(content)
        with pytest.raises(ExportError, match="nobody vouches"):
            manifest.check(folder)
    finally:
        decoder.write_bytes(content)


def test_a_changed_decoder_is_refused(exported: Exported) -> None:
    folder = exported.file.parent
    manifest.write(folder, default=generate.ENCODER)
    decoder = folder / generate.DECODER
    content = decoder.read_bytes()
    try:
        decoder.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        with pytest.raises(ExportError, match="hash differs"):
            manifest.check(folder)
    finally:
        decoder.write_bytes(content)


def test_optimum_still_leaves_the_cache_of_an_encoder_on(tmp_path: Path) -> None:
    """When this fails, `optimum.export` need not copy the model any more."""
    from optimum.exporters.onnx import onnx_export_from_model

    task = Summarization(max_summary_tokens=LENGTH)
    model = hf.load(tiny.write("t5", tmp_path / "backbone", words=WORDS), task.head).model.eval()
    assert not model.encoder.config.use_cache
    onnx_export_from_model(model, tmp_path / "draft", task=task.onnx_task, opset=17, device="cpu", do_validation=False,
                           no_post_process=True)
    assert model.encoder.config.use_cache
