"""A run that was stopped and resumed ends with the very weights of the run that was not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from finetune.errors import Interrupted
from finetune.spec import Lora
from finetune.train import checkpoint, loop
from finetune.train.progress import Progress
from tests.parity import setting

pytestmark = pytest.mark.slow
# Dropout on; augmentation on for pictures; batch norm in the ResNet; blocks left out at random in EfficientNet and ConvNeXt.
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "bert": ("bert", {}), "vit": ("vit", {}), "resnet": ("resnet", {}),
    "bert with dora": ("bert", {"adapter": Lora(method="dora", dropout=0.1)}),
    "resnet with lora": ("resnet", {"adapter": Lora(rank=2)}),
    "bert with labels drawn evenly": ("bert", {"sampler": "balanced", "loss": "focal"}),
    "resnet half frozen": ("resnet", {"freeze": 1}),
    "vit on mixed pictures": ("vit", {"task": {"augmentations": ("shift", "trivial", "mixup", "cutmix"), "mix_until": 2}}),
    "tags": ("tags", {}), "answers": ("answers", {}),
    "efficientnet": ("efficientnet", {}), "timm_convnext half frozen": ("timm_convnext", {"freeze": 1}),
    "bert on changed texts": ("bert", {"task": {"augmentations": ("typos", "drop_words", "swap_words")}}),
}
STEPS_PER_EPOCH = 6


def weights(made: loop.Training) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in made.fitting.model.state_dict().items()}


def training(case: str, folder: Path, **more: Any) -> loop.Training:
    kind, options = CASES[case]
    settings = {name: value for name, value in options.items() if name != "task"}
    return setting.training(kind, folder, train=setting.epochs(3, **settings), options=options.get("task"), **more)


def stopped_after(step: int, case: str, folder: Path) -> loop.Training:
    """The same run, asked to stop once `step` steps are done, then resumed by fresh objects."""
    seen = {"step": 0}

    class Counter:
        def on_step(self, event: dict[str, int]) -> None:
            seen["step"] = event["step"]

        def __getattr__(self, name: str) -> object:
            return lambda event: None

    first = training(case, folder, interrupted=lambda: seen["step"] >= step, hooks=[Counter()])
    with pytest.raises(Interrupted):
        loop.fit(first, Progress())
    second = training(case, folder)
    found = checkpoint.newest(second.checkpoints, print)
    assert found is not None
    progress = loop.resume(second, found)
    assert progress.step == step
    loop.fit(second, progress)
    return second


@pytest.fixture(scope="module", params=CASES)
def undisturbed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, torch.Tensor], Path]:
    folder = tmp_path_factory.mktemp(request.param.replace(" ", "-"))
    made = training(request.param, folder)
    loop.fit(made, Progress())
    return request.param, weights(made), folder


@pytest.mark.parametrize("step", [STEPS_PER_EPOCH, 2 * STEPS_PER_EPOCH, STEPS_PER_EPOCH + 2])
def test_resumed_weights_are_bit_identical(step: int, undisturbed: tuple[str, dict[str, torch.Tensor], Path], tmp_path: Path) -> None:
    case, expected, folder = undisturbed
    found = weights(stopped_after(step, case, tmp_path))
    assert found.keys() == expected.keys()
    different = [name for name in expected if not torch.equal(found[name], expected[name])]
    assert different == []
    logs = [[json.loads(line) | {"rows_per_second": 0} for line in (place / "log.jsonl").read_text().splitlines()]
            for place in (folder, tmp_path)]
    assert logs[0] == logs[1]


def test_another_seed_gives_other_weights(tmp_path: Path) -> None:
    """The comparison above could not fail if nothing random were left in a run."""
    made = setting.training("bert", tmp_path / "a", train=setting.steps(3, batch=16, micro_batch=16))
    before = weights(made)
    loop.fit(made, Progress())
    torch.manual_seed(1)
    other = setting.training("bert", tmp_path / "b", train=setting.steps(3, batch=16, micro_batch=16))
    torch.manual_seed(99)  # dropout alone differs
    loop.fit(other, Progress())
    assert any(not torch.equal(before[name], value) for name, value in weights(made).items())
    assert any(not torch.equal(weights(made)[name], value) for name, value in weights(other).items())
