"""`finetune evaluate`: a finished run against other files."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from finetune import recipe
from finetune.cli import app
from finetune.errors import DataError, FinetuneError, SpecError
from finetune.run.folder import RunFolder
from tests.conftest import ROOT, Finished, recipe_names

pytestmark = pytest.mark.slow
SAMPLE = ROOT / "finetune/data/samples/reviews"


@pytest.fixture
def run(run_of: Callable[[str], Finished], tmp_path: Path) -> RunFolder:
    """A copy of the finished sentiment run that a test may write to."""
    return RunFolder(shutil.copytree(run_of("sentiment")[1], tmp_path / "run"))


def evaluate(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["evaluate", *map(str, arguments)], env={"COLUMNS": "80", "TERM": "dumb"})
    if result.exception:
        raise result.exception
    return result.output


def sample_of(name: str) -> Path:
    """The folder of a recipe's sample, where it is one."""
    return ROOT / "finetune/data/samples" / recipe.load(name).data.sample


def written(run: RunFolder) -> dict:
    (file,) = (run.path / "evaluations").glob("*.json")
    return json.loads(file.read_text())


def write(file: Path, rows: list[tuple[str, ...]]) -> Path:
    with file.open("w", encoding="utf-8", newline="") as opened:
        csv.writer(opened).writerows(rows)
    return file


def own_scores(run: RunFolder) -> dict:
    return run.read("metrics.json")["splits"]["test"]


def test_the_runs_own_test_rows_get_their_own_scores_again(run: RunFolder) -> None:
    text = evaluate(run.path, SAMPLE / "test.csv")
    found, own = written(run), own_scores(run)
    assert found["scores"]["accuracy"] == own["accuracy"]
    assert found["scores"]["confusion"] == own["confusion"]
    assert (found["rows"], found["model"]) == (240, f"onnx/{run.read('onnx/manifest.json')['default']}")
    assert f"model: {found['model']}, the one that is deployed" in text
    assert "the run was trained and chosen on none of these rows" in text
    assert found["seen"] == {"train": 0, "validation": 0, "unseen": 240, "accuracy_unseen": None}


@pytest.mark.parametrize("name", [name for name in recipe_names() if ":" not in name and sample_of(name).is_dir()])
def test_every_task_is_scored_on_another_file(name: str, run_of: Callable[[str], Finished], tmp_path: Path) -> None:
    run = RunFolder(shutil.copytree(run_of(name)[1], tmp_path / "run"))
    (file,) = sample_of(name).glob("test.*")
    text = evaluate(run.path, file)
    found, own = written(run), own_scores(run)
    primary = found["primary"]
    assert found["scores"][primary]["value"] == pytest.approx(own[primary]["value"], abs=0.5)  # the deployed model may be int8
    assert f"{primary} " in text and f"{found['rows']:,} rows of" in text
    assert ("by label" in text) == bool(found["scores"].get("per_class"))


def test_a_run_without_export_answers_through_pytorch(run: RunFolder) -> None:
    shutil.rmtree(run.path / "onnx")
    assert "model: model, PyTorch, since this run has not been exported" in evaluate(run.path, SAMPLE / "test.csv")
    assert written(run)["scores"]["confusion"] == own_scores(run)["confusion"]


