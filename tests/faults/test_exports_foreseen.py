"""A backbone that cannot be exported is refused before a row is read, not after hours of training."""

from __future__ import annotations

from pathlib import Path

import pytest

from finetune.backbones import tiny
from finetune.export import line, native
from tests.conftest import sample_words
from tests.warm import Warm

pytestmark = [pytest.mark.slow, pytest.mark.lines]
SECOND = line.installed() is native
# Library line -> recipe, architecture, and what is said of it.
REFUSED = {
    False: ("sentiment", "fnet", "is of the architecture 'fnet', which Optimum cannot export. Choose another backbone (model.name=...)"),
    True: ("summarize", "t5", "has an encoder and a decoder, which Optimum alone exports, on the default library line (docs/lines.md). Start it there"),
}


@pytest.fixture
def backbone(tmp_path: Path) -> Path:
    """A backbone that this line cannot export."""
    if SECOND:
        return tiny.write("t5", tmp_path / "backbone", words=sample_words())
    from transformers import FNetConfig, FNetModel

    FNetModel(FNetConfig(vocab_size=9, hidden_size=8, num_hidden_layers=1, intermediate_size=8)).save_pretrained(tmp_path / "backbone")
    return tmp_path / "backbone"


def test_run_ends_before_anything_is_read_and_leaves_nothing(backbone: Path, tmp_path: Path, warm: Warm) -> None:
    recipe, kind, reason = REFUSED[SECOND]
    done = warm.finetune("run", recipe, "data.source=sample", f"model.name={backbone}", cwd=tmp_path)
    assert done.returncode == 2, done.stdout
    assert f"model.name: {backbone} {reason}, or train without an export: finetune train {recipe}." in done.stdout.replace("\n", " ")
    assert "rows from" not in done.stdout
    assert not list(tmp_path.glob(f"runs/{recipe}/*"))
    assert kind in (backbone / "config.json").read_text()
