"""What other tasks push: a card that the Hub reads as that task's, and a model that answers when it is pulled."""

from __future__ import annotations

import re
import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard, snapshot_download

from finetune.predict import Predictor
from tests.conftest import Finished
from tests.hub import standin
from tests.hub.test_push_and_pull import push

pytestmark = pytest.mark.slow
# Recipe -> its task on the Hub, the first score, and what it is asked.
ASKED: dict[str, tuple[str, str, list[Any]]] = {
    "similarity": ("text-classification", "pearsonr", [{"text_a": "A man eats.", "text_b": "Somebody eats."}, {"text_a": "Yes.", "text_b": "No."}]),
    "ner": ("token-classification", "f1", ["Maria Costa lives in Porto.", "Nobody came. " * 100]),
    "qa": ("question-answering", "f1", [{"question": "Who?", "context": "Maria Costa lives in Porto. " * 60}]),
}


@pytest.fixture(scope="module", params=ASKED)
def pushed(request: pytest.FixtureRequest, run_of: Callable[[str], Finished], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path, Path]]:
    """Recipe, its run, and the folder that was pulled after a push."""
    name, run, _ = run_of(request.param)
    with standin.serving() as server:
        done = push(run, server)
        assert done.returncode == 0, done.stdout + done.stderr
        pulled = tmp_path_factory.mktemp(name)
        snapshot_download("me/model", local_dir=pulled, endpoint=server.address, cache_dir=pulled / ".cache")
        yield name, run, pulled


def test_card_names_task_scores_and_what_to_try(pushed: tuple[str, Path, Path]) -> None:
    name, _, pulled = pushed
    task, score, _ = ASKED[name]
    data = ModelCard.load(pulled / "README.md").data
    assert (data.pipeline_tag, data.library_name) == (task, "transformers")
    assert {"finetune-recipes", "onnx"} <= set(data.tags)
    assert data.eval_results[0].metric_type == data.metrics[0] == score
    assert data.eval_results[0].task_type == task
    widgets = {"ner": [{"text"}], "qa": [{"text", "context"}]}.get(name, [])
    assert [set(entry) for entry in data.get("widget") or ()] == widgets


def test_pulled_model_answers_as_the_original(pushed: tuple[str, Path, Path]) -> None:
    name, run, pulled = pushed
    ours, theirs = Predictor.open(run), Predictor.open(pulled)
    assert theirs.file.is_relative_to(pulled)
    assert ours(ASKED[name][2]) == theirs(ASKED[name][2])


def test_what_the_card_tells_to_type_runs(pushed: tuple[str, Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    name, run, pulled = pushed
    text = (pulled / "README.md").read_text(encoding="utf-8")
    typed = 2 if name in ("similarity", "qa") else 1
    assert re.search(rf'^finetune predict model(?: "[^"]+"){{{typed}}}$', text, re.MULTILINE)
    monkeypatch.chdir(pulled)
    for number, snippet in enumerate(re.findall(r"```python\n(.*?)```", text, re.DOTALL)):
        (pulled / "snippet.py").write_text(snippet.replace('"me/model"', f'"{pulled}"'))
        runpy.run_path(str(pulled / "snippet.py"))
        printed = capsys.readouterr().out.strip()
        if name == "similarity":  # in the unit of the rows, as `finetune predict` says it
            expected = Predictor.open(run)([{"text_a": "The first text.", "text_b": "The second text."}])[0]["value"]
            assert float(printed) == pytest.approx(expected, abs=1e-4 if number else 0.05)
        else:
            assert printed or name == "qa"
