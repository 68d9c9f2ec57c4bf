"""A run is pushed, and what a fresh process pulls answers like the original; rows, pictures and places stay behind."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
from PIL import Image

from finetune.predict import Predictor
from finetune.run.folder import RunFolder
from tests.conftest import ROOT, Finished
from tests.hub import standin, store
from tests.unit import loopback

pytestmark = pytest.mark.slow
Pushed = dict[str, Any]
GIVEN = ("A fine evening, and not a dull minute in it.", "Dull. I left before the end.", "so so")
PULL = """
import json, sys
import torch, transformers
from huggingface_hub import snapshot_download

folder = snapshot_download("me/model", local_dir=sys.argv[2])
auto = getattr(transformers, sys.argv[1])
there, here = (auto.from_pretrained(place).eval() for place in ("me/model", sys.argv[3]))
torch.manual_seed(0)
inputs = ({"pixel_values": torch.rand(3, 3, 32, 32)} if "Image" in sys.argv[1]
          else {"input_ids": torch.randint(5, 200, (3, 9)), "attention_mask": torch.ones(3, 9, dtype=torch.long)})
with torch.inference_mode():
    ours, theirs = (model(**inputs).logits for model in (here, there))
print(json.dumps({"equal": bool(torch.equal(ours, theirs)), "names": there.config.id2label, "some": ours.abs().sum().item()}))
"""


def push(run: Path, server: standin.Standin, *options: str) -> subprocess.CompletedProcess[str]:
    """`finetune push` in a process of its own, logged in."""
    if int(huggingface_hub.__version__.split(".")[0]) >= 2:
        pytest.skip("this huggingface_hub uploads through Xet alone, which the stand-in for the Hub does not speak")
    place = loopback.environment(HF_ENDPOINT=server.address, HF_HOME=str(run.parent / "hf"), HF_TOKEN=store.TOKEN)
    return subprocess.run([sys.executable, "-m", "finetune", "push", str(run), "--repo", "me/model", *options], env=place,
                          capture_output=True, text=True, timeout=120)


# A text, a picture, and an adapter to each: what leaves a run is the same for all other tasks.
@pytest.fixture(scope="module", params=("sentiment", "sentiment:lora", "images", "images:lora"))
def pushed(request: pytest.FixtureRequest, run_of: Callable[[str], Finished]) -> Iterator[Pushed]:
    """A push without and then with examples, each with the files that the Hub holds after it."""
    name, run, _ = run_of(request.param)
    with standin.serving() as server:
        found: Pushed = {"name": name, "run": run, "server": server}
        for key, options in {"with": ["--include-examples"], "default": []}.items():
            done = push(run, server, *options)
            assert done.returncode == 0, done.stdout + done.stderr
            found[key] = {"said": done.stdout, "errors": done.stderr,
                          "files": server.store.repositories["models", "me/model"].head.files}
        yield found


def rows(run: Path) -> list[Any]:
    """Every text or picture of the run."""
    tables = [RunFolder(run).table(split) for split in ("train", "validation", "test")]
    role = "text" if "text" in tables[0].column_names else "image"
    return [cell for table in tables for cell in table[role].to_pylist()]


def shown(page: bytes) -> str:
    """The words of a page, as a reader sees them."""
    import html

    return " ".join(html.unescape(re.sub(rb"<[^>]+>", b" ", page).decode()).split())


def test_model_exports_card_scores_and_report_leave_in_one_commit(pushed: Pushed) -> None:
    files = pushed["default"]["files"]
    assert {"README.md", "metrics.json", "report.html", "config.json", "model.safetensors", "finetune.json", "onnx/model.onnx",
            "onnx/manifest.json", "onnx/report.json", "figures/training.png"} <= files.keys()
    run: Path = pushed["run"]
    for path in ("model.safetensors", "config.json"):
        assert files[path] == (run / "model" / path).read_bytes()
    assert files["onnx/model.onnx"] == (run / "onnx/model.onnx").read_bytes()
    commits = pushed["server"].store.repositories["models", "me/model"].commits
    assert len(commits) == 3  # the Hub's own, and one for each push
    assert re.fullmatch(pushed["name"] + r": accuracy 0\.\d{4} on [\d,]+ test rows", commits[-1].message)
    assert f"/me/model/commit/{commits[-1].sha}" in pushed["default"]["said"]


def test_nothing_else_of_the_run_leaves(pushed: Pushed) -> None:
    run: Path = pushed["run"]
    allowed = {file.relative_to(run / "model").as_posix() for file in (run / "model").rglob("*")} | {
        file.relative_to(run).as_posix() for folder in ("onnx", "figures") for file in (run / folder).rglob("*")} | {
        "README.md", "metrics.json", "report.html", ".gitattributes"}
    assert pushed["default"]["files"].keys() <= allowed
    assert not [path for path in pushed["default"]["files"] if "ledger" in path or "mistakes" in path or path.endswith(".arrow")]


def test_no_row_is_in_any_byte_that_leaves(pushed: Pushed) -> None:
    found, cells = b"\n".join(pushed["default"]["files"].values()), rows(pushed["run"])
    words = shown(pushed["default"]["files"]["report.html"])
    assert len(cells) > 1000
    for cell in cells:
        needle = cell if isinstance(cell, bytes) else cell.encode()
        assert needle not in found and base64.b64encode(needle) not in found
        assert isinstance(cell, bytes) or cell not in words
    mistakes = [json.loads(line) for line in (pushed["run"] / "mistakes.jsonl").read_text().splitlines()]
    assert mistakes  # so there was something to leave out


def test_examples_leave_only_when_they_are_asked_for_and_each_is_listed_before(pushed: Pushed) -> None:
    mistakes = [json.loads(line) for line in (pushed["run"] / "mistakes.jsonl").read_text().splitlines()][:12]
    given, default = pushed["with"], pushed["default"]
    listed, _, _ = given["said"].partition("push  to")
    assert [line["row"] in listed for line in mistakes] == [True] * len(mistakes)
    num_shown = listed.count("shown in report.html: ")
    assert num_shown > len(mistakes)  # cleaning and augmentation show some too
    assert f"rows among them: {num_shown}\n" in listed
    assert "rows among them: none" in default["said"]
    if "text" in mistakes[0]:
        assert mistakes[0]["text"] in shown(given["files"]["report.html"])
        assert "Most confident mistakes" not in shown(default["files"]["report.html"])
    else:  # a figure of pictures, which the later push took away again
        assert "figures/mistakes.png" in given["files"]
        assert "figures/mistakes.png" not in default["files"]


def test_no_place_on_this_machine_leaves(pushed: Pushed) -> None:
    run: Path = pushed["run"]
    found = b"\n".join(pushed["default"]["files"].values())
    for place in (run, run.parents[2], ROOT, Path.home()):
        assert str(place).encode() not in found or str(place) == "/"


def test_token_is_neither_printed_nor_stored(pushed: Pushed) -> None:
    run: Path = pushed["run"]
    said = pushed["default"]["said"] + pushed["with"]["said"] + pushed["with"]["errors"]
    kept = [file.read_bytes() for file in run.parents[2].rglob("*") if file.is_file()]
    assert store.TOKEN not in said
    assert not [content for content in [*kept, *pushed["default"]["files"].values()] if store.TOKEN.encode() in content]


def test_card_is_valid_and_speaks_of_the_repository(pushed: Pushed) -> None:
    from huggingface_hub import ModelCard

    text = pushed["default"]["files"]["README.md"].decode()
    assert 'from_pretrained("me/model")' in text and "hf download me/model" in text
    assert ModelCard(text).data.eval_results[0].metric_type == "accuracy"


def test_same_run_again_is_no_new_commit(pushed: Pushed) -> None:
    commits = pushed["server"].store.repositories["models", "me/model"].commits
    before = len(commits)
    done = push(pushed["run"], pushed["server"])
    assert done.returncode == 0, done.stderr
    assert "holds all of it already" in done.stdout
    assert len(commits) == before


def test_pulled_model_answers_as_the_original(pushed: Pushed, tmp_path: Path) -> None:
    run: Path = pushed["run"]
    auto = Predictor.open(run).task.head.auto
    place = loopback.environment(HF_ENDPOINT=pushed["server"].address, HF_HOME=str(tmp_path / "hf"))
    done = subprocess.run([sys.executable, "-c", PULL, auto, str(tmp_path / "pulled"), str(run / "model")], env=place,
                          capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer["equal"] and answer["some"] > 0
    ours, theirs = Predictor.open(run), Predictor.open(tmp_path / "pulled")
    assert theirs.file == tmp_path / "pulled" / "onnx" / ours.file.relative_to(run / "onnx")
    given: list[str] = list(GIVEN)
    if "image" in ours.task.roles.values():
        given = []
        for shade in (10, 120, 250):
            given.append(str(tmp_path / f"{shade}.png"))
            Image.new("L", (40, 30), shade).save(given[-1])
    for first, second in zip(ours(given), theirs(given), strict=True):
        assert first == second
    assert list(answer["names"].values()) == list(ours.task.labels)
