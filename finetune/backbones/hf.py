"""Backbones of transformers: the only file that calls its Auto classes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import transformers

from finetune.backbones import preprocessing
from finetune.contracts import Head, Loaded
from finetune.data.text import Marks
from finetune.errors import BackboneError, some

if TYPE_CHECKING:
    from pathlib import Path

    from finetune.contracts import Decoding

MAJOR = int(transformers.__version__.split(".")[0])  # of the library line: 4 or 5
# Image processors that need no torchvision, since only their settings are read; each line has its own word for them.
PLAIN: dict[str, Any] = {"use_fast": False} if MAJOR < 5 else {"backend": "pil"}
MOMENTUM = 0.1  # torch's own: what a batch norm takes of new rows
# Where older backbones keep how they write: in the configuration of the model, of a T5 by task.
ELSEWHERE = ("task_specific_params", "num_beams", "length_penalty", "min_length", "max_length", "early_stopping",
             "no_repeat_ngram_size", "encoder_no_repeat_ngram_size", "repetition_penalty", "forced_bos_token_id",
             "forced_eos_token_id", "num_beam_groups", "diversity_penalty")


def load(place: str | Path, head: Head, *, revision: str | None = None, local: bool = True) -> Loaded:
    """The weights at `place` (folder or Hub name) with the task's head; safetensors only, no code from the place."""
    options: dict[str, Any] = {"revision": revision, "local_files_only": local, "trust_remote_code": False}
    config = _config(place, head, options)
    with quiet():
        model, info = getattr(transformers, head.auto).from_pretrained(
            place, config=config, use_safetensors=True, ignore_mismatched_sizes=True, output_loading_info=True,
            **options,
        )
    fresh = refuse_unfit(model, info, place)
    return _loaded(model, place, head=head, options=options, fresh=fresh)


def random(place: str | Path, head: Head, *, revision: str | None = None, local: bool = True) -> Loaded:
    """The architecture at `place` with new weights from torch's current random state."""
    options: dict[str, Any] = {"revision": revision, "local_files_only": local, "trust_remote_code": False}
    config = _config(place, head, options)
    if head.size is not None and hasattr(config, "image_size"):
        config.image_size = head.size  # the positions of a ViT are for one size
    model = getattr(transformers, head.auto).from_config(config, trust_remote_code=False)
    return _loaded(model, place, head=head, options=options)


def reload(folder: Path, head: Head, *, attention: str | None = None) -> Any:
    """The model that `save_pretrained` wrote; `attention` chooses its implementation (the exporter wants eager)."""
    options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    refuse_code(folder, options)
    chosen = {"attn_implementation": attention} if attention else {}
    auto = getattr(transformers, head.auto)
    model = auto.from_pretrained(folder, use_safetensors=True, **options, **chosen).eval()
    if head.decoding is not None:
        _set_decoding(model, head.decoding, _marks(model, folder))
    return model


@contextmanager
def quiet() -> Iterator[None]:
    """transformers without its warnings: a newly initialized head is the purpose here."""
    before = transformers.logging.get_verbosity()
    transformers.logging.set_verbosity_error()
    try:
        yield
    finally:
        transformers.logging.set_verbosity(before)


def refuse_unfit(model: Any, info: dict[str, Any], place: str | Path) -> tuple[str, ...]:
    """Names of the weights that the file did not bring, and that are random therefore.

    Raises BackboneError where they are more than half.
    """
    mismatched = [key if isinstance(key, str) else key[0] for key in info["mismatched_keys"]]  # (name, shape, shape)
    fresh = tuple(sorted([*info["missing_keys"], *mismatched]))
    num_weights = len(model.state_dict())
    if 2 * len(fresh) > num_weights:
        raise BackboneError(
            f"model.name: {place}",
            f"its model.safetensors does not fit its config.json: {len(fresh)} of {num_weights} weights are missing or "
            f"have another shape ({some(fresh, 2)}). Use files that belong together, or model.random=true.",
        )
    return fresh


def refuse_code(place: str | Path, options: dict[str, Any]) -> None:
    """Raises BackboneError where a configuration would run code in spite of trust_remote_code=False.

    transformers 4.57 takes the flag from the file of a LightGlue (CVE-2026-5241), and the name of a kernel on the Hub
    for an attention (CVE-2026-4372, where `kernels` is installed).
    """
    settings, _ = transformers.PretrainedConfig.get_config_dict(place, **options)
    if named := sorted(set(_naming_code(settings))):
        raise BackboneError(f"model.name: {place}", f"its config.json names code to be run, under {some(named, 3)}. "
                                                    "Use a backbone without it: only weights are loaded here.")