def test_the_deployed_model_is_asked_without_torch(run: RunFolder) -> None:
    code = (f"import sys; from finetune.cli import app\napp(['evaluate', {str(run.path)!r}, {str(SAMPLE / 'test.csv')!r}], "
            "standalone_mode=False)\nassert not {'torch', 'transformers', 'accelerate'} & set(sys.modules)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_slices_of_a_column_hold_all_rows(run: RunFolder) -> None:
    text = evaluate(run.path, SAMPLE / "test.csv", "--by", "subject", "--by", "label")
    slices = written(run)["slices"]
    assert list(slices) == ["subject", "label"]
    assert [sum(part["rows"] for part in parts) for parts in slices.values()] == [240, 240]
    by_label = {part["value"]: part for part in slices["label"]}
    recall = {entry["label"]: entry["recall"] for entry in own_scores(run)["per_class"]}
    assert {name: part["score"]["value"] for name, part in by_label.items()} == recall
    assert "accuracy by subject" in text and "few rows" in text
    assert max(len(line) for line in text.splitlines() if "/" not in line) <= 80


def test_rows_that_were_trained_on_are_counted_and_left_out_of_a_second_score(run: RunFolder, tmp_path: Path) -> None:
    train, validation = (run.table(split)["text"].to_pylist() for split in ("train", "validation"))
    accented = next(text for text in train if any(mark in text for mark in "\u00e9\u2019"))
    known = [train[0], train[1].upper(), accented.encode().decode("cp1252"), validation[0]]
    new = [f"Nobody has written review number {number} before." for number in range(6)]
    file = write(tmp_path / "new.csv", [("review", "label"), *((text, "positive") for text in known + new)])
    text = evaluate(run.path, file, "data.columns.text=review")
    seen = written(run)["seen"]
    assert (seen["train"], seen["validation"], seen["unseen"]) == (3, 1, 6)
    assert "warning: of these 10 rows the run was trained on 3 and chosen on 1" in text
    assert f"accuracy without them: {seen['accuracy_unseen']['value']:.3f}" in text


def test_a_damaged_row_that_was_chosen_on_is_known(run: RunFolder, tmp_path: Path) -> None:
    damaged = "A caf\u00c3\u00a9 like no other, said everyone who went."
    table = run.table("validation")
    texts = [damaged, *table["text"].to_pylist()[1:]]
    run.write_table("validation", table.set_column(table.column_names.index("text"), "text", [texts]))
    file = write(tmp_path / "new.csv", [("text", "label"), (damaged, "positive"), ("Another one, which is new.", "negative")])
    text = evaluate(run.path, file)
    assert (written(run)["seen"]["validation"], written(run)["seen"]["unseen"]) == (1, 1)
    assert "on 1 rows (few rows)" in text


def test_a_run_folder_without_rows_cannot_tell_and_says_so(run: RunFolder) -> None:
    shutil.rmtree(run.path / "data")
    assert "warning: this run folder holds no training rows" in evaluate(run.path, SAMPLE / "test.csv")
    assert written(run)["seen"] is None


def test_two_evaluations_are_two_files(run: RunFolder) -> None:
    evaluate(run.path, SAMPLE / "test.csv")
    evaluate(run.path, SAMPLE / "validation.csv")
    files = list((run.path / "evaluations").glob("*.json"))
    assert sorted(Path(json.loads(file.read_text())["file"]).name for file in files) == ["test.csv", "validation.csv"]


@pytest.mark.parametrize(("rows", "arguments", "kind", "message"), [
    ([("text", "label"), ("One.", "positive"), ("Two.", ""), ("Three.", " ")], (), DataError,
     "FILE: 2 rows (new.csv:3, new.csv:4) have no label. Fill it in"),
    ([("text", "label"), ("One.", "positve"), ("Two.", "negative")], (), DataError,
     "FILE: row new.csv:2 has the label 'positve', which the model has not learnt. Labels: negative, positive. Did you mean 'positive'?"),
    ([("text", "label"), ("One.", "x"), ("Two.", "")], (), DataError, "\nFILE: row new.csv:2 has the label 'x'"),
    ([("review", "label"), ("One.", "positive")], (), SpecError,
     "data.columns.text: new.csv has no column 'text'. Columns: review, label. Add data.columns.text=NAME."),
    ([("text", "label"), ("One.", "positive")], ("--by", "lable"), SpecError,
     "--by lable: new.csv has no column 'lable'. Columns: text, label. Did you mean 'label'? Name one of them."),
    ([("text", "label"), ("One.", "positive")], ("train.lr=1",), SpecError,
     "train.lr=1: cannot be changed by this command. Allowed: data.images, data.columns, "
     "data.quotes, data.encoding. Leave it out."),
    ([("text", "label"), ("One.", "positive")], ("data.columns.txt=text",), SpecError,
     "data.columns.txt: this task has no role 'txt'. Roles: text, label. Did you mean 'text'?"),
    ([("text", "label")], (), DataError, "FILE: new.csv has a header but no rows"),
])
def test_what_is_wrong_with_a_file_is_named(
    run: RunFolder, tmp_path: Path, rows: list[tuple[str, ...]], arguments: tuple[str, ...], kind: type[FinetuneError], message: str,
) -> None:
    with pytest.raises(kind) as caught:
        evaluate(run.path, write(tmp_path / "new.csv", rows), *arguments)
    assert message in str(caught.value)
    assert not (run.path / "evaluations").exists()


def test_a_run_that_is_not_trained_yet_is_refused(run: RunFolder) -> None:
    shutil.rmtree(run.path / "model")
    with pytest.raises(DataError, match=r"has no trained model yet \(next stage: train\)\. Go on with: finetune run sentiment --resume"):
        evaluate(run.path, SAMPLE / "test.csv")


def test_a_folder_of_pictures_is_scored_and_has_no_columns(run_of: Callable[[str], Finished], tmp_path: Path) -> None:
    run = RunFolder(shutil.copytree(run_of("images")[1], tmp_path / "run"))
    table = run.table("test")
    for number, (cell, label) in enumerate(zip(table["image"].to_pylist(), table["label"].to_pylist(), strict=True)):
        (tmp_path / "photos" / label).mkdir(parents=True, exist_ok=True)
        (tmp_path / "photos" / label / f"{number}.png").write_bytes(cell)
    evaluate(run.path, tmp_path / "photos")
    assert written(run)["scores"]["accuracy"]["value"] == own_scores(run)["accuracy"]["value"]
    with pytest.raises(SpecError, match=r"--by size: .* holds pictures alone and has no columns\. Give a table that names them"):
        evaluate(run.path, tmp_path / "photos", "--by", "size")


def test_a_table_of_pictures_is_sliced_by_its_columns(run_of: Callable[[str], Finished], tmp_path: Path) -> None:
    run = RunFolder(shutil.copytree(run_of("images")[1], tmp_path / "run"))
    table, rows = run.table("train").slice(0, 40), [("picture", "digit", "camera")]
    (tmp_path / "photos").mkdir()
    for number, (cell, label) in enumerate(zip(table["image"].to_pylist(), table["label"].to_pylist(), strict=True)):
        (tmp_path / "photos" / f"{number}.png").write_bytes(cell)
        rows.append((f"{number}.png", label, "old" if number < 10 else "new"))
    evaluate(run.path, write(tmp_path / "table.csv", rows), f"data.images={tmp_path / 'photos'}", "data.columns.image=picture",
             "data.columns.label=digit", "--by", "camera")
    found = written(run)
    assert [(part["value"], part["rows"], part["few"]) for part in found["slices"]["camera"]] == [("new", 30, False), ("old", 10, True)]
    assert found["seen"] == {"train": 40, "validation": 0, "unseen": 0, "accuracy_unseen": None}
