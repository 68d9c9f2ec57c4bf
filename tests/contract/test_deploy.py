"""The exported folder in use: alone with the base install, and as `docs/deploy.md` shows it."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, Finished, finetune

pytestmark = pytest.mark.slow
OURS, *EXAMPLES = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs/deploy.md").read_text(), re.DOTALL | re.MULTILINE)
ROWS = 24  # of the sample's test rows
SECONDS = 1.0  # of the processor, from the interpreter's start to the first answer
ALONE = """
import json, sys, time
from dataclasses import replace
from pathlib import Path
place, rows = Path(sys.argv[1]), json.load(sys.stdin)
import finetune.predict
from finetune.export.generate import ENCODER, open_model
model = finetune.predict.Predictor.open(place)
first = model(rows[:1])
seconds = time.process_time()
heavy = [name for name in ("torch", "transformers", "optimum", "datasets", "sklearn") if name in sys.modules]
file = place / "onnx" / (ENCODER if model.task.head.decoding else "model.onnx")
whole = replace(model, session=open_model(file, model.task, model.processor))
print(json.dumps({"seconds": seconds, "heavy": heavy, "first": first, "answers": whole(rows)}))
"""


def held_out(run: Path) -> list[dict[str, Any]]:
    from finetune.run.folder import RunFolder

    return [*RunFolder(run).table("test").slice(0, ROWS).to_pylist()]


def asked(run: Path, folder: Path) -> list[dict[str, Any]]:
    """Test rows of the sample, as `predict` takes them: without what is learnt, pictures as files."""
    from finetune import saved

    task, _, _ = saved.read(run / "onnx")
    roles = [role for role in task.roles if role != task.target]
    rows = [{role: row[role] for role in roles} for row in held_out(run)]
    for position, row in enumerate(rows):
        if isinstance(row.get("image"), bytes):
            (folder / f"{position}.png").write_bytes(row["image"])
            row["image"] = str(folder / f"{position}.png")
    return rows


def from_pytorch(run: Path) -> list[dict[str, Any]]:
    from finetune import saved
    from finetune.backbones import resolve
    from finetune.evaluate.infer import torch_infer

    task, processor, family = saved.read(run / "model")
    infer = torch_infer(resolve.reload(run / "model", family, task.head), task)
    answers = []
    for row in held_out(run):
        batch = task.collate(task.encode([row], processor), processor)
        answers += task.answers(task.predict(infer(batch)[0], batch))
    return answers


def same(one: Any, other: Any) -> bool:
    """Whether two answers say the same, numbers within rounding."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == pytest.approx(other, abs=1e-4, rel=1e-4)) if isinstance(one, float) else bool(one == other)


def test_base_install_answers_in_a_second_as_the_full_stack_does(finished: Finished, tmp_path: Path) -> None:
    _, run, _ = finished
    rows = asked(run, tmp_path)
    done = subprocess.run([sys.executable, "-c", ALONE, str(run)], input=json.dumps(rows), capture_output=True, text=True, timeout=120,
                          cwd=ROOT)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["heavy"] == []
    assert found["seconds"] < SECONDS
    assert len(found["answers"]) == len(rows) > 1
    for answer, expected in zip(found["answers"], from_pytorch(run), strict=True):
        assert same({name: value for name, value in answer.items() if name != "input"}, expected)


def test_the_guide_shows_texts_and_pictures() -> None:
    assert len(EXAMPLES) == 2
    assert all("temperature" in example for example in EXAMPLES)


def test_the_example_with_our_own_package_answers_as_the_command_does(run_of: Callable[[str], Finished]) -> None:
    folder = run_of("sentiment")[1].parents[2]
    shown = subprocess.run([sys.executable, "-c", OURS], cwd=folder, capture_output=True, text=True, timeout=120)
    assert shown.returncode == 0, shown.stderr
    text = re.search(r'\(\["(.+)"\]\)', OURS)[1]  # type: ignore[index]
    told = finetune("predict", "runs/sentiment/last", text, "--json", cwd=folder).stdout
    assert ast.literal_eval(shown.stdout) == [json.loads(told)]


@pytest.mark.parametrize("name", ["sentiment", "images"])
def test_the_example_of_the_guide_answers_as_predict_does(name: str, run_of: Callable[[str], Finished]) -> None:
    from PIL import Image

    run = run_of(name)[1]
    folder = run.parents[2]
    example = next(example for example in EXAMPLES if f"runs/{name}/last" in example)
    Image.linear_gradient("L").resize((40, 30)).save(folder / "picture.png")
    given = "picture.png" if name == "images" else re.search(r'encode\("(.+)"\)', example)[1]  # type: ignore[index]
    assert json.loads((run / "onnx/finetune.json").read_text())["settings"]["temperature"] != 1.0  # else it is not tested here
    shown = subprocess.run([sys.executable, "-c", example], cwd=folder, capture_output=True, text=True, timeout=120)
    assert shown.returncode == 0, shown.stderr
    told = json.loads(finetune("predict", f"runs/{name}/last", given, "--json", cwd=folder).stdout)
    probabilities = ast.literal_eval(shown.stdout)
    assert probabilities == pytest.approx(told["probabilities"], abs=1e-6)
    assert max(probabilities, key=probabilities.get) == told["label"]
