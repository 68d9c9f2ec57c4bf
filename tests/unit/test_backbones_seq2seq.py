"""Encoders with decoders: loaded to write as the task has it, frozen, adapted; small ones for a sample."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from finetune.backbones import adapters, anatomy, freeze, hf, small, tiny
from finetune.contracts import Loaded
from finetune.errors import BackboneError
from finetune.evaluate.infer import tensors
from finetune.spec import Lora
from finetune.tasks.summarization import Summarization

pytestmark = pytest.mark.slow
WORDS = ("good", "bad", "film", "text")
TASK = Summarization(max_summary_tokens=9, min_summary_tokens=2, num_beams=3, length_penalty=0.5)
MARKS = {"t5": (0, 3, 0, None), "bart": (3, 3, 0, 2)}


@pytest.fixture(scope="module", params=tiny.SEQ2SEQ)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def folder(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return tiny.write(kind, tmp_path_factory.mktemp(kind) / kind, words=WORDS)


def load(folder: Path, task: Summarization = TASK) -> Loaded:
    return replace(hf.load(folder, task.head), source="folder")


def loss(loaded: Loaded) -> Any:
    rows = [{"text": "good film", "summary": "good"}, {"text": "bad", "summary": "bad text"}]
    batch = tensors(TASK.collate(TASK.encode(rows, loaded.processor), loaded.processor))
    return TASK.loss(loaded.model(**batch.inputs), batch).total


def test_every_miniature_has_its_marks() -> None:
    assert list(tiny.SEQ2SEQ) == list(MARKS)


def test_marks_come_from_the_backbone(kind: str, folder: Path) -> None:
    marks = load(folder).processor.marks
    assert (marks.start_id, marks.end_id, marks.pad_id, marks.first_id) == MARKS[kind]


def test_settings_of_the_task_are_saved_with_the_model_and_no_others(folder: Path, tmp_path: Path) -> None:
    loaded = load(folder)
    loaded.model.config.no_repeat_ngram_size = 3  # as older backbones bring it
    loaded = hf.with_tokenizer(loaded.model, loaded.native, TASK.head, place=folder)
    loaded.model.save_pretrained(tmp_path)
    saved = json.loads((tmp_path / "generation_config.json").read_text())
    assert {name: saved[name] for name in ("num_beams", "max_new_tokens", "min_new_tokens", "length_penalty")} == {
        "num_beams": 3, "max_new_tokens": 9, "min_new_tokens": 2, "length_penalty": 0.5}
    assert "no_repeat_ngram_size" not in saved
    assert hf.reload(tmp_path, TASK.head).generation_config.num_beams == 3


def test_blocks_are_those_of_the_encoder_and_then_of_the_decoder(folder: Path) -> None:
    names = [name.removeprefix("model.") for name in anatomy.blocks(load(folder).model)]
    assert [name.partition(".")[0] for name in names] == ["encoder", "encoder", "decoder", "decoder"]
    assert [name[-1] for name in names] == ["0", "1", "0", "1"]


@pytest.mark.parametrize("depth", ["embeddings", 1, 3])
def test_what_is_frozen_gets_no_gradient(depth: Any, folder: Path) -> None:
    frozen = freeze.freeze(load(folder), depth)
    loss(frozen).backward()
    row = anatomy.blocks(frozen.model)
    number = depth if isinstance(depth, int) else 0
    for name, weight in frozen.model.named_parameters():
        block = next((position for position, outer in enumerate(row) if anatomy.within(name, outer)), None)
        if block is not None:
            assert (weight.grad is None) == (block < number), name
    assert frozen.note is not None
    assert "head" not in frozen.note


def test_there_is_no_head_to_be_trained_alone(folder: Path) -> None:
    with pytest.raises(BackboneError, match="no head is left"):
        freeze.freeze(load(folder), "backbone")


def test_adapters_are_on_both_halves_and_merge_without_a_change(folder: Path) -> None:
    adapted = adapters.attach(load(folder), Lora(rank=2))
    with torch.no_grad():
        for name, weight in adapted.model.named_parameters():
            if "lora_B" in name:
                weight.fill_(0.02)
    trained = [name for name, weight in adapted.model.named_parameters() if weight.requires_grad]
    assert {half for half in ("encoder.", "decoder.") for name in trained if half in name} == {"encoder.", "decoder."}
    adapted.model.eval()
    before = loss(adapted)
    merged = replace(adapted, model=adapters.merge(adapted.model).eval())
    torch.testing.assert_close(loss(merged), before, atol=1e-4, rtol=1e-5)


def test_a_backbone_that_cannot_write_so_much_is_refused(tmp_path: Path) -> None:
    place = tiny.write("bart", tmp_path, words=WORDS)
    with pytest.raises(BackboneError, match="task.max_summary_tokens: 161: this backbone writes at most 160"):
        load(place, Summarization(max_summary_tokens=161))


TEXTS = ["The lift in the lobby is stuck, due today.", "A lamp, dark; due noon!"] * 20


def test_the_same_texts_give_the_same_tokenizer_and_every_text_comes_back() -> None:
    first, again = (small.random("small-t5", TASK.head, texts=iter(TEXTS)) for _ in range(2))
    assert first.processor.tokenizer.to_str() == again.processor.tokenizer.to_str()
    for text in (*TEXTS[:2], "Z\u00fcrich \u4f60\u597d, 3 lifts"):
        ids = first.processor.encode([text], 512)[0]["input_ids"]
        assert ids[-1] == first.processor.marks.end_id
        assert first.processor.decode(ids) == text


def test_a_small_model_is_loaded_again_as_it_was(tmp_path: Path) -> None:
    made = small.random("small-t5", TASK.head, texts=TEXTS)
    made.model.save_pretrained(tmp_path)
    made.native.save_pretrained(tmp_path)
    again = hf.load(tmp_path, TASK.head).processor
    assert (again.inputs, again.marks, again.max_tokens) == (made.processor.inputs, made.processor.marks, 512)


def test_a_small_model_is_told_by_name() -> None:
    with pytest.raises(BackboneError, match="Small models: small-t5"):
        small.random("small-t6", TASK.head, texts=TEXTS)
