"""`key=value`: every type parses and refuses, all problems come at once, and what is shown can be typed."""

from __future__ import annotations

from dataclasses import Field, dataclass, fields, replace
from typing import Any, Literal

import pytest

from finetune import override, recipe, spec, typed
from finetune.errors import SpecError
from finetune.spec import Data, Epochs, Files, Hub, Int8Dynamic, Int8Static, Lora, Model, Recipe, Rows, Steps, Train
from finetune.tasks.image_classification import ImageClassification
from finetune.tasks.text_classification import TextClassification
from finetune.verbs.arguments import spelt

TEXT = Recipe(task=TextClassification(), data=Data(hub=Hub(name="me/rows"), sample="reviews"), model=Model(name="bert"))
IMAGE = replace(TEXT, task=ImageClassification())


def at(found: Recipe, key: str) -> Any:
    """The value that a key of the recipe stands for."""
    value: Any = found
    for name in key.split("."):
        value = getattr(value, name)
    return value


def refusal(*overrides: str, made: Recipe = TEXT) -> list[str]:
    with pytest.raises(SpecError) as caught:
        override.apply(made, overrides)
    return list(caught.value.problems)


@pytest.mark.parametrize(("key", "text", "value"), [
    ("train.batch", "48", 48),
    ("train.batch", "1_000", 1000),
    ("seed", "-3", -3),
    ("train.lr", "3e-5", 3e-5),
    ("train.lr", "1", 1.0),
    ("train.clip", "0", 0.0),
    ("model.random", "true", True),
    ("model.random", "False", False),
    ("model.name", "my/model", "my/model"),
    ("model.name", "none", "none"),
    ("output_dir", "/tmp/a b=c", "/tmp/a b=c"),
    ("model.revision", "none", None),
    ("model.revision", "null", None),
    ("model.revision", "abc", "abc"),
    ("data.files.train", "a=b.csv", "a=b.csv"),
    ("data.source", "files", "files"),
    ("data.max_rows", "all", "all"),
    ("data.max_rows", "500", 500),
    ("train.micro_batch", "auto", "auto"),
    ("train.micro_batch", "8", 8),
    ("train.length", "3epochs", Epochs(3)),
    ("train.length", "1epoch", Epochs(1)),
    ("train.length", "0.5 epochs", Epochs(0.5)),
    ("train.length", "500steps", Steps(500)),
    ("train.length", "1_000_000ROWS", Rows(1_000_000)),
    ("export.quantize", "int8_dynamic", Int8Dynamic()),
    ("export.quantize", "int8_static", Int8Static()),
    ("train.adapter", "lora", Lora()),
    ("train.adapter", "none", None),
    ("train.freeze", "none", "none"),
    ("train.freeze", "backbone", "backbone"),
    ("train.freeze", "6", 6),
    ("export.quantize", "none", None),
    ("task.labels", "auto", "auto"),
    ("task.labels", "bad,good", ("bad", "good")),
    ("task.labels", "[bad, so so]", ("bad", "so so")),
    ("task.labels", "(b,a,)", ("b", "a")),
    ("task.max_tokens", "64", 64),
])
def test_text_becomes_a_value_of_the_right_type(key: str, text: str, value: Any) -> None:
    found = at(override.apply(TEXT, [f"{key}={text}"]), key)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(("text", "value"), [
    ("shift", ("shift",)), ("flip,shift", ("flip", "shift")), ("none", ()), ("[]", ())])
def test_list_may_be_emptied(text: str, value: Any) -> None:
    assert override.apply(IMAGE, [f"task.augmentations={text}"]).task.augmentations == value


def test_optional_number_may_be_taken_away() -> None:
    with_size = override.apply(IMAGE, ["task.image_size=64"])
    assert with_size.task.image_size == 64
    assert override.apply(with_size, ["task.image_size=none"]).task.image_size is None


@pytest.mark.parametrize(("override_", "problem"), [
    ("train.batch=3.5", "train.batch: '3.5' found, allowed is a whole number. For example train.batch=32."),
    ("train.batch=", "train.batch: '' found, allowed is a whole number. For example train.batch=32."),
    ("train.batch=none", "train.batch: 'none' found, allowed is a whole number. For example train.batch=32."),
    ("train.lr=fast", "train.lr: 'fast' found, allowed is a number. For example train.lr=3e-5."),
    ("train.lr=nan", "train.lr: 'nan' found, allowed is a number. For example train.lr=3e-5."),
    ("train.lr=1e999", "train.lr: '1e999' found, allowed is a number. For example train.lr=3e-5."),
    ("model.random=yes", "model.random: 'yes' found, allowed is true or false. For example model.random=true."),
    ("data.source=file", "data.source: 'file' found, allowed is auto, hub, files or sample. Did you mean 'files'?"
                         " For example data.source=auto."),
    ("data.max_rows=al", "data.max_rows: 'al' found, allowed is a whole number, auto or all. Did you mean 'all'?"
                         " For example data.max_rows=32."),
    ("train.length=3", "train.length: '3' found, allowed is 500steps, 3epochs or 10000rows. For example"
                       " train.length=500steps."),
    ("train.length=2.5steps", "train.length: '2.5steps' found, allowed is 500steps, 3epochs or 10000rows. For example"
                              " train.length=500steps."),
    ("train.length=-1epochs", "train.length: '-1epochs' found, allowed is 500steps, 3epochs or 10000rows. For example"
                              " train.length=500steps."),
    ("export.quantize=int8", "export.quantize: 'int8' found, allowed is int8_dynamic, int8_static or none. For example"
                             " export.quantize=int8_dynamic."),
    ("task.labels=", "task.labels: '' found, allowed is auto or a list such as a,b,c. For example task.labels=auto."),
])
def test_text_of_the_wrong_type_is_refused_with_what_is_allowed(override_: str, problem: str) -> None:
    assert refusal(override_) == [problem]


