"""Twenty losses per recipe: a refactoring leaves them untouched; whoever changes them says so in the changelog."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import folder_name

pytestmark = pytest.mark.slow
FOLDER = Path(__file__).parent / "losses"


def test_losses_of_twenty_steps_are_unchanged(finished: tuple[str, Path, str]) -> None:
    name, run, _ = finished
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    losses = [round(line["loss"], 6) for line in lines if line["event"] == "step"]
    file = FOLDER / f"{folder_name(name)}.json"
    if os.environ.get("GOLDEN") == "write":
        file.write_text(json.dumps(losses, indent=1) + "\n")
    expected = json.loads(file.read_text())
    assert len(losses) == len(expected) == 20
    np.testing.assert_allclose(losses, expected, atol=1e-4)