def _naming_code(settings: Any) -> Iterator[str]:
    """Keys, in whatever depth, under which code is named."""
    if isinstance(settings, dict):
        for key, value in settings.items():
            if (key == "trust_remote_code" and value) or ("attn_implementation" in key and "/" in str(value)):
                yield key
            yield from _naming_code(value)
    elif isinstance(settings, list):
        for value in settings:
            yield from _naming_code(value)


def _config(place: str | Path, head: Head, options: dict[str, Any]) -> Any:
    refuse_code(place, options)
    if head.decoding is not None:
        return transformers.AutoConfig.from_pretrained(place, **options)
    names = head.labels
    named = {"id2label": dict(enumerate(names)), "num_labels": len(names),
             "label2id": {name: position for position, name in enumerate(names)}} if names else {}
    return transformers.AutoConfig.from_pretrained(place, **options, problem_type=head.problem, **named)


def counted(loaded: Loaded) -> Loaded:
    """The same with the number of its weights; all of them are trained until something freezes some."""
    count = sum(weight.numel() for weight in loaded.model.parameters())
    return replace(loaded, num_weights=count, num_trained=count)


def _loaded(
    model: Any, place: str | Path, *, head: Head, options: dict[str, Any], fresh: tuple[str, ...] = ()
) -> Loaded:
    if head.auto == "AutoModelForImageClassification":
        native = transformers.AutoImageProcessor.from_pretrained(place, **PLAIN, **options)
        pictures: Any = preprocessing.of_pictures(native.to_dict(), place, size=head.size)
        remember_longer(model)
        return counted(Loaded(model=model, processor=pictures, native=native, source="", name=str(place), fresh=fresh,
                              settings_from="the weights' preprocessor_config.json"))
    native = transformers.AutoTokenizer.from_pretrained(place, use_fast=True, **options)
    return with_tokenizer(model, native, head, place=place, fresh=fresh)


def with_tokenizer(model: Any, native: Any, head: Head, *, place: str | Path, fresh: tuple[str, ...] = ()) -> Loaded:
    """A text model and its tokenizer; one that writes texts is set to write them as the task has it."""
    processor = preprocessing.of_texts(native, model.config, place)
    if head.decoding is not None:
        marks = _marks(model, place)
        processor = replace(processor, marks=marks)
        _set_decoding(model, head.decoding, marks)
    return counted(Loaded(model=model, processor=processor, native=native, source="", name=str(place), fresh=fresh,
                          settings_from="the weights' tokenizer.json"))


def remember_longer(model: Any) -> None:
    """Let batch norms follow the rows slowly, where a port from TensorFlow has its momentum the wrong way round.

    There it is what is kept, in torch what is new: with the 0.997 of a MobileNetV2 in transformers 4.57 (an
    EfficientNet has 0.99) the last micro-batch alone would decide on how a model answers. See
    test_transformers_still_has_the_momentum_of_tensorflow.
    """
    for part in model.modules():
        if (getattr(part, "momentum", None) or 0) > 0.5:
            part.momentum = MOMENTUM


def _marks(model: Any, place: str | Path) -> Marks:
    """The ids between which the decoder writes, as the backbone's own settings have them."""
    own, config = model.generation_config, model.config

    def named(name: str) -> Any:
        found = getattr(own, name, None)
        found = getattr(config, name, None) if found is None else found
        return found[0] if isinstance(found, list) else found

    start, end, pad = (named(name) for name in ("decoder_start_token_id", "eos_token_id", "pad_token_id"))
    if None in (start, end, pad):
        raise BackboneError(f"model.name: {place}", "its configuration does not say with which tokens a text begins, "
                                                    "ends and is padded. Use a T5 or BART, such as google-t5/t5-small.")
    return Marks(start, end, pad, named("forced_bos_token_id"))


def _set_decoding(model: Any, decoding: Decoding, marks: Marks) -> None:
    """Make the task's settings the model's own: then they are saved with it, and `generate()` needs none."""
    longest = getattr(model.config, "max_position_embeddings", None)
    if longest is not None and decoding.max_tokens > longest:
        raise BackboneError(f"task.max_summary_tokens: {decoding.max_tokens}",
                            f"this backbone writes at most {longest} tokens. Use at most {longest}.")
    for name in ELSEWHERE:  # what save_pretrained would otherwise put over ours
        if getattr(model.config, name, None) is not None:
            setattr(model.config, name, None)
    model.generation_config = transformers.GenerationConfig(
        num_beams=decoding.num_beams, max_new_tokens=decoding.max_tokens, min_new_tokens=decoding.min_tokens or None,
        length_penalty=decoding.length_penalty, decoder_start_token_id=marks.start_id, eos_token_id=marks.end_id,
        pad_token_id=marks.pad_id, forced_bos_token_id=marks.first_id,
    )
