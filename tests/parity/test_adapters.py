"""Base and adapter folder, put together by peft in a fresh process, answer as the model that was trained."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from finetune.backbones import adapters
from finetune.evaluate.infer import torch_infer
from finetune.spec import Lora
from finetune.train import loop
from finetune.train.progress import Progress
from tests.parity import setting

pytestmark = pytest.mark.slow
CASES = [(kind, method) for kind in ("bert", "vit", "resnet") for method in ("lora", "rslora", "dora")]
# Nothing of ours: what a stranger types who was given the two folders. The seed makes another head every time.
LOAD = """
import json, sys
from pathlib import Path
import numpy as np, torch
from peft import PeftModel
from transformers import AutoModelForImageClassification, AutoModelForSequenceClassification
found = {}
for seed, case in enumerate(json.loads(sys.argv[1])):
    torch.manual_seed(1000 + seed)
    folder = Path(case)
    auto = AutoModelForSequenceClassification if "bert" in folder.name else AutoModelForImageClassification
    backbone = next(part for part in folder.iterdir() if part.name in ("bert", "vit", "resnet"))
    base = auto.from_pretrained(backbone, local_files_only=True)
    model = PeftModel.from_pretrained(base, folder / "adapter", local_files_only=True).eval()
    inputs = {name: torch.from_numpy(value) for name, value in np.load(folder / "inputs.npz").items()}
    with torch.inference_mode():
        found[case] = model(**inputs).logits.tolist()
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Logits of a validation batch: of the trained model, of its merged form, and of the fresh process."""
    folders, here = {}, {}
    for kind, method in CASES:
        folder = tmp_path_factory.mktemp(f"{kind}-{method}")
        train = replace(setting.epochs(2), lr=0.02, adapter=Lora(rank=4, method=method))  # type: ignore[arg-type]
        made = setting.training(kind, folder, train=train)
        loop.fit(made, Progress())
        model, task = made.fitting.model, made.validation.task
        batch = task.collate([made.validation[i] for i in range(8)], made.validation.processor)
        adapters.save(model, folder / "adapter")
        np.savez(folder / "inputs.npz", **batch.inputs)
        adapted = torch_infer(model, task)(batch)[0]["logits"]
        here[kind, method] = adapted, torch_infer(adapters.merge(model), task)(batch)[0]["logits"]
        folders[str(folder)] = (kind, method)
    done = subprocess.run([sys.executable, "-c", LOAD, json.dumps(list(folders))], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    there = json.loads(done.stdout.splitlines()[-1])
    return {case: (*here[case], np.array(there[folder])) for folder, case in folders.items()}


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_fresh_process_gives_the_same_logits(case: tuple[str, str], answers: dict[tuple[str, str], tuple[np.ndarray, ...]]) -> None:
    adapted, _, there = answers[case]
    assert np.ptp(adapted) > 0.01
    np.testing.assert_array_equal(there, adapted)


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_merged_model_gives_the_same_logits(case: tuple[str, str], answers: dict[tuple[str, str], tuple[np.ndarray, ...]]) -> None:
    adapted, merged, _ = answers[case]
    assert np.abs(merged - adapted).max() <= 1e-6 * max(1.0, np.abs(adapted).max())
