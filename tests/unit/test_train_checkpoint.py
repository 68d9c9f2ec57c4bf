"""Checkpoints: what is restored, what is kept, and that damage is found before anything is used."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from finetune.errors import TrainingError
from finetune.spec import Train
from finetune.train import checkpoint
from finetune.train.optim import optimizer
from finetune.train.progress import Progress

FILES = ("manifest.json", "model.safetensors", "optimizer.safetensors", "progress.json", "random-00000.safetensors")
PROGRESS = Progress(step=2, best_step=1, best_score=0.1 + 0.2, evaluations_without_gain=1, seconds=1 / 3)


class Tied(nn.Module):
    """An embedding that is also the output matrix, and batch norm with its counts."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.norm, self.output = nn.Embedding(6, 4), nn.BatchNorm1d(4), nn.Linear(4, 6, bias=False)
        self.output.weight = self.embedding.weight

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return torch.as_tensor(self.output(self.norm(self.embedding(ids))))


def made(seed: int) -> tuple[Tied, torch.optim.Optimizer]:
    torch.manual_seed(seed)
    model = Tied()
    return model, optimizer(model, Train(lr=0.01))


def trained(model: Tied, adam: torch.optim.Optimizer, *, steps: int) -> None:
    for _ in range(steps):
        logits = model(torch.randint(0, 6, (8,)))
        logits.logsumexp(dim=1).sum().backward()
        adam.step()
        adam.zero_grad()


