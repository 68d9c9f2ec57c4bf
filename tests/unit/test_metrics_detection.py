"""Two labels of which one is looked for: its scores, its threshold, and the settings that go with it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn import metrics

from finetune.errors import DataError
from finetune.metrics import calibration, detection, ranking
from finetune.tasks.text_classification import TextClassification
from tests.unit.small_tokenizer import processor

TASK = TextClassification(labels=("ham", "spam"), positive="spam", threshold="f1", primary="average_precision")
WANTED = ("average_precision", "roc_auc", "recall_at_99_precision", "f1", "precision", "recall")


def columns(seed: int = 0) -> dict[str, np.ndarray[Any, Any]]:
    random = np.random.default_rng(seed)
    target = (random.random(300) < 0.15).astype(int)
    chance = np.clip(0.2 * target + 0.3 * random.random(300), 0, 1)
    shares = np.stack([1 - chance, chance], axis=1)
    return {"target": target, "probabilities": shares, "prediction": shares.argmax(axis=1)}


def test_scores_of_the_positive_label_are_those_of_scikit_learn() -> None:
    given = columns()
    given["prediction"] = detection.predicted(given["probabilities"], 1, 0.3)
    found = TASK.score(given)
    chance = given["probabilities"][:, 1]
    assert found["average_precision"] == pytest.approx(metrics.average_precision_score(given["target"], chance))
    assert found["roc_auc"] == pytest.approx(metrics.roc_auc_score(given["target"], chance))
    assert found["f1"] == pytest.approx(metrics.f1_score(given["target"], given["prediction"]))
    assert found["recall"] == pytest.approx(metrics.recall_score(given["target"], given["prediction"]))
    assert found["precision"] == pytest.approx(metrics.precision_score(given["target"], given["prediction"]))
    assert {*WANTED, "accuracy", "f1_macro", "confusion", "per_class"} <= found.keys()


def test_the_curve_is_thin_and_keeps_both_ends() -> None:
    given = columns()
    kept = TASK.score(given)["precision_recall"]
    recall, precision = ranking.curve(given["target"], given["probabilities"][:, 1])
    assert kept["label"] == "spam"
    assert len(kept["recall"]) == len(kept["precision"]) == detection.POINTS < len(recall)
    assert (kept["recall"][0], kept["recall"][-1]) == (recall[0], 1.0)
    assert kept["precision"][-1] == pytest.approx(precision[-1])


def test_without_a_positive_label_nothing_is_added() -> None:
    found = replace(TASK, positive=None, threshold="argmax", primary="accuracy").score(columns())
    assert not set(WANTED) & found.keys()


@pytest.mark.parametrize("positive", ["ham", "spam"])
def test_the_threshold_is_fitted_and_then_decides_also_where_the_positive_label_comes_first(positive: str) -> None:
    given, task = columns(), replace(TASK, positive=positive)
    place = task.labels.index(positive)
    fitted = task.calibrated(given)
    assert isinstance(fitted.threshold, float)
    tempered = calibration.tempered(given["probabilities"], fitted.temperature)
    chosen = fitted._above(tempered)["prediction"]
    assert (chosen == place).tolist() == (tempered[:, place] >= fitted.threshold).tolist()
    before, after = (metrics.f1_score(given["target"] == place, said == place) for said in (given["prediction"], chosen))
    assert after >= before


def test_the_margin_decides_as_the_threshold_does() -> None:
    logits = np.random.default_rng(0).normal(scale=3, size=(200, 2))
    task = replace(TASK, threshold=0.3, temperature=1.7)
    batch = TASK.collate(TASK.encode([{"text": "a"}] * 200, processor()), processor())
    cut = detection.margin(0.3, 1.7)
    assert task.predict({"logits": logits}, batch)["prediction"].tolist() == (logits[:, 1] - logits[:, 0] >= cut).astype(int).tolist()


def test_until_it_is_fitted_the_most_probable_label_is_said() -> None:
    batch = TASK.collate(TASK.encode([{"text": "a"}, {"text": "b"}], processor()), processor())
    found = TASK.predict({"logits": np.log([[0.6, 0.4], [0.3, 0.7]])}, batch)
    assert found["prediction"].tolist() == [0, 1]
    low = replace(TASK, threshold=0.35).predict({"logits": np.log([[0.6, 0.4], [0.3, 0.7]])}, batch)
    assert low["prediction"].tolist() == [1, 1]
    assert [answer["label"] for answer in replace(TASK, threshold=0.35).answers(low)] == ["spam", "spam"]


def test_a_number_of_the_user_is_kept() -> None:
    task = replace(TASK, threshold=0.9)
    assert task.calibrated(columns()).threshold == 0.9


def test_baselines_bring_their_own_probabilities() -> None:
    rows = [{"text": "win a prize", "label": "spam"}, {"text": "see you at home", "label": "ham"},
            {"text": "see you soon", "label": "ham"}]
    found = TASK.baselines(rows * 4, rows, seed=0)
    assert np.allclose(found["majority"]["probabilities"], [[2 / 3, 1 / 3]] * 3)
    assert found["tfidf_linear"]["prediction"].tolist() == [1, 0, 0]
    assert np.allclose(found["tfidf_linear"]["probabilities"].sum(axis=1), 1)


@pytest.mark.parametrize(("settings", "said"), [
    ({"positive": None}, ["task.threshold: f1 found, but no label is the positive one. Add task.positive=LABEL, or leave it out.",
                          "task.primary: average_precision found, but no label is the positive one. Add task.positive=LABEL, "
                          "or leave it out."]),
    ({"positive": "junk"}, ["task.positive: 'junk' found, but the labels are ham, spam. Two labels are needed, and one of them is "
                            "the positive one."]),
    ({"labels": ("ham", "junk", "spam")}, ["task.positive: 'spam' found, but the labels are ham, junk, spam. Two labels are needed, "
                                           "and one of them is the positive one."]),
    ({"threshold": 1.0}, ["task.threshold: 1 found, allowed are numbers between 0 and 1, f1 and argmax. Use f1."]),
])
def test_settings_that_do_not_go_together_are_problems(settings: dict[str, Any], said: list[str]) -> None:
    assert replace(TASK, **settings).problems() == said


def test_a_positive_label_that_the_rows_have_not_is_refused() -> None:
    table = pa.table({"row": ["x:1", "x:2"], "label": ["ham", "spma"]})
    with pytest.raises(DataError, match=r"task.positive: 'spam' found, the labels of the rows are 'ham', 'spma'.*Did you mean 'spma'\?"):
        replace(TASK, labels="auto").learn({"train": table})
