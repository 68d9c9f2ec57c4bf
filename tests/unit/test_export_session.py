"""An ONNX file as something that answers, on a graph made by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from finetune.contracts import Batch
from finetune.errors import ExportError
from finetune.export.session import Session


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two inputs, their sum and their difference."""
    def tensor(name: str) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", 2])

    nodes = [helper.make_node("Add", ["a", "b"], ["sum"]), helper.make_node("Sub", ["a", "b"], ["difference"])]
    graph = helper.make_graph(nodes, "made", [tensor("a"), tensor("b")], [tensor("difference"), tensor("sum")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    target = tmp_path_factory.mktemp("session") / "model.onnx"
    onnx.save(model, target)
    return target


def inputs(rows: int) -> dict[str, np.ndarray]:
    values = np.arange(2 * rows, dtype=np.float32).reshape(rows, 2)
    return {"b": values, "a": 10 * values}


@pytest.mark.parametrize("threads", [None, 1, 2])
@pytest.mark.parametrize("rows", [1, 5])
def test_outputs_come_by_name(rows: int, threads: int | None, file: Path) -> None:
    given = inputs(rows)
    found = Session(file, threads=threads)(given)
    assert list(found) == ["difference", "sum"]
    np.testing.assert_array_equal(found["sum"], 11 * given["b"])
    np.testing.assert_array_equal(found["difference"], 9 * given["b"])


def test_inputs_that_the_graph_does_not_know_are_left_out(file: Path) -> None:
    given = inputs(3)
    found = Session(file)({**given, "token_type_ids": np.zeros((3, 2), np.int64)})
    np.testing.assert_array_equal(found["sum"], 11 * given["b"])


def test_batch_is_answered_without_its_targets(file: Path) -> None:
    output, loss = Session(file).infer(Batch(inputs(2), {"target": np.array([0, 1])}, 2))
    assert loss is None
    np.testing.assert_array_equal(output["sum"], 11 * inputs(2)["b"])


def test_graph_that_this_runtime_is_too_old_for_is_refused_by_name(file: Path, tmp_path: Path) -> None:
    model = onnx.load(file)
    model.ir_version = 99
    onnx.save(model, tmp_path / "model.onnx")
    with pytest.raises(ExportError, match=r"model.onnx: onnxruntime \S+ cannot open it: .*Unsupported model IR version: 99") as caught:
        Session(tmp_path / "model.onnx")
    assert str(caught.value).endswith("Export the run again, or install the onnxruntime that it was exported with.")
