"""The shape of messages and exit codes."""

from __future__ import annotations

import pytest

from finetune import errors
from finetune.errors import FinetuneError, SpecError, nearest, some


def test_message_is_where_and_what() -> None:
    error = FinetuneError("data.files.train", "a.csv:3: column 'label' is empty. Fill it.")
    assert str(error) == "data.files.train: a.csv:3: column 'label' is empty. Fill it."
    assert error.where == "data.files.train"


def test_spec_error_carries_every_problem() -> None:
    error = SpecError(["train.lr: 7 found. Use 1.", "seed: -1 found. Use 13."])
    assert error.problems == ("train.lr: 7 found. Use 1.", "seed: -1 found. Use 13.")
    assert str(error) == "train.lr: 7 found. Use 1.\nseed: -1 found. Use 13."
    assert error.where == "train.lr"


def test_spec_error_of_one_problem_reads_like_any_other() -> None:
    assert str(SpecError(["seed: -1 found. Use 13."])) == "seed: -1 found. Use 13."


@pytest.mark.parametrize(("name", "code"), [
    ("FinetuneError", 1), ("SpecError", 2), ("DataError", 1), ("BackboneError", 1), ("TrainingError", 1),
    ("ExportError", 4), ("HubError", 1), ("Interrupted", 130),
])
def test_exit_codes_that_scripts_rely_on(name: str, code: int) -> None:
    kind = getattr(errors, name)
    assert kind.exit_code == code
    assert issubclass(kind, FinetuneError)


def test_every_kind_of_error_has_its_exit_code_tested() -> None:
    assert len([kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]) == 8


def test_nearest_suggests_one_name() -> None:
    assert nearest("train.lrr", ["train.lr", "train.batch"]) == " Did you mean 'train.lr'?"


def test_nearest_does_not_mind_capitals() -> None:
    assert nearest("TEXT", ["label", "text"]) == " Did you mean 'text'?"


def test_nearest_is_silent_where_nothing_is_near() -> None:
    assert nearest("train.lr", ["data.images", "seed"]) == ""
    assert nearest("x", []) == ""


def test_nearest_takes_any_iterable_once() -> None:
    assert nearest("posi", (name for name in ("positive", "negative"))) == " Did you mean 'positive'?"


def test_some_names_the_first_few_and_counts_the_rest() -> None:
    assert some([]) == ""
    assert some([1204]) == "1204"
    assert some(range(5)) == "0, 1, 2, 3, 4"
    assert some(range(6)) == "0, 1, 2, 3, 4 and 1 more"
    assert some(range(2000), 2) == "0, 1 and 1,998 more"
    assert some(name for name in "abc") == "a, b, c"
