"""The loop: when it evaluates, saves and ends, and what its hooks are told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from finetune.errors import Interrupted
from finetune.evaluate.infer import torch_infer
from finetune.evaluate.score import predict
from finetune.spec import Epochs, Steps, Train
from finetune.train import loop
from finetune.train.progress import Progress
from tests.parity import setting

STILL = 1e-30  # a rate at which no prediction changes


class Recorder:
    """Notes what it is told, draws no conclusion, and spoils the event for whoever might rely on it."""

    def __init__(self, name: str, told: list[tuple[str, str, int]]) -> None:
        self.name, self.told = name, told
        self.events: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, event: str) -> Any:
        if not event.startswith("on_"):
            raise AttributeError(event)

        def note(values: dict[str, Any]) -> None:
            self.told.append((self.name, event, values["step"]))
            self.events.append((event, json.loads(json.dumps(values))))

        return note


class Vandal(Recorder):
    """Changes every event that it sees."""

    def __getattr__(self, event: str) -> Any:
        note = super().__getattr__(event)

        def spoil(values: dict[str, Any]) -> None:
            note(values)
            values.get("scores", {}).clear()
            for name in values:
                values[name] = -1

        return spoil


def settings(*, length: int, every: int, patience: int = 0, lr: float = 1e-3) -> Train:
    return Train(length=Steps(length), batch=16, micro_batch=16, lr=lr, evaluate_every=Steps(every), patience=patience)


def fitted(folder: Path, train: Train, **options: Any) -> tuple[loop.Training, Progress, Recorder]:
    recorder = Recorder("recorder", [])
    made = setting.training("bert", folder, train=train, num_rows=48, hooks=(recorder,), **options)
    progress = Progress()
    assert loop.fit(made, progress) is progress
    return made, progress, recorder


def steps(recorder: Recorder, event: str) -> list[int]:
    return [values["step"] for name, values in recorder.events if name == event]


def kept(made: loop.Training) -> list[int]:
    return sorted(int(folder.name.removeprefix("step-")) for folder in made.checkpoints.iterdir())


def weights(made: loop.Training) -> Mapping[str, torch.Tensor]:
    return {name: value.clone() for name, value in made.fitting.model.state_dict().items()}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[loop.Training, Progress, Recorder]:
    """Five steps of three an epoch, evaluated after every second."""
    return fitted(tmp_path_factory.mktemp("plain"), settings(length=5, every=2))


def test_run_ends_at_its_length(plain: tuple[loop.Training, Progress, Recorder]) -> None:
    made, progress, recorder = plain
    assert (progress.step, progress.stopped, made.plan.steps_per_epoch) == (5, "length", 3)
    assert steps(recorder, "on_step") == [1, 2, 3, 4, 5]
    assert progress.seconds > 0


def test_evaluations_are_regular_and_one_is_at_the_last_step(plain: tuple[loop.Training, Progress, Recorder]) -> None:
    _, _, recorder = plain
    assert steps(recorder, "on_eval") == steps(recorder, "on_save") == [2, 4, 5]


def test_events_come_in_the_order_in_which_things_happen(plain: tuple[loop.Training, Progress, Recorder]) -> None:
    assert [(event, step) for _, event, step in plain[2].told] == [
        ("on_start", 0), ("on_step", 1), ("on_step", 2), ("on_eval", 2), ("on_save", 2), ("on_step", 3), ("on_step", 4),
        ("on_eval", 4), ("on_save", 4), ("on_step", 5), ("on_eval", 5), ("on_save", 5), ("on_end", 5),
    ]


def test_step_event_tells_rate_and_rows(plain: tuple[loop.Training, Progress, Recorder]) -> None:
    events = [values for name, values in plain[2].events if name == "on_step"]
    assert [values["lr"] for values in events] == pytest.approx([1e-3, 1e-3, 0.75e-3, 0.5e-3, 0.25e-3])
    assert [values["epoch"] for values in events] == pytest.approx([1 / 3, 2 / 3, 1, 4 / 3, 5 / 3])
    assert [values["rows"] for values in events] == [16] * 5
    assert set(events[0]) == {"step", "epoch", "loss", "lr", "grad_norm", "rows", "rows_per_second"}


def test_last_step_of_an_epoch_counts_the_rows_that_are_left(tmp_path: Path) -> None:
    recorder = Recorder("recorder", [])
    made = setting.training("bert", tmp_path, train=settings(length=4, every=100), num_rows=37, hooks=(recorder,))
    loop.fit(made, Progress())
    assert [values["rows"] for name, values in recorder.events if name == "on_step"] == [16, 16, 5, 16]


def test_evaluation_event_tells_scores_and_the_best(plain: tuple[loop.Training, Progress, Recorder]) -> None:
    made, progress, recorder = plain
    events = [values for name, values in recorder.events if name == "on_eval"]
    ranks = [(values["scores"]["accuracy"], -values["loss"]) for values in events]  # of equal scores, the lower loss
    assert [values["best"] for values in events] == [rank == max(ranks[: i + 1]) for i, rank in enumerate(ranks)]
    assert (progress.best_score, -(progress.best_loss or 0.0)) == max(ranks)
    assert progress.best_step == [2, 4, 5][ranks.index(max(ranks))]
    predicted = loop.evaluate(made)
    assert events[-1]["loss"] == pytest.approx(predicted.mean_loss, rel=1e-6)
    assert events[-1]["scores"]["accuracy"] == float(np.mean(predicted.columns["prediction"] == predicted.columns["target"]))


def test_evaluation_predicts_every_row_in_order(plain: tuple[loop.Training, Progress, Recorder]) -> None:
    made, _, _ = plain
    examples = made.validation
    one_by_one = predict(examples, torch_infer(made.fitting.model, examples.task), batch=1)
    found = loop.evaluate(made)
    np.testing.assert_allclose(found.columns["probabilities"], one_by_one.columns["probabilities"], atol=1e-6)
    assert found.columns["target"].tolist() == [examples[i]["target"] for i in range(40)]


def test_run_stops_after_as_many_evaluations_without_gain_as_patience_allows(tmp_path: Path) -> None:
    made, progress, recorder = fitted(tmp_path, settings(length=50, every=1, patience=3, lr=STILL))
    assert (progress.stopped, progress.step, progress.evaluations_without_gain) == ("early", 4, 3)
    assert steps(recorder, "on_eval") == steps(recorder, "on_save") == [1, 2, 3, 4]
    assert recorder.told[-1] == ("recorder", "on_end", 4)
    assert progress.best_step == 1
    assert kept(made) == [1, 3, 4]  # the best and the newest two


def test_run_that_stopped_early_is_not_gone_on_with(tmp_path: Path) -> None:
    made, progress, _ = fitted(tmp_path, settings(length=50, every=1, patience=1, lr=STILL))
    after = weights(made)
    again = loop.resume(made, made.checkpoints / f"step-{progress.step:08d}")
    assert again == replace(progress, seconds=again.seconds)
    loop.fit(made, again)
    assert (again.step, again.stopped) == (2, "early")
    assert all(torch.equal(value, after[name]) for name, value in weights(made).items())


def test_patience_of_zero_trains_to_the_end(tmp_path: Path) -> None:
    _, progress, _ = fitted(tmp_path, settings(length=6, every=1, patience=0, lr=STILL))
    assert (progress.stopped, progress.step, progress.evaluations_without_gain) == ("length", 6, 5)


def test_request_to_stop_keeps_a_checkpoint_without_evaluating(tmp_path: Path) -> None:
    recorder, asked = Recorder("recorder", []), iter([False, False, True])
    made = setting.training("bert", tmp_path, train=settings(length=5, every=5), num_rows=48, hooks=(recorder,),
                            interrupted=lambda: next(asked))
    with pytest.raises(Interrupted, match=r"^train: stopped after step 3 of 5; the checkpoint is complete\.$"):
        loop.fit(made, Progress())
    assert kept(made) == [3]
    assert [entry[1:] for entry in recorder.told[-3:]] == [("on_step", 3), ("on_save", 3), ("on_end", 3)]


def test_request_to_stop_at_the_last_step_is_no_interruption(tmp_path: Path) -> None:
    asked = iter([False, True])
    made = setting.training("bert", tmp_path, train=settings(length=2, every=2), num_rows=48,
                            interrupted=lambda: next(asked))
    progress = loop.fit(made, Progress())
    assert (progress.step, progress.stopped) == (2, "length")
    assert list(asked) == []


def test_length_in_part_epochs_ends_within_one(tmp_path: Path) -> None:
    train = Train(length=Epochs(1.67), batch=16, micro_batch=16, evaluate_every=Epochs(1), patience=0)
    _, progress, recorder = fitted(tmp_path, train)
    assert progress.step == 5
    assert steps(recorder, "on_eval") == [3, 5]


def test_hooks_are_told_in_their_order_and_cannot_change_the_outcome(
    plain: tuple[loop.Training, Progress, Recorder], tmp_path: Path
) -> None:
    expected, progress, recorder = plain
    told: list[tuple[str, str, int]] = []
    vandal, witness = Vandal("vandal", told), Recorder("witness", told)
    made = setting.training("bert", tmp_path, train=settings(length=5, every=2), num_rows=48, hooks=(witness, vandal))
    found = loop.fit(made, Progress())
    assert replace(found, seconds=0.0) == replace(progress, seconds=0.0)
    assert [values.get("loss") for _, values in witness.events] == [values.get("loss") for _, values in recorder.events]
    assert all(torch.equal(value, weights(expected)[name]) for name, value in weights(made).items())
    assert [name for name, _, _ in told] == ["witness", "vandal"] * (len(told) // 2)
    assert [entry[1:] for entry in told[::2]] == [entry[1:] for entry in recorder.told] == [entry[1:] for entry in told[1::2]]


def test_run_without_hooks_ends_with_the_same_weights(plain: tuple[loop.Training, Progress, Recorder], tmp_path: Path) -> None:
    expected, _, _ = plain
    made = replace(setting.training("bert", tmp_path, train=settings(length=5, every=2), num_rows=48), hooks=())
    loop.fit(made, Progress())
    assert all(torch.equal(value, weights(expected)[name]) for name, value in weights(made).items())


def test_hooks_hear_of_the_end_when_a_step_fails(tmp_path: Path) -> None:
    recorder = Recorder("recorder", [])
    made = setting.training("bert", tmp_path, train=settings(length=5, every=2), num_rows=48, hooks=(recorder,),
                            interrupted=lambda: 1 / 0 > 0)
    with pytest.raises(ZeroDivisionError):
        loop.fit(made, Progress())
    assert [event for _, event, _ in recorder.told] == ["on_start", "on_step", "on_end"]
