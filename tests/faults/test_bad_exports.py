"""Runs that cannot be exported: each ends with an error that says why, and what was published before stays as it was."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import ROOT, Finished

pytestmark = pytest.mark.slow

# All cases in one process, since its imports take longer than they do. Every case has a copy of the run, spoils it, and
# exports it again; where there is a limit, the operating system refuses to write a file beyond it.
PROGRAM = """
import contextlib, io, json, resource, shutil, signal, sys
from pathlib import Path
import pyarrow as pa
from finetune.run.folder import RunFolder
from finetune.verbs import export
from finetune.write import digest, read_json, write_json

run, folder, limits = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])


def unknown_architecture(place):
    from transformers import FNetConfig, FNetForSequenceClassification
    names = read_json(place / "model/config.json")["id2label"]
    settings = FNetConfig(vocab_size=2000, hidden_size=8, num_hidden_layers=1, intermediate_size=8, id2label=names)
    FNetForSequenceClassification(settings).save_pretrained(place / "model")


def no_validation(place):
    kept = RunFolder(place)
    kept.write_table("validation", kept.table("validation").slice(0, 0))


def unfinished(place):
    (place / "metrics.json").unlink()


def newer(place):
    write_json(place / "model/finetune.json", read_json(place / "model/finetune.json") | {"format": 2})


class Stopping(io.StringIO):
    def write(self, text):
        if "optimized: fused" in text:
            signal.raise_signal(signal.SIGINT)
        return super().write(text)


def unexported(place):
    shutil.rmtree(place / "onnx")


def attempt(name, spoil, limit=resource.RLIM_INFINITY, said=io.StringIO, **options):
    place = folder / name
    shutil.copytree(run, place)
    spoil(place)
    before = {str(file.relative_to(place)): digest(file) for file in place.rglob("*") if file.is_file()}
    found = {"name": name, "error": None}
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        with contextlib.redirect_stdout(said()):
            export.verb(place, **options)
    except Exception as error:
        found |= {"error": type(error).__name__, "text": str(error).replace(str(place), "RUN")}
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    after = {str(file.relative_to(place)): digest(file) for file in place.rglob("*") if file.is_file()}
    return found | {"changed": sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))}


cases = [unknown_architecture, no_validation, unfinished, newer]
found = [attempt(case.__name__, case) for case in cases]
found += [attempt(f"limit-{limit}", lambda place: None, limit) for limit in limits]
found += [attempt("stopped", lambda place: None, said=Stopping, target="cpu-avx2", rescue=False)]
quick = {"quantize": "none", "optimize": "none"}
for name, spoil in (("again", lambda place: None), ("first", unexported)):
    found += [attempt(name, spoil, **quick) | {"last": str((folder / "last").resolve().relative_to(folder))}]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def outcomes(run_of: Callable[[str], Finished], tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    _, run, _ = run_of("sentiment")
    whole = (run / "onnx/model.onnx").stat().st_size
    limits = json.dumps([0, 3000, whole - 1])
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(run), str(tmp_path_factory.mktemp("exports")), limits], cwd=ROOT,
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return {entry["name"]: entry for entry in json.loads(done.stdout.splitlines()[-1])}


@pytest.mark.parametrize(("name", "kind", "text"), [
    ("unknown_architecture", "ExportError", "Optimum cannot export the architecture 'fnet'"),
    ("no_validation", "ExportError", "there are no validation rows to judge an exported model on"),
    ("unfinished", "DataError", "has not been trained and evaluated yet (next stage: evaluate)"),
    ("newer", "DataError", "was written by a newer version (format 2, known is 1). Update finetune."),
])
def test_error_says_why_and_nothing_is_changed(outcomes: dict[str, dict[str, Any]], name: str, kind: str, text: str) -> None:
    found = outcomes[name]
    assert (found["error"], found["changed"]) == (kind, [])
    assert text in found["text"]


def test_full_disk_is_told_as_such_and_leaves_the_earlier_export(outcomes: dict[str, dict[str, Any]]) -> None:
    limited = [found for name, found in outcomes.items() if name.startswith("limit-")]
    assert len(limited) == 3
    for found in limited:
        assert (found["error"], found["changed"]) == ("FinetuneError", []), found["name"]
        assert "no space is left on the disk" in found["text"]
        assert found["text"].endswith("Free some space; go on with: finetune export RUN")


def test_ctrl_c_leaves_the_earlier_export_and_names_the_command_with_its_options(outcomes: dict[str, dict[str, Any]]) -> None:
    found = outcomes["stopped"]
    assert (found["error"], found["changed"]) == ("Interrupted", [])
    assert found["text"] == "run: stopped. What was complete is kept. Go on with: finetune export RUN --target cpu-avx2 --no-rescue"


def test_last_is_moved_by_the_export_that_finishes_a_run_alone(outcomes: dict[str, dict[str, Any]]) -> None:
    assert [(outcomes[name]["error"], outcomes[name]["last"]) for name in ("again", "first")] == [(None, "last"), (None, "first")]
