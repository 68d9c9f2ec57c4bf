"""What is told of probabilities before and with a task's temperature."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from finetune import override
from finetune.contracts import Batch
from finetune.errors import SpecError
from finetune.evaluate import calibration
from finetune.spec import Data, Hub, Model, Recipe
from finetune.tasks.image_classification import ImageClassification
from finetune.tasks.pair_classification import PairClassification
from finetune.tasks.text_classification import TextClassification
from tests.unit.test_metrics_calibration import drawn

LABELS = ("a", "b", "c")
TASKS = [TextClassification(labels=LABELS), PairClassification(labels=LABELS), ImageClassification(labels=LABELS)]
Task = TextClassification | PairClassification | ImageClassification


def predicted(task: Task, logits: np.ndarray, targets: np.ndarray) -> dict[str, np.ndarray]:
    return task.predict({"logits": logits}, Batch({}, {"target": targets}, len(logits)))


@pytest.fixture(params=TASKS, ids=["text", "pair", "image"])
def task(request: pytest.FixtureRequest) -> Task:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def overconfident() -> tuple[np.ndarray, np.ndarray]:
    """Logits three times too large, and their targets."""
    probabilities, targets = drawn(3_000, 3.0)
    return np.log(probabilities), targets


def test_a_task_learns_its_temperature_from_validation_rows(task: Task, overconfident: tuple[np.ndarray, np.ndarray]) -> None:
    learnt = task.calibrated(predicted(task, *overconfident))
    assert learnt.temperature == pytest.approx(3.0, rel=0.1)
    assert replace(learnt, temperature=1.0) == task


def test_learning_it_again_changes_nothing(task: Task, overconfident: tuple[np.ndarray, np.ndarray]) -> None:
    learnt = task.calibrated(predicted(task, *overconfident))
    assert learnt.calibrated(predicted(learnt, *overconfident)).temperature == pytest.approx(learnt.temperature, rel=1e-6)


def test_temperature_changes_probabilities_and_no_prediction(task: Task, overconfident: tuple[np.ndarray, np.ndarray]) -> None:
    before, after = (predicted(one, *overconfident) for one in (task, replace(task, temperature=3.0)))
    assert (before["prediction"] == after["prediction"]).all()
    assert (after["probabilities"].argmax(axis=1) == after["prediction"]).all()
    assert (before["probabilities"].max(axis=1) > after["probabilities"].max(axis=1)).all()
    assert task.score(before) == task.score(after)


def test_a_temperature_of_one_leaves_the_probabilities_as_they_are(task: Task) -> None:
    logits = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    found = predicted(task, logits, np.zeros(50, np.int64))["probabilities"]
    np.testing.assert_array_equal(found, weights / weights.sum(axis=1, keepdims=True))


def test_temperature_is_no_setting_that_a_user_types(task: Task) -> None:
    recipe = Recipe(task=task, data=Data(hub=Hub(name="me/rows"), sample="reviews"), model=Model(name="any"))
    assert [path for path in override.paths(recipe) if "temperature" in path] == []
    with pytest.raises(SpecError, match=r"task\.temperature: there is no such key"):
        override.apply(recipe, ["task.temperature=2"])


def test_errors_are_told_before_and_after_for_every_split(task: Task, overconfident: tuple[np.ndarray, np.ndarray]) -> None:
    learnt = replace(task, temperature=3.0)
    found = calibration.errors(learnt, {"validation": predicted(learnt, *overconfident), "test": predicted(learnt, *overconfident)})
    assert found is not None
    assert found["temperature"] == 3.0
    assert list(found["splits"]) == ["validation", "test"]
    plain = calibration.errors(task, {"test": predicted(task, *overconfident)})
    assert plain is not None
    assert found["splits"]["test"]["before"] == pytest.approx(plain["splits"]["test"]["before"], abs=1e-6)
    assert found["splits"]["test"]["after"] < 0.3 * found["splits"]["test"]["before"]


def test_a_task_without_temperature_is_not_told_of() -> None:
    assert calibration.errors(object(), {}) is None  # type: ignore[arg-type]