@pytest.mark.parametrize("text", ["9" * 30, "9" * 5000, "1e3"])
def test_number_too_long_for_a_count_is_refused(text: str) -> None:
    assert refusal(f"train.batch={text}")[0].endswith("allowed is a whole number. For example train.batch=32.")
    assert refusal(f"train.length={text}epochs")[0].endswith("For example train.length=500steps.")


def test_all_problems_come_at_once_and_nothing_is_applied() -> None:
    assert [problem.partition(":")[0] for problem in refusal(
        "seed=x", "train.lr=3e-5", "train.lrr=1", "model.random=maybe", "train")] == [
        "seed", "train.lrr", "model.random", "train"]


def test_override_without_a_value_says_how_to_write_one() -> None:
    assert refusal("train.lr") == ["train.lr: an override needs a value. Write train.lr=VALUE."]


def test_later_override_wins() -> None:
    assert override.apply(TEXT, ["seed=1", "seed=2"]).seed == 2


def test_recipe_itself_is_not_changed() -> None:
    before = override.values(TEXT)
    override.apply(TEXT, ["seed=1", "data.columns.text=review", "clean.blanks=off"])
    assert override.values(TEXT) == before


def test_near_key_is_suggested_among_its_neighbours() -> None:
    (problem,) = refusal("train.batch_sise=3")
    assert problem.startswith("train.batch_sise: there is no such key. Allowed: train.adapter, train.batch, ")
    assert "data." not in problem
    assert problem.endswith(" Did you mean 'train.batch'?")


def test_key_of_an_unknown_group_lists_the_groups() -> None:
    assert refusal("trian.lr=1") == [
        "trian.lr: there is no such key. Allowed: clean, data, export, model, output_dir, seed, task, train."
        " Did you mean 'train.lr'?"]


@pytest.mark.parametrize("name", override.FROM_OTHER_TOOLS)
def test_name_from_another_tool_is_answered_with_ours(name: str) -> None:
    ours = override.FROM_OTHER_TOOLS[name]
    for key in (name, f"train.{name}"):
        assert refusal(f"{key}=1")[0].endswith(f" Did you mean {ours!r}?")
    assert ours.partition("=")[0] in override.paths(TEXT)
    if "=" in ours:
        override.apply(TEXT, [ours])


def test_key_that_this_recipe_has_not_is_not_suggested() -> None:
    assert "task.max_tokens" not in refusal("max_seq_length=64", made=IMAGE)[0]


def test_part_can_be_set_before_or_after_the_whole_is_switched_on() -> None:
    typed = ["train.adapter.rank=16", "train.adapter=lora", "train.adapter.targets=query,value"]
    expected = Lora(rank=16, targets=("query", "value"))
    assert override.apply(TEXT, typed).train.adapter == override.apply(TEXT, typed[::-1]).train.adapter == expected


def test_what_is_on_already_keeps_its_parts() -> None:
    made = replace(TEXT, train=Train(adapter=Lora(rank=4)))
    assert override.apply(made, ["train.adapter=lora"]) == made
    assert override.apply(made, ["train.adapter.alpha=8"]).train.adapter == Lora(rank=4, alpha=8)


@pytest.mark.parametrize("typed", [
    ["train.adapter.rank=16"], ["train.adapter=none", "train.adapter.rank=16"], ["train.adapter.rank=16", "train.adapter=none"],
], ids=str)
def test_part_of_what_is_off_is_refused_and_not_ignored(typed: list[str]) -> None:
    assert refusal(*typed) == ["train.adapter.rank: train.adapter is none, so it has no parts. Add train.adapter=lora, or leave this out."]


def test_parts_are_listed_while_they_can_be_set() -> None:
    made = replace(TEXT, train=Train(adapter=Lora(rank=4)))
    parts = [f"train.adapter.{name}" for name in ("alpha", "dropout", "method", "rank", "targets")]
    assert [key for key in override.paths(made) if "adapter" in key] == ["train.adapter", *parts]
    assert [key for key in override.paths(TEXT) if "adapter" in key] == ["train.adapter"]
    assert (override.values(made)["train.adapter"], override.values(TEXT)["train.adapter"]) == ("lora", None)
    origins = override.origins(made, ["train.adapter.alpha=3"])
    assert [origins[f"train.adapter{part}"] for part in ("", ".rank", ".alpha", ".method")] == [
        "recipe", "recipe", "command line", "default"]


