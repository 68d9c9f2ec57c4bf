"""The page that `finetune clean` leaves gives way to the run's own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from finetune.report import page
from tests.conftest import finetune

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("finished", ["sentiment"], indirect=True)
def test_resumed_run_replaces_the_page_that_cleaning_left(finished: tuple[str, Path, str], tmp_path: Path) -> None:
    run = Path(shutil.copytree(finished[1], tmp_path / "runs" / "sentiment" / "a"))
    later = {name: (run / name).read_bytes() for name in ("metrics.json", "mistakes.jsonl", "log.jsonl", "onnx/report.json")}
    for name in later:
        (run / name).unlink()
    assert "data report" in page.write(run).read_text()
    for name in ("log.jsonl", "onnx/report.json"):
        (run / name).write_bytes(later[name])
    done = finetune("run", "sentiment", "--resume", str(run), cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "training report" in (run / page.FILE).read_text()
