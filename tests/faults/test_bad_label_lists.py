"""Rows for several labels that cannot be learnt from: every message names the rows or the key and says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from finetune import override, recipe
from finetune.data import sources
from finetune.errors import DataError, FinetuneError
from finetune.run import pipeline


def refusal(name: str, *overrides: str) -> str:
    """What is said of the rows, before anything is trained."""
    found = override.apply(recipe.load(name), overrides)
    with pytest.raises(FinetuneError) as caught:
        found.task.learn(sources.read(found.data, "files", found.task.roles).splits)
    return str(caught.value)


def write(file: Path, text: str) -> str:
    file.write_text(text)
    return f"data.files.{file.stem}={file}"


def test_a_label_list_that_is_not_a_list_is_named_with_its_rows(tmp_path: Path) -> None:
    message = refusal("toxicity", write(tmp_path / "train.csv", "text,label\na,mean;rude\nb,\"[mean\"\nc,\"{'rude'}\"\nd,\"[1, {}]\"\n"))
    assert message.startswith("data.files.train: column 'label': 2 of 4 cells are not lists: train.csv:3 '[mean', train.csv:5 '[1, {}]'. "
                              "Allowed are names with one mark between them")
    assert message.endswith("Correct them, or name another column.")


def test_a_text_where_a_json_file_should_have_a_list_is_named_with_its_rows(tmp_path: Path) -> None:
    message = refusal("toxicity", write(tmp_path / "train.jsonl", '{"text": "a", "label": ["x"]}\n{"text": "b", "label": "x, y"}\n'))
    assert message == ("data.files.train: train.jsonl:2: column 'label' holds a single value, an array of texts expected. Write every list "
                       'as an array of texts, such as ["a", "b"], an empty one as [].')


def test_marks_that_disagree_are_named_with_their_rows(tmp_path: Path) -> None:
    message = refusal("toxicity", write(tmp_path / "train.csv", 'text,label\na,mean;rude\nb,"mean,rude"\nc,mean;loud\n'))
    assert "1 of 3 cells hold another mark than ';', which parts the names in 2: train.csv:3 'mean,rude'." in message


def test_a_label_that_only_test_rows_have_is_named_with_them(tmp_path: Path) -> None:
    message = refusal("toxicity", write(tmp_path / "train.csv", "text,label\na,mean;rude\nb,rude\n"),
                      write(tmp_path / "test.csv", "text,label\nc,mean;rudee\n"))
    assert message == ("task.labels: row test.csv:2 has the label 'rudee' in test, which no training row has. Did you mean 'rude'? "
                       "Add such rows to training, or correct the test rows.")


def test_rows_without_any_label_cannot_be_learnt_from(tmp_path: Path) -> None:
    assert "no training row has a label, two labels are needed" in refusal("toxicity", write(tmp_path / "train.csv", "text,label\na,\nb,\n"))


@pytest.mark.parametrize(("recipe", "learnt"), [("image_tags", "lists"), ("image_score", "numbers")])
def test_a_folder_of_pictures_gives_labels_alone(recipe: str, learnt: str, tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    Image.new("RGB", (9, 9)).save(tmp_path / "cat" / "a.png")
    message = refusal(recipe, f"data.files.train={tmp_path}")
    assert message.endswith(f"this task learns {learnt}. Give a table of names and {learnt}, with data.images=FOLDER-or-ZIP.")


@pytest.mark.parametrize("setting", ["train.class_weights=balanced", "train.sampler=balanced", "train.loss=focal"])
def test_settings_of_single_labels_are_refused(setting: str) -> None:
    with pytest.raises(FinetuneError, match="this task learns no single label a row. Leave it out."):
        pipeline.resolve("toxicity", [setting])


def test_a_positive_label_that_no_row_has_is_refused(tmp_path: Path) -> None:
    message = refusal("spam", write(tmp_path / "train.csv", "text,label\na,ham\nb,junk\n"))
    assert message == ("task.positive: 'spam' found, the labels of the rows are 'ham', 'junk'. Two labels are needed, one of them the "
                       "positive one. Name it, or leave task.positive out.")


def test_a_blank_cell_says_neither_yes_nor_no(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"column 'rude': 1 of 2 cells do not say whether the row has this label: train.csv:3 ''"):
        found = override.apply(recipe.load("toxicity"), [write(tmp_path / "train.csv", "text,mean,rude\na,1,0\nb,0,\n"),
                                                         "data.columns.label=mean,rude"])
        sources.read(found.data, "files", found.task.roles)