@pytest.mark.parametrize("key", ["train.lr.x", "train.length.n", "train.lr.x.y"])
def test_single_value_has_no_parts(key: str) -> None:
    whole = ".".join(key.split(".")[:2])
    assert refusal(f"{key}=1") == [f"{key}: '{whole.split('.')[1]}' has no parts. Use {whole}=VALUE."]


def test_group_takes_no_value_itself() -> None:
    assert refusal("data.files=a.csv") == [
        "data.files: has parts and takes no value itself. Allowed: data.files.train, data.files.validation,"
        " data.files.test."]


@pytest.mark.parametrize("key", ["data.columns", "data.columns."])
def test_mapping_takes_entries_only(key: str) -> None:
    assert refusal(f"{key}=x") == [f"{key}: is a mapping. Set one entry, as in data.columns.NAME=VALUE."]


def test_entry_of_a_mapping_is_added_or_replaced() -> None:
    given = replace(TEXT, clean={"blanks": "off", "encoding": "off"})
    assert override.apply(given, ["clean.encoding=fix", "clean.leakage=fail"]).clean == {
        "blanks": "off", "encoding": "fix", "leakage": "fail"}


def test_name_and_value_of_an_entry_may_hold_dots_and_equals_signs() -> None:
    found = override.apply(TEXT, ["data.columns.meta.text=review.body=1"])
    assert found.data.columns == {"meta.text": "review.body=1"}
    assert override.values(found)["data.columns.meta.text"] == "review.body=1"


def test_class_constants_of_a_task_are_no_settings() -> None:
    assert refusal("task.roles=x")[0].startswith("task.roles: there is no such key. Allowed: task.augmentations, task.labels, task.max_tokens, "
                                                 "task.positive, task.primary, task.synonyms, task.threshold.")


def test_paths_are_sorted_and_show_mappings_as_open() -> None:
    found = override.paths(TEXT)
    assert found == sorted(found)
    assert {"clean.<name>", "data.columns.<name>", "data.hub.splits.<name>", "task.max_tokens", "train.length"} <= set(found)
    assert "train.length.n" not in found


def test_origin_of_a_value_is_the_command_line_the_recipe_or_the_default() -> None:
    given = replace(TEXT, train=Train(lr=1e-4, batch=32), clean={"blanks": "off"})
    typed = ["seed=13", "data.columns.text=review"]
    found = override.origins(override.apply(given, typed), typed)
    assert found.keys() == override.values(override.apply(given, typed)).keys()
    assert {key for key, origin in found.items() if origin == "command line"} == {"seed", "data.columns.text"}
    assert {key for key, origin in found.items() if origin == "recipe"} == {
        "train.lr", "clean.blanks", "data.hub.name", "data.hub.splits.train", "data.sample", "model.name"}
    assert found["train.batch"] == "default"


EVERYTHING = replace(
    TEXT, seed=7, output_dir="elsewhere", clean={"blanks": "report"},
    data=replace(TEXT.data, files=Files(train="a.csv"), columns={"text": "a.b", "label": "c"}, max_rows=12, images="x.zip"),
    train=Train(length=Rows(1_234_567), batch=48, micro_batch=12, lr=1.2345678901e-7, warmup=1 / 3, threads=1,
                evaluate_every=Epochs(0.1234567), freeze=3,
                adapter=Lora(rank=3, alpha=0.1, dropout=0.25, method="dora", targets=("query", "output.dense"))),
    task=TextClassification(labels=("so so", "good"), max_tokens=3), export=spec.Export(quantize=None, max_score_drop=0))


@pytest.mark.parametrize("made", [
    TEXT, IMAGE, EVERYTHING,
    replace(IMAGE, task=ImageClassification(augmentations=(), image_size=64)),
    replace(TEXT, train=Train(length=Steps(10_000_000), evaluate_every=Epochs(0.00001))),
    *[recipe.load(name) for name in (*recipe.available(), "sentiment:lora")],
], ids=["text", "image", "everything", "no augmentations", "long", *recipe.available(), "sentiment:lora"])
def test_what_is_shown_can_be_typed_and_gives_the_same_recipe(made: Recipe) -> None:
    typed = [f"{key}={spelt(value)}" for key, value in override.values(made).items()]
    other = Recipe(task=type(made.task)(), data=Data(hub=Hub(name="x", splits={}), sample="x"), model=Model(name="x"))
    assert override.apply(other, typed) == made
    assert override.apply(made, typed) == made


@dataclass(frozen=True)
class Options:
    """A group with one field of every type that a setting has."""

    whole: int = 1
    share: float | None = 0.5
    words: tuple[str, ...] = ()
    choice: Literal["a", "b"] | int = "a"


@pytest.mark.parametrize("item", fields(Options), ids=lambda item: item.name)
def test_default_of_every_type_is_parsed_from_its_own_spelling(item: Field[Any]) -> None:
    kind = override._kinds(Options)[item.name]
    assert typed.parse(spelt(typed.show(item.default)), kind, item.name) == item.default
