"""Over 300 hostile files: each is refused, dropped or read as it should be, cheaply, and nothing around it changes."""

from __future__ import annotations

import functools
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.faults.hostile.case import PICTURES, TEXTS, Case, Dropped, Read, Refused

FAMILIES = ("archives", "columnar", "more_pictures", "pictures", "places", "tables")
PIECES = ("case", "picture_bytes", "probe")  # modules of the folder that are no family
MAX_SECONDS, MAX_MIB = 2.0, 512.0  # of a processor, and above what the process held before
CASES: dict[str, list[Case]] = {family: importlib.import_module(f"tests.faults.hostile.{family}").cases() for family in FAMILIES}
EVERY = [pytest.param(family, case, id=case.name) for family, cases in CASES.items() for case in cases]


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What came of the cases of a family; each family is tried once, in a process whose home and folder stay empty."""
    @functools.cache
    def of_family(family: str) -> dict[str, Any]:
        home, work = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("work")
        environment = {"PATH": os.defpath, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1",
                       "HOME": str(home), "TMPDIR": str(home)}
        done = subprocess.run([sys.executable, "-m", "tests.faults.hostile.probe", family, str(work)], cwd=home, env=environment,
                              capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
        found = {line["name"]: line for line in map(json.loads, done.stdout.splitlines())}
        return {"cases": found, "left": [str(path) for path in (*home.rglob("*"), *work.rglob("*"))]}
    return of_family


def test_corpus_has_over_300_files_and_names_each_once() -> None:
    names = [case.name for cases in CASES.values() for case in cases]
    assert len(names) == len(set(names)) >= 300


def test_every_family_of_the_folder_is_tried() -> None:
    folder = Path(__file__).parent / "hostile"
    assert {file.stem for file in folder.glob("*.py")} == {*FAMILIES, *PIECES}


@pytest.mark.parametrize(("family", "case"), EVERY)
def test_hostile_file_is_refused_dropped_or_read_as_it_should_be(tried, family, case):
    found = tried(family)["cases"][case.name]
    said = found.get("message", "")
    if isinstance(case.expected, Refused):
        assert found["outcome"] == "refused", found
        assert [part for part in case.expected.parts if part not in said] == [], said
    elif isinstance(case.expected, Dropped):
        file = case.file.removeprefix("pets/")
        lines = [line for line in found["ledger"] if line[0] == file]
        assert [line[1:3] for line in lines] == [["broken_pictures", "dropped"]], found
        assert case.expected.reason in lines[0][3]
    else:
        texts = case.expected.texts if isinstance(case.expected, Read) else ()
        around = [] if case.place.endswith(".zip") else [text for text, _ in TEXTS]
        assert found["outcome"] == "read", found
        if case.kind == "text":
            assert sorted(text for text, _ in found["rows"]) == sorted([*around, *texts])
        else:
            assert len(found["rows"]) == len(PICTURES) + isinstance(case.expected, Read)


@pytest.mark.parametrize(("family", "case"), EVERY)
def test_hostile_file_is_cheap(tried, family, case):
    found = tried(family)["cases"][case.name]
    assert found["seconds"] <= MAX_SECONDS
    assert found["mib"] <= MAX_MIB


@pytest.mark.parametrize(("family", "case"), EVERY)
def test_hostile_file_changes_nothing_around_it(tried, family, case):
    found = tried(family)["cases"][case.name]
    assert found["touched"] == []
    assert found["sound"], "without the file, the rows around it are not read as ever"
    assert found.get("around", True), "the rows around it came out changed"


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_is_left_behind(tried, family):
    found = tried(family)
    assert len(found["cases"]) == len(CASES[family])
    assert found["left"] == []
