"""What becomes of exported models that are not published."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from finetune import override
from finetune import recipe as recipes
from finetune.export import gate
from finetune.run.context import Run
from finetune.run.folder import RunFolder
from tests.unit.test_export_gate import artifact

pytestmark = pytest.mark.slow


def test_a_slower_model_is_moved_out_of_what_is_published_and_said_so_plainly(tmp_path: Path) -> None:
    from finetune.run.export import _withhold

    draft, said = tmp_path / ".onnx.draft", io.StringIO()
    files = {"fp32": draft / "model.onnx", "int8": draft / "int8" / "model.onnx"}
    for file in files.values():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"graph")
    run = Run("sentiment", recipes.load("sentiment"), RunFolder(tmp_path), Console(file=said))
    slow = replace(artifact("int8", "slower", "is slower than fp32 here (1.24 against 1.04 ms a row)"), file="onnx/int8/model.onnx")
    report = gate.overall([artifact("pytorch", "reference"), artifact("fp32", "pass"), slow], max_score_drop=0.01)
    _withhold(run, report, files)
    assert (report["verdict"], report["default"]) == ("pass", "fp32")
    assert not (draft / "int8").exists()
    assert (tmp_path / "withheld" / "int8" / "model.onnx").read_bytes() == b"graph"
    assert report["artifacts"][-1]["file"] == "withheld/int8/model.onnx"
    assert said.getvalue() == "  int8 is slower than fp32 here (1.24 against 1.04 ms a row), so fp32 is what you get\n"


def test_what_an_earlier_export_withheld_is_gone_once_no_report_speaks_of_it(tmp_path: Path) -> None:
    from finetune.run.export import _forget

    withheld = tmp_path / "withheld"
    for name in ("int8", "onnx"):
        (withheld / name).mkdir(parents=True)
        (withheld / name / "model.onnx").write_bytes(b"graph")
    report = gate.overall([replace(artifact("int8", "fail"), file="withheld/int8/model.onnx")], max_score_drop=0.01)
    _forget(withheld, report)
    assert [place.name for place in withheld.iterdir()] == ["int8"]
    _forget(withheld, gate.overall([replace(artifact("int8", "pass"), file="onnx/int8/model.onnx")], max_score_drop=0.01))
    assert not withheld.exists()
    _forget(withheld, report)


def test_weights_beside_a_graph_count_and_move_with_it(tmp_path: Path) -> None:
    from finetune.run.export import _placed

    draft = tmp_path / ".onnx.draft"
    draft.mkdir()
    for name in ("model.onnx", "model.onnx_data"):
        (draft / name).write_bytes(bytes(2**20))
    placed = _placed(replace(artifact("fp32", "pass"), file=str(draft / "model.onnx")), draft, tmp_path)
    assert (placed.file, placed.size_mib) == ("onnx/model.onnx", 2.0)


@pytest.mark.parametrize(("recipe", "form", "said"), [
    ("images", "int8_dynamic", True), ("images", "int8_static", False), ("sentiment", "int8_dynamic", False),
])
def test_static_int8_is_recommended_where_dynamic_leaves_convolutions_out(recipe: str, form: str, said: bool, tmp_path: Path) -> None:
    from finetune.run.export import _tell

    console = Console(file=io.StringIO())
    run = Run(recipe, override.apply(recipes.load(recipe), [f"export.quantize={form}"]), RunFolder(tmp_path), console)
    _tell(run, gate.overall([artifact("pytorch", "reference"), artifact("fp32", "pass"), artifact("int8", "pass")], max_score_drop=0.01))
    assert ("export.quantize=int8_static covers them" in console.file.getvalue()) == said  # type: ignore[attr-defined]
