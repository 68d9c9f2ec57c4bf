"""A run as strangers see it: the numbers stay, rows and places on disk do not."""

from __future__ import annotations

import html
import json
from pathlib import Path

import pytest

from finetune.report import public
from tests.unit.test_report_folder import LABELS, SECRET, export, image_run, metrics, recipe, text_run

HOME = "/home/somebody/private"


def shown(run: Path, place: Path, *, examples: bool = False) -> dict[str, bytes]:
    place.mkdir()
    public.write(run, place, repository="me/tone", examples=examples)
    return {file.relative_to(place).as_posix(): file.read_bytes() for file in place.rglob("*") if file.is_file()}


def own_run(folder: Path) -> Path:
    """A run on somebody's own files and backbone."""
    measured = metrics(LABELS, [[64, 4, 7], [12, 11, 7], [5, 3, 67]]) | {"source": "files", "notes": [f"{HOME}/bert: 3 rows were cut"]}
    measured["data"] = {"name": f"{HOME}/customers.csv", "revision": None, "license": None}
    measured["backbone"] = {"name": f"{HOME}/bert", "source": "folder", "revision": None, "license": None}
    values = {"data.files.train": f"{HOME}/customers.csv", "data.files.test": "private/test.csv", "model.name": f"{HOME}/bert",
              "output_dir": "~/private/runs", "train.lr": 3e-5}
    told = recipe() | {"command": f"finetune run sentiment data.files.train={HOME}/customers.csv", "recipe": f"{HOME}/tone.py",
                       "values": {key: {"value": value, "from": "command line"} for key, value in values.items()}}
    return text_run(folder, metrics=measured, recipe=told)


def test_only_what_is_for_strangers_is_left_in_the_folder(tmp_path: Path) -> None:
    found = shown(text_run(tmp_path / "run"), tmp_path / "shown")
    assert {path.partition("/")[0] for path in found} == {"README.md", "metrics.json", "report.html", "figures", "onnx"}
    assert [path for path in found if path.startswith("onnx")] == ["onnx/report.json"]


def test_text_of_rows_is_shown_only_when_asked_for(tmp_path: Path) -> None:
    run = text_run(tmp_path / "run")
    without, with_examples = shown(run, tmp_path / "a"), shown(run, tmp_path / "b", examples=True)
    assert html.escape(SECRET).encode() in with_examples["report.html"]
    for content in without.values():
        assert SECRET.encode() not in content and html.escape(SECRET).encode() not in content and b"reviews.csv:9" not in content
        assert b"reviews.csv:3" not in content
    assert b"had a probability of 95% or more" in without["report.html"]  # that there were mistakes may be said


def test_pictures_are_shown_only_when_asked_for(tmp_path: Path) -> None:
    run = image_run(tmp_path / "run")
    of_rows = {"figures/mistakes.png", "figures/augmentation.png"}
    assert not of_rows & shown(run, tmp_path / "a").keys()
    assert of_rows <= shown(run, tmp_path / "b", examples=True).keys()


def test_places_on_disk_are_cut_down_to_their_names(tmp_path: Path) -> None:
    found = shown(own_run(tmp_path / "run"), tmp_path / "shown")
    for path, content in found.items():
        assert HOME.encode() not in content and b"private/" not in content, path
        assert str(tmp_path).encode() not in content, path
    measured = json.loads(found["metrics.json"])
    assert (measured["data"]["name"], measured["backbone"]["name"]) == ("customers.csv", "bert")
    assert b"finetune run sentiment" not in found["report.html"]


def test_names_on_the_hub_stay(tmp_path: Path) -> None:
    found = shown(text_run(tmp_path / "run"), tmp_path / "shown")
    original = json.loads((tmp_path / "run/metrics.json").read_text())
    measured = json.loads(found["metrics.json"])
    assert "/" in original["backbone"]["name"]
    assert (measured["backbone"], measured["splits"]) == (original["backbone"], original["splits"])


def test_gate_s_report_names_files_as_they_lie_in_the_repository(tmp_path: Path) -> None:
    told = export()
    for artifact in told["artifacts"]:
        artifact["file"] = {"pytorch": "model", "int8": "withheld/int8/model.onnx"}.get(artifact["name"], "onnx/model.onnx")
    found = json.loads(shown(text_run(tmp_path / "run", export=told), tmp_path / "shown")["onnx/report.json"])
    assert {artifact["name"]: artifact["file"] for artifact in found["artifacts"]} == {
        "pytorch": "model.safetensors", "fp32": "onnx/model.onnx", "int8": None}
    told["artifacts"][2] |= {"name": "optimized", "file": "withheld/optimized/model.onnx", "verdict": "slower"}
    found = json.loads(shown(text_run(tmp_path / "slow", export=told), tmp_path / "again")["onnx/report.json"])
    assert found["artifacts"][2]["file"] is None


@pytest.mark.parametrize(("make", "kind"), [(text_run, "text"), (image_run, "image")])
def test_every_example_is_listed(tmp_path: Path, make: object, kind: str) -> None:
    run = make(tmp_path)  # type: ignore[operator]
    rows = [json.loads(line)["row"] for line in (run / "mistakes.jsonl").read_text().splitlines()]
    seen = ["a/seen-0.png", "a/partner.png", *(f"a/seen-{place}.png" for place in range(1, 6))] if kind == "image" else ["reviews.csv:3"]
    assert public.examples(run) == [f"{row}: {kind}" for row in (*rows, *seen)]
    assert rows


def test_run_is_left_as_it_was(tmp_path: Path) -> None:
    run = text_run(tmp_path / "run")
    before = {file: file.read_bytes() for file in run.rglob("*") if file.is_file()}
    shown(run, tmp_path / "shown")
    assert {file: file.read_bytes() for file in run.rglob("*") if file.is_file()} == before