def saved(folder: Path, step: int = 2, *, best_step: int = 1) -> Path:
    model, adam = made(step)
    trained(model, adam, steps=2)
    return checkpoint.save(folder, model, adam, progress=Progress(step=step, best_step=best_step),
                           random={"random-00000": checkpoint.random_state()})


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two good checkpoints."""
    folder = tmp_path_factory.mktemp("pair")
    saved(folder, 1)
    saved(folder, 2)
    return folder


@pytest.fixture
def two(pair: Path, tmp_path: Path) -> Path:
    """The same folder, to be damaged."""
    return Path(shutil.copytree(pair, tmp_path / "checkpoints"))


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_weights_and_optimizer_state_are_restored_to_the_bit(tmp_path: Path) -> None:
    model, adam = made(0)
    trained(model, adam, steps=3)
    folder = checkpoint.save(tmp_path, model, adam, progress=PROGRESS, random={"random-00000": checkpoint.random_state()})
    other, other_adam = made(1)
    assert checkpoint.load(folder, other, other_adam) == PROGRESS
    assert other.state_dict().keys() == model.state_dict().keys()
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in other.state_dict().items())
    ours, theirs = adam.state_dict(), other_adam.state_dict()
    assert theirs["state"].keys() == ours["state"].keys() == {0, 1, 2}
    for weight, entry in ours["state"].items():
        assert entry.keys() == {"step", "exp_avg", "exp_avg_sq"}
        assert all(torch.equal(theirs["state"][weight][name], value) for name, value in entry.items())
        assert float(theirs["state"][weight]["step"]) == 3.0
    assert json.dumps(theirs["param_groups"]) == json.dumps(ours["param_groups"])


def test_training_goes_on_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    model, adam = made(0)
    trained(model, adam, steps=2)
    folder = checkpoint.save(tmp_path, model, adam, progress=PROGRESS, random={"random-00000": checkpoint.random_state()})
    trained(model, adam, steps=3)
    other, other_adam = made(1)
    checkpoint.load(folder, other, other_adam)
    checkpoint.load_random(folder, 0, 1)
    trained(other, other_adam, steps=3)
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in other.state_dict().items())


def test_tied_weights_are_still_tied_after_loading(tmp_path: Path) -> None:
    folder = saved(tmp_path)
    model, adam = made(5)
    checkpoint.load(folder, model, adam)
    assert model.output.weight.data_ptr() == model.embedding.weight.data_ptr()


def test_weights_alone_can_be_restored(tmp_path: Path) -> None:
    folder = saved(tmp_path)
    model, other = made(0)[0], made(1)[0]
    checkpoint.load(folder, model, made(0)[1])
    checkpoint.load_weights(folder, other)
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in other.state_dict().items())


def test_damaged_weights_are_not_restored(tmp_path: Path) -> None:
    folder, (model, _) = saved(tmp_path), made(7)
    flip(folder / "model.safetensors")
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(TrainingError, match=r"step-00000002: model\.safetensors is not what was written .* Start a new run"):
        checkpoint.load_weights(folder, model)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_drawing_goes_on_where_the_random_state_was_taken(tmp_path: Path) -> None:
    folder = saved(tmp_path)
    checkpoint.load_random(folder, 0, 1)
    first = torch.rand(5)
    torch.manual_seed(99)
    checkpoint.load_random(folder, 0, 1)
    assert torch.equal(torch.rand(5), first)


@pytest.mark.parametrize("process", [0, 1])
def test_another_number_of_processes_than_were_saved_is_refused(process: int, tmp_path: Path) -> None:
    folder = saved(tmp_path)
    with pytest.raises(TrainingError, match=r"was written by 1 process\(es\) and cannot be resumed exactly with 2\. Start as many"):
        checkpoint.load_random(folder, process, 2)


def test_folder_holds_safetensors_and_json_only(pair: Path) -> None:
    for folder in pair.iterdir():
        assert names(folder) == sorted(FILES)
        for file in folder.iterdir():
            head = file.read_bytes()[:9]
            assert head.lstrip().startswith(b"{") if file.suffix == ".json" else head[8:9] == b"{"


def test_manifest_lists_every_other_file(pair: Path) -> None:
    manifest = json.loads((pair / "step-00000002" / "manifest.json").read_text())
    assert sorted(manifest["files"]) == sorted(set(FILES) - {"manifest.json"})


def test_newest_undamaged_checkpoint_is_taken(pair: Path) -> None:
    rejected: list[str] = []
    assert checkpoint.newest(pair, rejected.append) == pair / "step-00000002"
    assert rejected == []


def test_there_is_no_newest_where_nothing_was_saved(tmp_path: Path) -> None:
    rejected: list[str] = []
    assert checkpoint.newest(tmp_path / "never", rejected.append) is None
    assert rejected == []


def flip(file: Path, position: int = -1, bit: int = 0) -> None:
    content = bytearray(file.read_bytes())
    content[position] ^= 1 << bit
    file.write_bytes(content)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "missing": lambda file: file.unlink(),
    "empty": lambda file: file.write_bytes(b""),
    "truncated": lambda file: file.write_bytes(file.read_bytes()[:-1]),
    "halved": lambda file: file.write_bytes(file.read_bytes()[: file.stat().st_size // 2]),
    "longer": lambda file: file.write_bytes(file.read_bytes() + b"0"),
    "first bit": lambda file: flip(file, 0, 7),
    "bit in the middle": lambda file: flip(file, file.stat().st_size // 2, 3),
    "last bit": lambda file: flip(file, -1, 0),
}


def test_damage_is_tried_on_every_file(pair: Path) -> None:
    assert names(pair / "step-00000002") == sorted(FILES)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kind", DAMAGES)
def test_damaged_checkpoint_is_named_and_the_next_older_one_taken(kind: str, name: str, two: Path) -> None:
    DAMAGES[kind](two / "step-00000002" / name)
    rejected: list[str] = []
    assert checkpoint.newest(two, rejected.append) == two / "step-00000001"
    assert len(rejected) == 1
    assert rejected[0].startswith(f"{two / 'step-00000002'}: ")
    assert name in rejected[0] or name == "manifest.json"  # whose damage may name a file that it lists


def test_no_part_of_the_manifest_can_change_unseen(two: Path) -> None:
    shutil.rmtree(two / "step-00000001")
    manifest = two / "step-00000002" / "manifest.json"
    content, unseen = manifest.read_bytes(), []
    places = [(position, bit) for position in range(20) for bit in range(8)]  # the format among them
    places += [(position, position % 8) for position in range(20, len(content), 3)]
    for position, bit in places:
        manifest.write_bytes(content)
        flip(manifest, position, bit)
        if checkpoint.newest(two, lambda _: None):
            unseen.append((position, bit, content[position : position + 1]))
    assert unseen == []


def test_checkpoint_of_another_format_is_passed_over(two: Path) -> None:
    manifest = two / "step-00000002" / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"format": checkpoint.FORMAT + 1}))
    rejected: list[str] = []
    assert checkpoint.newest(two, rejected.append) == two / "step-00000001"
    assert "format 2" in rejected[0]


def test_where_every_checkpoint_is_damaged_all_are_named_and_none_is_taken(two: Path) -> None:
    for folder in two.iterdir():
        (folder / "progress.json").unlink()
    rejected: list[str] = []
    assert checkpoint.newest(two, rejected.append) is None
    assert [text.partition(": ")[0] for text in rejected] == [str(two / "step-00000002"), str(two / "step-00000001")]
    assert all(text.endswith("progress.json is missing. It is passed over.") for text in rejected)


def test_draft_of_a_killed_save_is_ignored_and_replaced(two: Path) -> None:
    draft = two / ".step-00000003.draft"
    shutil.copytree(two / "step-00000002", draft)
    (draft / "left-over.safetensors").write_bytes(b"1")
    rejected: list[str] = []
    assert checkpoint.newest(two, rejected.append) == two / "step-00000002"
    assert rejected == []
    final = saved(two, 3)
    assert names(final) == sorted(FILES)
    assert not draft.exists()


def test_damaged_checkpoint_of_the_same_step_is_replaced(two: Path) -> None:
    flip(two / "step-00000002" / "model.safetensors")
    saved(two, 2)
    assert checkpoint.newest(two, pytest.fail) == two / "step-00000002"


@pytest.mark.parametrize(("best_steps", "expected"), [
    ((1, 1, 1, 1, 1), [1, 4, 5]), ((1, 2, 2, 4, 4), [4, 5]), ((1, 2, 3, 3, 3), [3, 4, 5]), ((1, 2, 3, 4, 5), [4, 5]),
])
def test_the_newest_two_and_the_best_are_kept(best_steps: tuple[int, ...], expected: list[int], tmp_path: Path) -> None:
    for step, best_step in enumerate(best_steps, start=1):
        saved(tmp_path, step, best_step=best_step)
    assert names(tmp_path) == [f"step-{step:08d}" for step in expected]
