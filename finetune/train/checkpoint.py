"""Checkpoints: complete or absent, verified before use, safetensors and JSON only."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from finetune.errors import TrainingError
from finetune.machine import versions
from finetune.train.progress import Progress
from finetune.write import digest, os_errors, sync, write_text

FORMAT = 1
KEEP = 2  # newest checkpoints kept, besides the best


def save(
    folder: Path, model: torch.nn.Module, optimizer: Any, *, progress: Progress, random: dict[str, Any]
) -> Path:
    """Write `step-N` below `folder`: a new folder, synced, with a manifest of hashes, then renamed into place.

    `random` holds the random state of every process, by file name. Raises OSError when the disk is full; nothing
    half-written is left then.
    """
    final = folder / f"step-{progress.step:08d}"
    draft = folder / f".{final.name}.draft"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        weights = model.state_dict()
        _write(_own(weights), draft / "model.safetensors")
        tensors, groups = _flat(optimizer.state_dict())
        _write(tensors, draft / "optimizer.safetensors")
        for name, state in random.items():
            _write(state, draft / f"{name}.safetensors")
        write_text(draft / "progress.json", json.dumps({
            "progress": progress.as_json(), "groups": groups, "weights": list(weights),
            "transformers": _transformers(),
        }))
        files = {file.name: digest(file) for file in sorted(draft.iterdir())}
        write_text(draft / "manifest.json", json.dumps({"format": FORMAT, "files": files}, indent=2))
        for file in draft.iterdir():
            sync(file)
        shutil.rmtree(final, ignore_errors=True)
        draft.rename(final)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    sync(folder)
    _rotate(folder, progress)
    return final


def newest(folder: Path, rejected: Callable[[str], None]) -> Path | None:
    """The newest complete checkpoint; damaged ones are named to `rejected` and passed over."""
    for candidate in sorted(folder.glob("step-*"), reverse=True):
        problem = _damage(candidate)
        if problem is None:
            return candidate
        rejected(f"{candidate}: {problem} It is passed over.")
    return None


def load(checkpoint: Path, model: torch.nn.Module, optimizer: Any) -> Progress:
    """Restore weights and optimizer; returns where the run stood.

    Raises TrainingError where this transformers has other names for the weights, or another order of them.
    """
    state = json.loads((checkpoint / "progress.json").read_text())
    weights = load_file(checkpoint / "model.safetensors")
    _check_names(checkpoint, state.get("weights") or sorted(weights), list(model.state_dict()),
                 wrote=state.get("transformers"))
    model.load_state_dict(weights)
    tensors = load_file(checkpoint / "optimizer.safetensors")
    optimizer.load_state_dict(_nested(tensors, state["groups"]))
    return Progress(**state["progress"])


def load_weights(checkpoint: Path, model: torch.nn.Module) -> None:
    """Restore the weights alone, as after training from the best checkpoint."""
    problem = _damage(checkpoint)
    if problem:
        raise TrainingError(str(checkpoint), f"{problem} The best weights are lost with it. Start a new run.")
    model.load_state_dict(load_file(checkpoint / "model.safetensors"))


def random_state() -> dict[str, Any]:
    """This process's torch random state; numpy and Python are never drawn from without a key of their own."""
    state = {"cpu": torch.get_rng_state()}
    return state | {"cuda": torch.cuda.get_rng_state()} if torch.cuda.is_available() else state


def set_random_state(state: dict[str, Any]) -> None:
    """Go on drawing where `random_state` was taken."""
    torch.set_rng_state(state["cpu"])
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])


def load_random(checkpoint: Path, process: int, processes: int) -> None:
    """Restore one process's random state, if as many processes were saved: more or fewer would not go on exactly."""
    saved = len(list(checkpoint.glob("random-*.safetensors")))
    if saved != processes:
        raise TrainingError(
            str(checkpoint),
            f"was written by {saved} process(es) and cannot be resumed exactly with {processes}. "
            "Start as many as then.",
        )
    set_random_state(load_file(checkpoint / f"random-{process:05d}.safetensors"))


def _check_names(checkpoint: Path, theirs: list[str], ours: list[str], *, wrote: str | None) -> None:
    """Raise TrainingError where names differ, or their order, by which alone the optimizer knows its weights."""
    if theirs == ours or (wrote is None and theirs == sorted(ours)):  # written before the order was noted
        return
    if set(theirs) == set(ours):
        what = "another order"
        one, other = next(pair for pair in zip(theirs, ours, strict=True) if pair[0] != pair[1])
    else:
        what = "other names"
        one, other = (next((name for name in names if name not in others), "nothing")
                      for names, others in ((theirs, set(ours)), (ours, set(theirs))))
    raise TrainingError(
        str(checkpoint),
        f"was written beside transformers {wrote or 'of another version'} and is read beside {_transformers()}, where "
        f"the weights of this architecture have {what} ({one} there, {other} here), so training cannot go on "
        "with it. Finish the run in the environment that began it (docs/lines.md), or start a new one.",
    )


def _transformers() -> str:
    return versions().get("transformers", "none")


def _damage(checkpoint: Path) -> str | None:
    """What is wrong with a checkpoint, or None."""
    manifest = checkpoint / "manifest.json"
    if not manifest.is_file():
        return "has no manifest, so it was never completed."
    try:
        content = json.loads(manifest.read_text())
        format, listed = content["format"], content["files"]
    except (ValueError, KeyError, TypeError):
        return "its manifest cannot be read."
    if format != FORMAT:
        return f"its manifest has format {format!r}, known is {FORMAT}."
    for name, expected in listed.items():
        if not (checkpoint / name).is_file():
            return f"{name} is missing."
        if digest(checkpoint / name) != expected:
            return f"{name} is not what was written (its hash differs)."
    return None


def _write(tensors: dict[str, torch.Tensor], file: Path) -> None:
    with os_errors(file):
        save_file(tensors, file)


def _rotate(folder: Path, progress: Progress) -> None:
    kept = {f"step-{progress.best_step:08d}"}
    for old in sorted(folder.glob("step-*"), reverse=True)[KEEP:]:
        if old.name not in kept:
            shutil.rmtree(old)


def _own(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Tied weights as copies, since safetensors stores no shared memory."""
    seen: set[int] = set()
    found = {}
    for name, tensor in tensors.items():
        shared = tensor.data_ptr() in seen
        seen.add(tensor.data_ptr())
        found[name] = tensor.detach().clone() if shared else tensor.detach().contiguous()
    return found


def _flat(state: dict[str, Any]) -> tuple[dict[str, torch.Tensor], list[dict[str, Any]]]:
    tensors = {f"{weight}.{name}": value for weight, entry in state["state"].items() for name, value in entry.items()}
    return {name: torch.as_tensor(value).contiguous() for name, value in tensors.items()}, state["param_groups"]


def _nested(tensors: dict[str, torch.Tensor], groups: list[dict[str, Any]]) -> dict[str, Any]:
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        weight, _, name = key.partition(".")
        state.setdefault(int(weight), {})[name] = value
    return {"state": state, "param_groups": groups}
